// Numbers as people and models write them, kept exact.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace arena {

/// (whole + numerator / denominator) * 10^exponent, negated if `negative`. The three strings are
/// decimal digits without sign; the denominator is not zero.
struct WrittenNumber {
  bool negative = false;
  std::string whole = "0";
  std::string numerator = "0";
  std::string denominator = "1";
  int exponent = 0;
};

/// Whether |number - reference| <= tolerance * |reference|, computed exactly with the decimal value
/// of `tolerance`, which is in [0, 1). A tolerance up to 1e-6 is for rounding: two integers are
/// then the same only if they are equal.
bool SameNumber(const WrittenNumber& number, const WrittenNumber& reference, double tolerance);

/// One number in a text.
struct FoundNumber {
  std::size_t begin = 0;  ///< of its text, with sign and currency
  std::size_t end = 0;    ///< one past it; percent sign and scale word included
  WrittenNumber value;    ///< a percentage as the number before its sign
  bool percent = false;
  std::string_view problem;  ///< why `value` is not set (too many digits ...); empty: it is set
};

/// The first number at or after `from` in a text that FoldNumberText made. Reads 18, -18, -$18,
/// 1,234.50, 3/4, 1 3/4, .5, 1.2e5, 1.2*10^5, 10^5, 12.5%, 12.5 percent, 3 million. Times and
/// ratios (3:30), dates (1/2/2024), versions (1.2.3), powers other than of ten, and digits inside a
/// word (gpt4) are not numbers and are passed over. Calls that continue at `end` take linear time
/// in all.
std::optional<FoundNumber> NextNumber(std::string_view text, std::size_t from);

}  // namespace arena
