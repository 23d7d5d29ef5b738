#include "judge/final_number.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "judge/answer_mark.h"
#include "judge/ascii.h"
#include "judge/plain_math.h"

namespace arena {
namespace {

// Whether nothing of weight stands before a number: signs, quotes, markup, "about".
bool IsLeadIn(std::string_view text) {
  constexpr std::string_view kSigns = " \t\r\n*_`$\"'([{~=:>-\\";
  constexpr std::array<std::string_view, 10> kWords = {
      "about", "approximately", "around", "exactly", "just",
      "only",  "roughly",       "equal",  "to",      "usd"};
  for (std::size_t pos = 0; pos < text.size();) {
    if (kSigns.find(text[pos]) != std::string_view::npos) {
      ++pos;
      continue;
    }
    const auto* word = std::find_if(kWords.begin(), kWords.end(), [&](std::string_view candidate) {
      return WordAt(text, pos, candidate);
    });
    if (word == kWords.end()) return false;
    pos += word->size();
  }
  return true;
}

std::optional<FoundNumber> LastNumber(std::string_view text, std::size_t from, int* count) {
  std::optional<FoundNumber> last;
  *count = 0;
  while (auto number = NextNumber(text, last ? last->end : from)) {
    last = std::move(number);
    ++*count;
  }
  return last;
}

std::optional<FoundNumber> NumberAfterEquals(std::string_view field) {
  const std::size_t equals = field.rfind('=');
  if (equals == std::string_view::npos) return std::nullopt;
  return NextNumber(field, equals + 1);
}

bool OperatorFollows(std::string_view field, std::size_t pos) {
  const char next = CharAt(field, SkipSpaces(field, pos));
  return next != '\0' && std::string_view("+-*/x=^").find(next) != std::string_view::npos;
}

std::optional<FoundNumber> NumberOfField(std::string_view field) {
  auto first = NextNumber(field, 0);
  if (!first) return std::nullopt;
  if (IsLeadIn(field.substr(0, first->begin))) {
    if (OperatorFollows(field, first->end)) {
      if (auto result = NumberAfterEquals(field)) return result;
    }
    return first;
  }
  if (auto result = NumberAfterEquals(field)) return result;
  int count = 0;
  return LastNumber(field, 0, &count);
}

// "#### 3. Method" and "#### Step 3" are headings and no answers.
bool IsHeading(std::string_view field, std::string_view text) {
  const auto first = NextNumber(field, 0);
  if (!first || !IsLeadIn(field.substr(0, first->begin))) return true;
  const auto after = static_cast<std::size_t>(field.data() - text.data()) + first->end;
  const char stop = CharAt(text, after);
  if (stop != '.' && stop != ')') return false;
  const std::size_t next = SkipSpaces(text, after + 1);
  return next > after + 1 && (IsLetter(CharAt(text, next)) || CharAt(text, next) == '*');
}

// At most a unit after the number: "18", "$18.", "18 eggs".
bool IsBareNumber(std::string_view text, const FoundNumber& number) {
  if (!IsLeadIn(text.substr(0, number.begin))) return false;
  const std::string_view rest = text.substr(number.end);
  int words = 0;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (IsDigit(rest[i])) return false;
    if (IsLetter(rest[i]) && (i == 0 || !IsLetter(rest[i - 1])) && ++words > 1) return false;
  }
  return true;
}

// The last number of a long text is found near its end; the rest is read only where that fails.
std::optional<FoundNumber> LastNumberOfText(std::string_view text) {
  constexpr std::size_t kTail = 1 << 16;
  int count = 0;
  if (text.size() > kTail) {
    auto last = LastNumber(text, text.size() - kTail, &count);
    // The first one in the tail may be the rest of a number that begins before it.
    if (count > 1) return last;
  }
  return LastNumber(text, 0, &count);
}

std::string Shown(std::string_view text, const FoundNumber& number) {
  constexpr std::size_t kMaxShown = 40;
  std::string shown(text.substr(number.begin, std::min(number.end - number.begin, kMaxShown)));
  if (number.end - number.begin > kMaxShown) shown += "...";
  return shown;
}

}  // namespace

std::optional<FinalNumber> FindFinalNumber(std::string_view original, bool last_number) {
  const std::string plain = PlainMath(original);
  const std::string_view text = plain;
  std::optional<FinalNumber> result;
  VisitAnswerMarks(text, [&](AnswerMark mark, std::string_view field) {
    if (mark == AnswerMark::kHashes && IsHeading(field, text)) return false;
    auto number = NumberOfField(field);
    if (!number) return false;
    std::string shown = Shown(field, *number);
    result = FinalNumber{std::move(*number), std::move(shown), AnswerMarkName(mark)};
    return true;
  });
  if (result) return result;
  std::string_view where = "the whole answer";
  auto number = NextNumber(text, 0);
  if (number && !IsBareNumber(text, *number)) {
    if (!last_number) return std::nullopt;
    number = LastNumberOfText(text);
    where = "the last number";
  }
  if (!number) return std::nullopt;
  std::string shown = Shown(text, *number);
  return FinalNumber{std::move(*number), std::move(shown), where};
}

}  // namespace arena
