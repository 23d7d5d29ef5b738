// e^x in float32, for loops over vectors.
#pragma once

#include <cstdint>

namespace arena {
namespace {

/// e^x as 2^n * e^r with |r| <= ln(2)/2 and the series of e^r to r^7 (the next term is below 1e-8);
/// x within -87 .. 88, else the exponent is wrong; NaN stays. Floats is float or a vector of them,
/// Words an unsigned integer of 32 bits or as many of them. Always inline and without the standard
/// library: no code made for one instruction set is shared with another's.
template <typename Floats, typename Words>
[[gnu::always_inline]] inline Floats ExpWithinRange(Floats x) {
  constexpr float kLog2E = 1.44269504088896341F;
  constexpr float kLn2High = 0.693359375F;  // few bits: n * kLn2High is exact
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 0x1.8p23F;  // adding it rounds to an integer, left in the low bits
  const Floats shifted = x * kLog2E + kRound;
  const Floats n = shifted - kRound;
  const Floats r = (x - n * kLn2High) - n * kLn2Low;
  Floats sum = r * (1.0F / 5040) + 1.0F / 720;
  sum = sum * r + 1.0F / 120;
  sum = sum * r + 1.0F / 24;
  sum = sum * r + 1.0F / 6;
  sum = sum * r + 0.5F;
  sum = sum * r + 1.0F;
  sum = sum * r + 1.0F;
  const Words exponent = (__builtin_bit_cast(Words, shifted) + 127U) << 23;
  return sum * __builtin_bit_cast(Floats, exponent);
}

/// The same for any x: below -87 it counts as -87, above 88 as 88.
template <typename Floats, typename Words>
[[gnu::always_inline]] inline Floats ExpClamped(Floats x) {
  // Comparisons keep NaN: it is neither above nor below.
  x = x < -87.0F ? Floats{} - 87.0F : x;
  x = x > 88.0F ? Floats{} + 88.0F : x;
  return ExpWithinRange<Floats, Words>(x);
}

}  // namespace
}  // namespace arena
