#include "judge/internal/verdict_values.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <string>
#include <utility>

#include "judge/ascii.h"

namespace arena::judge_internal {
namespace {

constexpr std::size_t kLongestValue = 80;  // bytes; a verdict is short

using Words = std::span<const std::string_view>;

/// These announce a verdict ...
constexpr std::array<std::string_view, 16> kVerdictNouns = {
    "verdict", "decision", "answer", "judgment", "judgement", "winner", "result",     "rating",
    "ratings", "score",    "scores", "choice",   "grade",     "output", "conclusion", "preference"};
/// ... and these may stand beside them.
constexpr std::array<std::string_view, 12> kFillers = {
    "final", "overall", "my", "the", "is", "are", "so", "thus", "therefore", "i", "give", "would"};
constexpr std::array<std::string_view, 2> kAnnouncing = {"is", "are"};
constexpr std::array<std::string_view, 5> kSeatNouns = {"assistant", "answer", "response", "model",
                                                        "option"};
constexpr std::array<std::string_view, 11> kSeatFillers = {
    "assistant", "answer", "response", "model", "score",  "rating",
    "for",       "of",     "the",      "final", "overall"};
constexpr std::array<std::string_view, 4> kSeatVerbs = {"is", "gets", "score", "rating"};

bool IsOneOf(std::string_view word, Words words) {
  return std::any_of(words.begin(), words.end(), [word](std::string_view other) {
    return word.size() == other.size() && WordAt(word, 0, other);
  });
}

/// The letters at the beginning.
std::string_view FirstWord(std::string_view text) {
  std::size_t length = 0;
  while (IsLetter(CharAt(text, length))) ++length;
  return text.substr(0, length);
}

bool IsDecoration(char c) {
  return IsSpace(c) || std::string_view("*_`#\"'.,:;!~|").find(c) != std::string_view::npos;
}

/// A dash before a space is a bullet or a pause; before a number it would be a sign.
std::string_view SkipDecoration(std::string_view text) {
  while (!text.empty() &&
         (IsDecoration(text.front()) || (text.front() == '-' && CharAt(text, 1) == ' '))) {
    text.remove_prefix(1);
  }
  return text;
}

/// Skips the words of `words` and the decoration between them.
std::string_view SkipWords(std::string_view text, Words words) {
  text = SkipDecoration(text);
  for (auto word = FirstWord(text); !word.empty() && IsOneOf(word, words); word = FirstWord(text)) {
    text = SkipDecoration(text.substr(word.size()));
  }
  return text;
}

/// A score from 1 to 10 at the beginning of `text`, with "/10" or "out of 10" after it.
struct Scored10 {
  double value = 0;
  std::string_view rest;
};
std::optional<Scored10> TakeScore(std::string_view text) {
  std::size_t end = DigitsFrom(text, 0, 3);
  if (end == 0 || end > 2) return std::nullopt;
  double value = 0;
  for (std::size_t i = 0; i < end; ++i) value = 10 * value + (text[i] - '0');
  if (CharAt(text, end) == '.' && IsDigit(CharAt(text, end + 1))) {
    double unit = 0.1;
    for (++end; IsDigit(CharAt(text, end)); ++end, unit /= 10) value += unit * (text[end] - '0');
  }
  if (IsWordChar(CharAt(text, end)) || CharAt(text, end) == '%') return std::nullopt;
  value = std::round(value * 1e9) / 1e9;  // what the digits say, not what their sum rounds to
  if (value < kLowestScore || value > kHighestScore) return std::nullopt;
  std::string_view rest = text.substr(end);
  for (const std::string_view scale : {"/10", " / 10", " out of 10"}) {
    if (rest.starts_with(scale) && !IsDigit(CharAt(rest, scale.size()))) {
      rest.remove_prefix(scale.size());
      break;
    }
  }
  // Another scale than 10, a range or a list: not this number.
  const char next = CharAt(rest, 0);
  if (next == '/' || next == '-' || next == '%') return std::nullopt;
  return Scored10{value, rest};
}

std::string_view SkipSpace(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  return text;
}

std::optional<SeatScores> SingleScore(std::string_view text) {
  const auto score = TakeScore(SkipSpace(text));
  if (!score || !SkipSpace(score->rest).empty()) return std::nullopt;
  return SeatScores{score->value, 0};
}

std::optional<SeatScores> TwoScores(std::string_view text) {
  const auto first = TakeScore(SkipSpace(text));
  if (!first) return std::nullopt;
  std::string_view rest = SkipSpace(first->rest);
  const bool has_mark = CharAt(rest, 0) == ',' || CharAt(rest, 0) == ';';
  if (has_mark) rest.remove_prefix(1);
  if (!has_mark && rest.size() == first->rest.size()) return std::nullopt;
  const auto second = TakeScore(SkipSpace(rest));
  if (!second || !SkipSpace(second->rest).empty()) return std::nullopt;
  return SeatScores{first->value, second->value};
}

/// Capitals without spaces; "&gt;" as ">".
std::string Compact(std::string_view text) {
  std::string compact;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (IsSpace(text[i])) continue;
    const bool greater = StartsWithAt(text, i, "&gt;");
    if (greater || StartsWithAt(text, i, "&lt;")) {
      compact += greater ? '>' : '<';
      i += 3;
      continue;
    }
    compact += ToUpper(text[i]);
  }
  return compact;
}

template <std::size_t N>
std::optional<SeatScores> Find(const std::array<std::pair<std::string_view, SeatScores>, N>& table,
                               std::string_view text) {
  const std::string compact = Compact(text);
  for (const auto& [name, scores] : table) {
    if (name == compact) return scores;
  }
  return std::nullopt;
}

constexpr std::array<std::pair<std::string_view, SeatScores>, 4> kVerdicts = {
    {{"A", kFirstBetter}, {"B", SwapSeats(kFirstBetter)}, {"C", kTieScores}, {"TIE", kTieScores}}};
constexpr std::array<std::pair<std::string_view, SeatScores>, 10> kGrades = {
    {{"A>>B", kFirstMuchBetter},
     {"A>B", kFirstBetter},
     {"A=B", kTieScores},
     {"B=A", kTieScores},
     {"B>A", SwapSeats(kFirstBetter)},
     {"B>>A", SwapSeats(kFirstMuchBetter)},
     {"A<B", SwapSeats(kFirstBetter)},
     {"A<<B", SwapSeats(kFirstMuchBetter)},
     {"B<A", kFirstBetter},
     {"B<<A", kFirstMuchBetter}}};

/// Takes away one pair of brackets that encloses all of the text.
std::string_view StripBrackets(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kPairs = {
      {{"[[", "]]"}, {"[", "]"}, {"(", ")"}, {"\\boxed{", "}"}, {"{", "}"}}};
  for (const auto& [open, close] : kPairs) {
    if (text.size() > open.size() + close.size() && text.starts_with(open) &&
        text.ends_with(close)) {
      return text.substr(open.size(), text.size() - open.size() - close.size());
    }
  }
  return text;
}

/// "Assistant A is better" as "A".
std::string_view StripSeatWords(std::string_view text) {
  text = SkipWords(text, kSeatNouns);
  for (const std::string_view tail : {" is better", " wins", " is the winner", " is the better"}) {
    if (text.size() == 1 + tail.size() && text.ends_with(tail)) return text.substr(0, 1);
  }
  return text;
}

std::optional<double> TakeNumber(const Json& value) {
  if (value.is_number()) {
    const double number = value.get<double>();
    if (number >= kLowestScore && number <= kHighestScore) return number;
  }
  if (value.is_string()) {
    if (const auto score = SingleScore(value.get_ref<const std::string&>())) return score->first;
  }
  return std::nullopt;
}

/// The member of that name, in any case.
const Json* Member(const Json& object, std::string_view name) {
  for (const auto& [key, value] : object.items()) {
    if (key.size() == name.size() && WordAt(key, 0, name)) return &value;
  }
  return nullptr;
}

std::optional<SeatScores> JsonScores(const Json& object) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kNames = {
      {{"score_a", "score_b"},
       {"rating_a", "rating_b"},
       {"assistant_a", "assistant_b"},
       {"a", "b"}}};
  for (const auto& [name_a, name_b] : kNames) {
    const Json* const a = Member(object, name_a);
    const Json* const b = Member(object, name_b);
    if (a == nullptr || b == nullptr) continue;
    const auto first = TakeNumber(*a);
    const auto second = TakeNumber(*b);
    if (!first || !second) return std::nullopt;
    return SeatScores{*first, *second};
  }
  const Json* const scores = Member(object, "scores");
  if (scores == nullptr) return std::nullopt;
  if (scores->is_object()) return JsonScores(*scores);
  if (!scores->is_array() || scores->size() != 2) return std::nullopt;
  const auto first = TakeNumber((*scores)[0]);
  const auto second = TakeNumber((*scores)[1]);
  if (!first || !second) return std::nullopt;
  return SeatScores{*first, *second};
}

}  // namespace

std::string_view StripDecoration(std::string_view text) {
  text = SkipDecoration(text);
  while (!text.empty() && IsDecoration(text.back())) text.remove_suffix(1);
  return text;
}

Unlabelled StripLabel(std::string_view line) {
  Unlabelled result{SkipDecoration(line), false};
  bool has_noun = false;
  while (true) {
    const std::string_view word = FirstWord(result.rest);
    const bool is_noun = IsOneOf(word, kVerdictNouns);
    if (word.empty() || (!is_noun && !IsOneOf(word, kFillers))) break;
    has_noun = has_noun || is_noun;
    const std::string_view after = SkipDecoration(result.rest.substr(word.size()));
    const std::string_view between =
        result.rest.substr(word.size(), result.rest.size() - word.size() - after.size());
    const bool says_is = IsOneOf(word, kAnnouncing) ||
                         between.find_first_of(":-") != std::string_view::npos ||
                         CharAt(after, 0) == '=';
    // "Verdict: A" announces; "Answer A" is a heading.
    result.had_label = result.had_label || (has_noun && says_is);
    result.rest = CharAt(after, 0) == '=' ? SkipDecoration(after.substr(1)) : after;
  }
  if (!has_noun) result.rest = SkipDecoration(line);
  return result;
}

std::optional<SeatScores> MarkValue(VerdictForm form, std::string_view content) {
  if (content.size() > kLongestValue) return std::nullopt;
  switch (form) {
    case VerdictForm::kPairScores:
      return TwoScores(content);
    case VerdictForm::kPairVerdict:
      return Find(kVerdicts, content);
    case VerdictForm::kPairGrades:
      return Find(kGrades, content);
    case VerdictForm::kSingleScore:
      break;
  }
  return SingleScore(content);
}

std::optional<SeatScores> PlainValue(VerdictForm form, std::string_view text) {
  text = StripDecoration(text);
  if (text.size() > kLongestValue) return std::nullopt;
  for (std::string_view inner = StripDecoration(StripBrackets(text)); inner.size() < text.size();
       inner = StripDecoration(StripBrackets(text))) {
    text = inner;
  }
  if (form == VerdictForm::kPairVerdict) text = StripDecoration(StripSeatWords(text));
  return MarkValue(form, text);
}

NamedScores ReadNamedScores(std::string_view line) {
  NamedScores named;
  std::string_view rest = StripDecoration(line);
  if (rest.size() > 4 * kLongestValue) return {};
  while (!rest.empty()) {
    rest = SkipWords(rest, kSeatFillers);
    const char seat = CharAt(rest, 0);
    if ((seat != 'A' && seat != 'B') || IsWordChar(CharAt(rest, 1))) return {};
    rest.remove_prefix(1);
    const std::size_t before = rest.size();
    rest = SkipWords(rest, kSeatVerbs);
    while (!rest.empty() &&
           std::string_view("=-[( ").find(rest.front()) != std::string_view::npos) {
      rest = SkipDecoration(rest.substr(1));
    }
    if (rest.size() == before) return {};
    const auto score = TakeScore(rest);
    if (!score) return {};
    (seat == 'A' ? named.first : named.second) = score->value;
    rest = score->rest;
    while (!rest.empty() &&
           (IsDecoration(rest.front()) || rest.front() == ']' || rest.front() == ')')) {
      rest.remove_prefix(1);
    }
  }
  return named;
}

std::optional<SeatScores> JsonValue(VerdictForm form, const Json& object) {
  if (form == VerdictForm::kPairScores) return JsonScores(object);
  if (form == VerdictForm::kSingleScore) {
    for (const std::string_view name : {"score", "rating"}) {
      const Json* const value = Member(object, name);
      if (value == nullptr) continue;
      const auto number = TakeNumber(*value);
      if (!number) return std::nullopt;
      return SeatScores{*number, 0};
    }
    return std::nullopt;
  }
  for (const std::string_view name :
       {"verdict", "winner", "grade", "decision", "judgment", "choice", "answer"}) {
    const Json* const value = Member(object, name);
    if (value != nullptr && value->is_string()) {
      return PlainValue(form, value->get_ref<const std::string&>());
    }
  }
  return std::nullopt;
}

}  // namespace arena::judge_internal
