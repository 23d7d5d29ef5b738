#include "judge/answer_mark.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "judge/ascii.h"

namespace arena {
namespace {

constexpr std::size_t kMaxField = 4096;
constexpr int kMaxMarks = 256;

struct Mark {
  AnswerMark kind;
  std::string_view field;
};

bool IsSentenceEnd(std::string_view text, std::size_t pos) {
  const char c = text[pos];
  const bool stop = c == '.' || c == '!' || c == '?';
  return stop && (pos + 1 == text.size() || IsSpace(text[pos + 1]));
}

bool HasContent(std::string_view line) {
  return std::any_of(line.begin(), line.end(),
                     [](char c) { return IsAlnum(c) || static_cast<unsigned char>(c) >= 0x80; });
}

// From `begin` to the end of the sentence or line, or the next line that has something to say.
std::string_view SentenceFrom(std::string_view text, std::size_t begin) {
  const std::string_view window = text.substr(begin, kMaxField);
  for (std::size_t start = 0; start < window.size();) {
    std::size_t end = start;
    while (end < window.size() && window[end] != '\n' && !IsSentenceEnd(window, end)) ++end;
    const std::string_view sentence = window.substr(start, end - start);
    if (HasContent(sentence)) return sentence;
    start = end + 1;
  }
  return {};
}

std::optional<Mark> BoxedAt(std::string_view text, std::size_t pos) {
  std::size_t open = 0;
  for (const std::string_view command : {"\\boxed", "\\fbox"}) {
    if (StartsWithAt(text, pos, command)) open = SkipSpaces(text, pos + command.size());
  }
  if (open == 0 || CharAt(text, open) != '{') return std::nullopt;
  const std::string_view window = text.substr(open + 1, kMaxField);
  int depth = 1;
  for (std::size_t i = 0; i < window.size(); ++i) {
    if (window[i] == '{') ++depth;
    if (window[i] == '}' && --depth == 0) return Mark{AnswerMark::kBoxed, window.substr(0, i)};
  }
  return Mark{AnswerMark::kBoxed, window};  // cut off: what is there still counts
}

// Exactly four: fewer and more are Markdown headings.
std::optional<Mark> HashesAt(std::string_view text, std::size_t pos) {
  if (!StartsWithAt(text, pos, "####") || CharAt(text, pos + 4) == '#') return std::nullopt;
  if (pos > 0 && text[pos - 1] == '#') return std::nullopt;
  return Mark{AnswerMark::kHashes, SentenceFrom(text, pos + 4)};
}

std::optional<Mark> LetterAt(std::string_view text, std::size_t pos) {
  constexpr std::size_t kMaxDecoration = 8;
  constexpr std::string_view kDecoration = " \t*_>#-";
  std::size_t begin = pos;
  while (begin > 0 && pos - begin < kMaxDecoration &&
         kDecoration.find(text[begin - 1]) != std::string_view::npos) {
    --begin;
  }
  if (begin > 0 && text[begin - 1] != '\n') return std::nullopt;
  std::size_t colon = pos + 1;
  while (colon < pos + 3 && CharAt(text, colon) == '*') ++colon;
  if (CharAt(text, colon) != ':') return std::nullopt;
  return Mark{AnswerMark::kLetter, SentenceFrom(text, colon + 1)};
}

// "answer", then within the sentence a colon, an equals sign or a form of "to be".
std::optional<Mark> WordMarkAt(std::string_view text, std::size_t pos) {
  constexpr std::size_t kMaxDistance = 80;
  constexpr std::array<std::string_view, 5> kVerbs = {"is", "was", "be", "equals", "are"};
  if (!WordAt(text, pos, "answer") || (pos > 0 && IsLetter(text[pos - 1]))) return std::nullopt;
  for (std::size_t i = pos + 6; i < std::min(text.size(), pos + kMaxDistance); ++i) {
    if (text[i] == '\n' || IsSentenceEnd(text, i)) return std::nullopt;
    std::size_t length = text[i] == ':' || text[i] == '=' ? 1 : 0;
    for (const std::string_view verb : kVerbs) {
      if (!IsLetter(text[i - 1]) && WordAt(text, i, verb)) length = verb.size();
    }
    if (length == 0) continue;
    const std::size_t begin = SkipSpaces(text, i + length);
    if (WordAt(text, begin, "not")) return std::nullopt;
    return Mark{AnswerMark::kWord, SentenceFrom(text, begin)};
  }
  return std::nullopt;
}

std::optional<Mark> MarkAt(std::string_view text, std::size_t pos) {
  switch (text[pos]) {
    case '\\':
      return BoxedAt(text, pos);
    case '#':
      return HashesAt(text, pos);
    case 'A':
      if (auto mark = LetterAt(text, pos)) return mark;
      return WordMarkAt(text, pos);
    case 'a':
      return WordMarkAt(text, pos);
    default:
      return std::nullopt;
  }
}

}  // namespace

std::string_view AnswerMarkName(AnswerMark mark) {
  switch (mark) {
    case AnswerMark::kBoxed:
      return "`\\boxed`";
    case AnswerMark::kHashes:
      return "`####`";
    case AnswerMark::kLetter:
      return "`A:`";
    case AnswerMark::kWord:
      return "`answer`";
  }
  return "";
}

bool VisitAnswerMarks(std::string_view text,
                      FunctionRef<bool(AnswerMark mark, std::string_view field)> visit) {
  int seen = 0;
  for (std::size_t pos = text.size(); pos-- > 0 && seen < kMaxMarks;) {
    const auto mark = MarkAt(text, pos);
    if (!mark) continue;
    ++seen;
    if (visit(mark->kind, mark->field)) return true;
  }
  return false;
}

}  // namespace arena
