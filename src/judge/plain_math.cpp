#include "judge/plain_math.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "judge/ascii.h"
#include "judge/code_point.h"

namespace arena {
namespace {

struct Replacement {
  UChar32 from;
  std::string_view to;
};

constexpr std::array<Replacement, 27> kReplacements = {{
    {0x00B7, "*"},   {0x00BC, "1/4"}, {0x00BD, "1/2"}, {0x00BE, "3/4"}, {0x00D7, "*"},
    {0x2010, "-"},   {0x2011, "-"},   {0x2012, "-"},   {0x2013, "-"},   {0x2044, "/"},
    {0x2153, "1/3"}, {0x2154, "2/3"}, {0x2155, "1/5"}, {0x2156, "2/5"}, {0x2157, "3/5"},
    {0x2158, "4/5"}, {0x2159, "1/6"}, {0x215A, "5/6"}, {0x215B, "1/8"}, {0x215C, "3/8"},
    {0x215D, "5/8"}, {0x215E, "7/8"}, {0x2212, "-"},   {0x2215, "/"},   {0x2248, "="},
    {0x22C5, "*"},   {0x066C, ","},
}};

bool IsCurrency(UChar32 c) {
  return c == 0xA3 || c == 0xA5 || c == 0x20AC || u_charType(c) == U_CURRENCY_SYMBOL;
}

class PlainMathWriter {
 public:
  explicit PlainMathWriter(std::string_view text) : text_(text) { out_.reserve(text.size()); }

  std::string Write() {
    while (pos_ < text_.size()) {
      const char c = text_[pos_];
      if (c == '\\') {
        WriteCommand();
      } else if (StartsWithAt(text_, pos_, "{,}")) {
        out_ += ',';
        pos_ += 3;
      } else if (static_cast<unsigned char>(c) < 0x80) {
        out_ += c;
        ++pos_;
      } else {
        WriteCodePoint();
      }
    }
    return std::move(out_);
  }

 private:
  bool AfterDigit() const { return !out_.empty() && IsDigit(out_.back()); }

  // A space that may separate thousands; `next` is the place after it.
  void WriteThinSpace(std::size_t next) {
    out_ += AfterDigit() && DigitsFrom(text_, next, 4) == 3 ? '\'' : ' ';
    pos_ = next;
  }

  void WriteCodePoint() {
    const std::size_t begin = pos_;
    const auto [c, length] = ReadCodePoint(text_, begin);
    const std::size_t next = begin + length;
    if (c == 0xA0 || c == 0x2007 || c == 0x2009 || c == 0x202F) return WriteThinSpace(next);
    pos_ = next;
    const auto* replacement =
        std::find_if(kReplacements.begin(), kReplacements.end(),
                     [point = c](const Replacement& candidate) { return candidate.from == point; });
    if (replacement != kReplacements.end()) {
      // "1" and a vulgar fraction are a mixed number.
      if (replacement->to.size() == 3 && AfterDigit()) out_ += ' ';
      out_ += replacement->to;
    } else if (c >= 0xFF01 && c <= 0xFF5E) {
      out_ += static_cast<char>(c - 0xFEE0);
    } else if (const int digit = c < 0 ? -1 : u_charDigitValue(c); digit >= 0) {
      out_ += static_cast<char>('0' + digit);
    } else if (c >= 0 && IsCurrency(c)) {
      out_ += '$';
    } else {
      out_.append(text_, begin, next - begin);
    }
  }

  void WriteCommand() {
    const char next = CharAt(text_, pos_ + 1);
    if (IsLetter(next)) return WriteNamedCommand();
    if (next == '!') {
      pos_ += 2;
    } else if (next == ',' || next == ';' || next == ':' || next == ' ') {
      WriteThinSpace(pos_ + 2);
    } else if (next == '$' || next == '%' || next == '#' || next == '&' || next == '_') {
      out_ += next;
      pos_ += 2;
    } else if (next == '(' || next == ')' || next == '[' || next == ']' || next == '{' ||
               next == '}') {
      out_ += ' ';
      pos_ += 2;
    } else {
      out_ += '\\';
      ++pos_;
    }
  }

  void WriteNamedCommand() {
    constexpr std::size_t kMaxName = 16;
    constexpr std::array<std::string_view, 4> kFractions = {"frac", "dfrac", "tfrac", "cfrac"};
    constexpr std::array<std::string_view, 10> kDropped = {
        "text", "textbf", "textit", "mathrm",       "mathbf",
        "mbox", "left",   "right",  "displaystyle", "bf"};
    const auto is_one_of = [](const auto& names, std::string_view name) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    std::size_t end = pos_ + 1;
    while (end - pos_ <= kMaxName && IsLetter(CharAt(text_, end))) ++end;
    const std::string_view name = text_.substr(pos_ + 1, end - pos_ - 1);
    const std::size_t begin = pos_;
    pos_ = end;
    if (is_one_of(kFractions, name) && WriteFraction()) return;
    if (is_one_of(kDropped, name)) return;
    if (name == "times" || name == "cdot") {
      out_ += '*';
    } else if (name == "approx") {
      out_ += '=';
    } else if (name == "quad" || name == "qquad") {
      out_ += ' ';
    } else {
      out_.append(text_, begin, end - begin);
    }
  }

  // "{3}" or "3" at `pos`, moved past it; only digits, points, commas and a sign.
  std::optional<std::string> ReadArgument(std::size_t& pos) const {
    constexpr std::size_t kMaxArgument = 40;
    if (IsDigit(CharAt(text_, pos))) return std::string(1, text_[pos++]);
    if (CharAt(text_, pos) != '{') return std::nullopt;
    std::string argument;
    for (std::size_t i = pos + 1; i - pos <= kMaxArgument; ++i) {
      const char c = CharAt(text_, i);
      if (c == '}') {
        pos = i + 1;
        return argument.empty() ? std::nullopt : std::optional(argument);
      }
      if (!IsDigit(c) && c != '.' && c != ',' && c != ' ' && !(c == '-' && argument.empty())) {
        return std::nullopt;
      }
      if (c != ' ') argument += c;
    }
    return std::nullopt;
  }

  bool WriteFraction() {
    std::size_t pos = SkipSpaces(text_, pos_);
    const auto numerator = ReadArgument(pos);
    if (!numerator) return false;
    pos = SkipSpaces(text_, pos);
    const auto denominator = ReadArgument(pos);
    if (!denominator) return false;
    if (AfterDigit()) out_ += ' ';
    out_ += *numerator + '/' + *denominator;
    pos_ = pos;
    return true;
  }

  std::string_view text_;
  std::size_t pos_ = 0;
  std::string out_;
};

}  // namespace

std::string PlainMath(std::string_view text) { return PlainMathWriter(text).Write(); }

}  // namespace arena
