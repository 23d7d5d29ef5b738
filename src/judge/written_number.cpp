#include "judge/written_number.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <boost/multiprecision/cpp_int.hpp>
#include <cstdlib>
#include <utility>

#include "judge/ascii.h"

namespace arena {
namespace {

using boost::multiprecision::cpp_int;

// Longer numbers are answers that no reference has; the bound keeps the exact arithmetic cheap.
constexpr std::size_t kMaxDigits = 400;
constexpr int kMaxExponent = 400;

// A tolerance up to this is for the rounding of decimals, and leaves integers exact.
constexpr double kRoundingTolerance = 1e-6;

constexpr std::string_view kTooLong = "has more than 400 digits";
constexpr std::string_view kZeroDenominator = "divides by zero";
constexpr std::string_view kHugeExponent = "has an exponent beyond 400";

cpp_int ToInteger(std::string_view digits) {
  // A leading zero would make the library read octal.
  digits.remove_prefix(std::min(digits.find_first_not_of('0'), digits.size()));
  return digits.empty() ? cpp_int(0) : cpp_int(std::string(digits));
}

struct Fraction {
  cpp_int numerator;
  cpp_int denominator;  // > 0
};

Fraction ToFraction(const WrittenNumber& number) {
  Fraction fraction{0, ToInteger(number.denominator)};
  fraction.numerator = ToInteger(number.whole) * fraction.denominator;
  fraction.numerator += ToInteger(number.numerator);
  if (number.negative) fraction.numerator = -fraction.numerator;
  const cpp_int power =
      boost::multiprecision::pow(cpp_int(10), static_cast<unsigned>(std::abs(number.exponent)));
  (number.exponent < 0 ? fraction.denominator : fraction.numerator) *= power;
  return fraction;
}

bool IsInteger(const Fraction& fraction) { return fraction.numerator % fraction.denominator == 0; }

// Digits with an optional point: `digits` * 10^-scale.
struct Decimal {
  std::string digits;
  int scale = 0;
  std::size_t end = 0;
  bool too_long = false;

  void Append(std::string_view text, std::size_t begin, std::size_t count) {
    if (digits.size() + count > kMaxDigits) {
      too_long = true;
    } else {
      digits.append(text, begin, count);
    }
  }
};

// A thousands separator and its group: exactly three digits follow.
bool GroupFollows(std::string_view text, std::size_t pos) {
  return (CharAt(text, pos) == ',' || CharAt(text, pos) == '\'') &&
         DigitsFrom(text, pos + 1, 4) == 3;
}

bool DecimalStartsAt(std::string_view text, std::size_t pos) {
  return IsDigit(CharAt(text, pos)) || (CharAt(text, pos) == '.' && IsDigit(CharAt(text, pos + 1)));
}

// Requires DecimalStartsAt(text, pos).
Decimal ReadDecimal(std::string_view text, std::size_t pos) {
  Decimal decimal;
  std::size_t count = DigitsFrom(text, pos);
  decimal.Append(text, pos, count);
  pos += count;
  if (count >= 1 && count <= 3) {
    for (; GroupFollows(text, pos); pos += 4) decimal.Append(text, pos + 1, 3);
  }
  if (CharAt(text, pos) == '.' && IsDigit(CharAt(text, pos + 1))) {
    count = DigitsFrom(text, pos + 1);
    decimal.Append(text, pos + 1, count);
    if (!decimal.too_long) decimal.scale = static_cast<int>(count);
    pos += 1 + count;
  }
  decimal.end = pos;
  return decimal;
}

// Reads one number whose digits start at a given place; each step consumes what it recognises.
class NumberReader {
 public:
  NumberReader(std::string_view text, std::size_t start) : text_(text), pos_(start) {
    found_.begin = start;
  }

  // False: what stands here is not a number; end() is where to go on.
  bool Read() {
    const Decimal first = ReadDecimal(text_, pos_);
    pos_ = first.end;
    if (IsTimeOrVersion()) return false;
    if (CharAt(text_, pos_) == '^') return ReadPowerOfTen(first);
    if (first.too_long) found_.problem = kTooLong;
    found_.value.whole = first.digits;
    found_.value.exponent = -first.scale;
    if (CharAt(text_, pos_) == '/' && DecimalStartsAt(text_, pos_ + 1)) {
      if (!ReadDenominator(first)) return false;
    } else if (!ReadMixedPart(first)) {
      ReadExponent();
      ReadTimesPowerOfTen();
    }
    ReadSuffix();
    ReadSign();
    if (std::abs(found_.value.exponent) > 2 * kMaxExponent) found_.problem = kHugeExponent;
    found_.end = pos_;
    return true;
  }

  std::size_t end() const { return pos_; }
  FoundNumber Take() { return std::move(found_); }

 private:
  void SkipWhile(std::string_view separators) {
    while (IsDigit(CharAt(text_, pos_)) ||
           (separators.find(CharAt(text_, pos_)) != std::string_view::npos &&
            IsDigit(CharAt(text_, pos_ + 1)))) {
      ++pos_;
    }
  }

  bool IsTimeOrVersion() {
    const char next = CharAt(text_, pos_);
    if ((next != ':' && next != '.') || !IsDigit(CharAt(text_, pos_ + 1))) return false;
    SkipWhile(":.");
    return true;
  }

  bool ReadDenominator(const Decimal& numerator) {
    const Decimal denominator = ReadDecimal(text_, pos_ + 1);
    pos_ = denominator.end;
    if (CharAt(text_, pos_) == '/' && IsDigit(CharAt(text_, pos_ + 1))) {
      SkipWhile("/");  // a date
      return false;
    }
    if (denominator.too_long) found_.problem = kTooLong;
    if (denominator.digits.find_first_not_of('0') == std::string::npos && !denominator.too_long) {
      found_.problem = kZeroDenominator;
    }
    found_.value.whole = "0";
    found_.value.numerator = numerator.digits;
    found_.value.denominator = denominator.digits;
    found_.value.exponent = denominator.scale - numerator.scale;
    return true;
  }

  // The "3/4" of "1 3/4": a proper fraction of few digits after a whole number.
  bool ReadMixedPart(const Decimal& whole) {
    constexpr std::size_t kMaxPart = 9;
    if (whole.scale != 0 || CharAt(text_, pos_) != ' ') return false;
    const std::size_t numerator = pos_ + 1;
    const std::size_t n = DigitsFrom(text_, numerator, kMaxPart + 1);
    if (n == 0 || n > kMaxPart || CharAt(text_, numerator + n) != '/') return false;
    const std::size_t denominator = numerator + n + 1;
    const std::size_t d = DigitsFrom(text_, denominator, kMaxPart + 1);
    if (d == 0 || d > kMaxPart) return false;
    const char next = CharAt(text_, denominator + d);
    if ((next == '/' || next == '.') && IsDigit(CharAt(text_, denominator + d + 1))) return false;
    const std::string top(text_.substr(numerator, n)), bottom(text_.substr(denominator, d));
    if (std::stol(top) >= std::stol(bottom)) return false;
    found_.value.numerator = top;
    found_.value.denominator = bottom;
    pos_ = denominator + d;
    return true;
  }

  // A signed integer at `pos`, moved past it; beyond the bound it stops at bound + 1.
  std::optional<int> ReadInteger(std::size_t& pos) const {
    const bool negative = CharAt(text_, pos) == '-';
    const std::size_t start = pos + (negative || CharAt(text_, pos) == '+' ? 1 : 0);
    const std::size_t count = DigitsFrom(text_, start);
    if (count == 0) return std::nullopt;
    int value = 0;
    for (std::size_t i = start; i < start + count && value <= kMaxExponent; ++i) {
      value = value * 10 + (text_[i] - '0');
    }
    value = std::min(value, kMaxExponent + 1);
    pos = start + count;
    return negative ? -value : value;
  }

  void AddExponent(int exponent) {
    if (std::abs(exponent) > kMaxExponent) found_.problem = kHugeExponent;
    found_.value.exponent += exponent;
  }

  void ReadExponent() {
    if (CharAt(text_, pos_) != 'e' && CharAt(text_, pos_) != 'E') return;
    std::size_t pos = pos_ + 1;
    if (const auto exponent = ReadInteger(pos)) {
      AddExponent(*exponent);
      pos_ = pos;
    }
  }

  // The exponent after '^', in braces or not.
  std::optional<int> ReadCaretExponent(std::size_t& pos) const {
    const bool braced = CharAt(text_, pos) == '{';
    if (braced) ++pos;
    const auto exponent = ReadInteger(pos);
    if (exponent && braced && CharAt(text_, pos) == '}') ++pos;
    return exponent;
  }

  void ReadTimesPowerOfTen() {
    std::size_t pos = SkipSpaces(text_, pos_);
    const char times = CharAt(text_, pos);
    if (times != '*' && times != 'x' && times != 'X') return;
    pos = SkipSpaces(text_, pos + 1);
    if (!StartsWithAt(text_, pos, "10^")) return;
    pos += 3;
    if (const auto exponent = ReadCaretExponent(pos)) {
      AddExponent(*exponent);
      pos_ = pos;
    }
  }

  bool ReadPowerOfTen(const Decimal& base) {
    ++pos_;
    const auto exponent = ReadCaretExponent(pos_);
    if (!exponent || base.digits != "10" || base.scale != 0) return false;
    found_.value.whole = "1";
    AddExponent(*exponent);
    ReadSuffix();
    ReadSign();
    found_.end = pos_;
    return true;
  }

  void ReadSuffix() {
    struct Scale {
      std::string_view word;
      int exponent;
    };
    static constexpr std::array<Scale, 4> kScales = {
        {{"thousand", 3}, {"million", 6}, {"billion", 9}, {"trillion", 12}}};
    std::size_t pos = SkipSpaces(text_, pos_);
    for (const Scale& scale : kScales) {
      if (!WordAt(text_, pos, scale.word)) continue;
      found_.value.exponent += scale.exponent;
      pos_ = pos + scale.word.size();
      pos = SkipSpaces(text_, pos_);
      break;
    }
    for (const std::string_view sign : {"percent", "per cent"}) {
      if (!WordAt(text_, pos, sign)) continue;
      found_.percent = true;
      pos_ = pos + sign.size();
      return;
    }
    if (CharAt(text_, pos) == '%') {
      found_.percent = true;
      pos_ = pos + 1;
    }
  }

  // The '-' of "-18" or "-$18", unless it subtracts ("5-3") or joins ("a--5").
  void ReadSign() {
    std::size_t begin = found_.begin;
    if (begin > 0 && text_[begin - 1] == '$') --begin;
    if (begin > 0 && text_[begin - 1] == '-' && !EndsOperand(begin - 1)) {
      found_.value.negative = true;
      --begin;
    }
    found_.begin = begin;
  }

  bool EndsOperand(std::size_t pos) const {
    if (pos == 0) return false;
    const char before = text_[pos - 1];
    return IsAlnum(before) || std::string_view(")]}%-").find(before) != std::string_view::npos;
  }

  std::string_view text_;
  std::size_t pos_;
  FoundNumber found_;
};

// Whether the digits at `pos` belong to a name (gpt4, x_1), an exponent (x^2, x^{2}) or an index.
bool IsPartOfWord(std::string_view text, std::size_t pos) {
  if (pos == 0) return false;
  const char before = text[pos - 1];
  if (IsAlnum(before) || before == '^') return true;
  if (pos == 1) return false;
  const char second = text[pos - 2];
  return before == '_' ? IsAlnum(second) : before == '{' && (second == '^' || second == '_');
}

}  // namespace

bool SameNumber(const WrittenNumber& number, const WrittenNumber& reference, double tolerance) {
  const Fraction a = ToFraction(number);
  const Fraction b = ToFraction(reference);
  const cpp_int left = a.numerator * b.denominator;
  const cpp_int right = b.numerator * a.denominator;
  if (left == right) return true;
  if (tolerance <= kRoundingTolerance && IsInteger(a) && IsInteger(b)) return false;
  // As the decimal that the user wrote, not as the binary number next to it.
  const auto written = NextNumber(fmt::format("{}", tolerance), 0);
  const Fraction allowed = ToFraction(written->value);
  const cpp_int difference = boost::multiprecision::abs(cpp_int(left - right));
  return difference * allowed.denominator <= boost::multiprecision::abs(right) * allowed.numerator;
}

std::optional<FoundNumber> NextNumber(std::string_view text, std::size_t from) {
  for (std::size_t pos = from; pos < text.size();) {
    const bool after_ellipsis = text[pos] == '.' && pos > 0 && text[pos - 1] == '.';
    if (after_ellipsis || !DecimalStartsAt(text, pos)) {
      ++pos;
      continue;
    }
    if (IsPartOfWord(text, pos)) {
      while (IsWordChar(CharAt(text, pos)) || CharAt(text, pos) == '.') ++pos;
      continue;
    }
    NumberReader reader(text, pos);
    if (reader.Read()) return reader.Take();
    pos = reader.end();
  }
  return std::nullopt;
}

}  // namespace arena
