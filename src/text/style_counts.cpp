#include "text/style_counts.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace arena {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// What a character contributes to the token count.
enum class Kind { kSpace, kWord, kMark };

Kind AsciiKind(char c) {
  if (c <= ' ' || c == 0x7F) return Kind::kSpace;
  const char lower = static_cast<char>(c | 0x20);
  const bool word = IsDigit(c) || c == '_' || (lower >= 'a' && lower <= 'z');
  return word ? Kind::kWord : Kind::kMark;
}

Kind UnicodeKind(std::uint32_t point) {
  if (point == 0xA0 || (point >= 0x2000 && point <= 0x200F) || point == 0x3000) {
    return Kind::kSpace;
  }
  const bool mark = (point >= 0x2010 && point <= 0x205E) ||  // dashes, quotes, bullets
                    (point >= 0x3001 && point <= 0x30FF) ||  // CJK punctuation, kana
                    (point >= 0x3400 && point <= 0x9FFF) ||  // ideographs
                    (point >= 0xAC00 && point <= 0xD7A3) ||  // Hangul syllables
                    (point >= 0xF900 && point <= 0xFAFF) ||  // compatibility ideographs
                    (point >= 0xFF00 && point <= 0xFFEF) ||  // full and half width forms
                    (point >= 0x20000 && point <= 0x3FFFF);  // further ideographs
  return mark ? Kind::kMark : Kind::kWord;
}

struct Character {
  std::size_t size = 1;
  Kind kind = Kind::kWord;
};

// The character at `pos`; a byte that starts no valid UTF-8 sequence is a word character alone.
Character CharacterAt(std::string_view text, std::size_t pos) {
  const auto lead = static_cast<unsigned char>(text[pos]);
  if (lead < 0x80) return {1, AsciiKind(text[pos])};
  const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || pos + size > text.size()) return {};
  std::uint32_t point = lead & (0xFFU >> (size + 1));
  for (std::size_t i = 1; i < size; ++i) {
    const auto next = static_cast<unsigned char>(text[pos + i]);
    if ((next & 0xC0U) != 0x80) return {};
    point = (point << 6) | (next & 0x3FU);
  }
  return {size, UnicodeKind(point)};
}

double CountTokens(std::string_view text) {
  std::int64_t tokens = 0;
  bool in_word = false;
  for (std::size_t pos = 0; pos < text.size();) {
    const Character character = CharacterAt(text, pos);
    if (character.kind == Kind::kMark || (character.kind == Kind::kWord && !in_word)) ++tokens;
    in_word = character.kind == Kind::kWord;
    pos += character.size;
  }
  return static_cast<double>(tokens);
}

std::string_view TrimLeft(std::string_view line) {
  while (!line.empty() && IsBlank(line.front())) line.remove_prefix(1);
  return line;
}

// How often the first character stands at the start.
std::size_t RunLength(std::string_view text) {
  const std::size_t end = text.find_first_not_of(text.substr(0, 1));
  return end == std::string_view::npos ? text.size() : end;
}

// Knows, line after line, whether it is inside fenced code.
class FenceTracker {
 public:
  // True if the line is a fence or stands inside one.
  bool IsCode(std::string_view line) {
    const std::string_view text = TrimLeft(line);
    const bool fence_mark = !text.empty() && (text.front() == '`' || text.front() == '~');
    const std::size_t run = fence_mark ? RunLength(text) : 0;
    if (open_ == 0) {
      if (run < 3) return false;
      if (text.front() == '`' && text.find('`', run) != std::string_view::npos) return false;
      open_ = run;
      mark_ = text.front();
      return true;
    }
    if (run >= open_ && text.front() == mark_ && TrimLeft(text.substr(run)).empty()) open_ = 0;
    return true;
  }

 private:
  std::size_t open_ = 0;  // length of the opening fence; 0: outside
  char mark_ = 0;
};

bool StartsWithSpace(std::string_view text) {
  return !text.empty() && (text.front() == ' ' || text.front() == '\t');
}

bool IsHeader(std::string_view line) {
  if (line.empty() || line.front() != '#') return false;
  const std::size_t run = RunLength(line);
  return run <= 6 && StartsWithSpace(line.substr(run));
}

bool IsListItem(std::string_view line) {
  std::string_view text = TrimLeft(line);
  if (text.empty()) return false;
  if (text.front() == '-' || text.front() == '*' || text.front() == '+') {
    return StartsWithSpace(text.substr(1));
  }
  if (!IsDigit(text.front())) return false;
  while (!text.empty() && IsDigit(text.front())) text.remove_prefix(1);
  return !text.empty() && text.front() == '.' && StartsWithSpace(text.substr(1));
}

// Spans between two double marks with none of the marks inside. Every byte is looked at at most
// twice: a failed attempt goes on from the mark that broke it.
int CountBold(std::string_view line, char mark) {
  int count = 0;
  std::size_t pos = line.find(mark);
  while (pos != std::string_view::npos && pos + 1 < line.size()) {
    if (line[pos + 1] != mark) {
      pos = line.find(mark, pos + 1);
      continue;
    }
    const std::size_t close = line.find(mark, pos + 2);
    if (close == std::string_view::npos) break;
    const bool is_bold = close > pos + 2 && close + 1 < line.size() && line[close + 1] == mark;
    if (is_bold) ++count;
    // After "**" and a further "*" the last two may still open a span.
    const std::size_t next = is_bold ? close + 2 : close == pos + 2 ? pos + 1 : close;
    pos = line.find(mark, next);
  }
  return count;
}

}  // namespace

StyleCounts CountStyle(std::string_view markdown) {
  StyleCounts counts;
  counts.tokens = CountTokens(markdown);
  FenceTracker fences;
  while (!markdown.empty()) {
    const std::size_t end = markdown.find('\n');
    const std::string_view line = markdown.substr(0, end);
    markdown.remove_prefix(end == std::string_view::npos ? markdown.size() : end + 1);
    if (fences.IsCode(line)) continue;
    counts.headers += IsHeader(line) ? 1 : 0;
    counts.lists += IsListItem(line) ? 1 : 0;
    counts.bold += CountBold(line, '*') + CountBold(line, '_');
  }
  return counts;
}

std::int64_t CountCharacters(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

}  // namespace arena
