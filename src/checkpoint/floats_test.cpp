#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/rng.h"
#include "checkpoint/tensor.h"

namespace arena {
namespace {

// A binary floating-point format with an implicit leading bit, as IEEE 754 defines it.
struct Format {
  int exponent_bits;
  int fraction_bits;
  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  std::uint32_t infinity() const { return ((1U << exponent_bits) - 1) << fraction_bits; }
};

constexpr Format kHalf = {5, 10};
constexpr Format kBf16 = {8, 7};

// The definition: (-1)^s 2^(e-bias) (1 + f/2^n).
double SlowDecode(std::uint32_t bits, const Format& format) {
  const int total = format.exponent_bits + format.fraction_bits;
  const double sign = (bits >> total & 1) != 0 ? -1 : 1;
  const auto exponent =
      static_cast<int>(bits >> format.fraction_bits) & ((1 << format.exponent_bits) - 1);
  const auto fraction = static_cast<double>(bits & ((1U << format.fraction_bits) - 1));
  const double unit = std::ldexp(1.0, -format.fraction_bits);
  if (exponent == (1 << format.exponent_bits) - 1) {
    return fraction == 0 ? sign * std::numeric_limits<double>::infinity() : std::nan("");
  }
  if (exponent == 0) return sign * std::ldexp(fraction * unit, 1 - format.bias());
  return sign * std::ldexp(1 + fraction * unit, exponent - format.bias());
}

// The nearest value by search over the ordered magnitudes; of two equally near, the even one. The
// first magnitude beyond the largest finite one stands for infinity.
std::uint32_t SlowEncode(float value, const Format& format) {
  const std::uint32_t sign =
      std::signbit(value) ? 1U << (format.exponent_bits + format.fraction_bits) : 0;
  const double magnitude = std::abs(static_cast<double>(value));
  const double limit =
      2 * SlowDecode(format.infinity() - (1U << format.fraction_bits), format);  // a power of two
  const auto decode = [&](std::uint32_t bits) {
    return bits == format.infinity() ? limit : SlowDecode(bits, format);
  };
  if (magnitude >= limit) return sign | format.infinity();
  std::uint32_t low = 0, high = format.infinity();
  while (high - low > 1) {
    const std::uint32_t middle = (low + high) / 2;
    (decode(middle) <= magnitude ? low : high) = middle;
  }
  const double below = magnitude - decode(low), above = decode(high) - magnitude;
  const bool up = above < below || (above == below && low % 2 == 1);
  return sign | (up ? high : low);
}

TEST(FloatsTest, EveryHalfAndBfloat16IsReadAsTheDefinitionSays) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = HalfToFloat(static_cast<std::uint16_t>(bits));
    const auto bf16 = Bf16ToFloat(static_cast<std::uint16_t>(bits));
    for (const auto& [fast, slow] :
         {std::pair(half, SlowDecode(bits, kHalf)), std::pair(bf16, SlowDecode(bits, kBf16))}) {
      if (std::isnan(slow)) {
        EXPECT_TRUE(std::isnan(fast)) << bits;
      } else {
        EXPECT_EQ(static_cast<double>(fast), slow) << bits;
        EXPECT_EQ(std::signbit(fast), (bits & 0x8000) != 0) << bits;
      }
    }
  }
}

TEST(FloatsTest, WritingWhatWasReadGivesTheSameBits) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto code = static_cast<std::uint16_t>(bits);
    if (!std::isnan(HalfToFloat(code))) {
      EXPECT_EQ(FloatToHalf(HalfToFloat(code)), code);
    } else {
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(HalfToFloat(code)))));
    }
    if (!std::isnan(Bf16ToFloat(code))) {
      EXPECT_EQ(FloatToBf16(Bf16ToFloat(code)), code);
    } else {
      EXPECT_TRUE(std::isnan(Bf16ToFloat(FloatToBf16(Bf16ToFloat(code)))));
    }
  }
}

void ExpectRounded(float value) {
  EXPECT_EQ(FloatToHalf(value), SlowEncode(value, kHalf)) << std::hexfloat << value;
  EXPECT_EQ(FloatToBf16(value), SlowEncode(value, kBf16)) << std::hexfloat << value;
}

TEST(FloatsTest, RoundsToTheNearestTiesToEven) {
  Rng rng(11);
  for (int i = 0; i < 300000; ++i) {
    // Any bits, and magnitudes around those of halves.
    const auto any = std::bit_cast<float>(static_cast<std::uint32_t>(rng()));
    if (!std::isnan(any)) ExpectRounded(any);
    ExpectRounded(std::ldexp(static_cast<float>(rng.Uniform() * 2 - 1),
                             static_cast<int>(rng.Below(48)) - 28));
  }
}

TEST(FloatsTest, RoundsAtAndBesideEveryMidpoint) {
  for (std::uint32_t bits = 0; bits < 0x7C00; ++bits) {
    const double next = bits + 1 == 0x7C00 ? 65536.0 : SlowDecode(bits + 1, kHalf);
    const auto middle = static_cast<float>((SlowDecode(bits, kHalf) + next) / 2);
    for (const float value : {middle, std::nextafter(middle, 0.0F), std::nextafter(middle, 1e9F)}) {
      EXPECT_EQ(FloatToHalf(value), SlowEncode(value, kHalf)) << bits;
      EXPECT_EQ(FloatToHalf(-value), SlowEncode(-value, kHalf)) << bits;
    }
  }
  EXPECT_EQ(FloatToBf16(std::numeric_limits<float>::max()), 0x7F80);
  EXPECT_EQ(FloatToHalf(65519.99F), 0x7BFF);
  EXPECT_EQ(FloatToHalf(65520.0F), 0x7C00);
}

TEST(FloatsTest, TensorsAreReadFromAnyOffset) {
  const std::vector<float> values = {1, -2, 0.5, 3, 65504, -0.0F, 1e-7F};
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBf16}) {
    // One byte off, as in a file with an odd header.
    std::vector<std::byte> bytes(values.size() * DTypeBytes(dtype) + 1);
    const auto data = std::span(bytes).subspan(1);
    WriteFloats(values, dtype, data);
    const TensorView view{"w", dtype, {7}, data};
    std::vector<float> part(3);
    ReadFloats(view, 2, part);
    EXPECT_EQ(part, (std::vector<float>{0.5, 3, dtype == DType::kBf16 ? 65536.0F : 65504.0F}));
  }
}

TEST(FloatsTest, FindsTheFirstValueThatIsNotFinite) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const DType dtype : {DType::kF32, DType::kF16, DType::kBf16}) {
    for (const std::size_t at : {0, 1, 4095, 4096, 9999}) {
      for (const float bad : {kInfinity, -kInfinity, std::nanf("")}) {
        std::vector<float> values(10000, 60000.0F);
        values[at] = bad;
        values.back() = bad;
        std::vector<std::byte> bytes(values.size() * DTypeBytes(dtype));
        WriteFloats(values, dtype, bytes);
        EXPECT_EQ(FirstNonFinite({"w", dtype, {10000}, bytes}), at);
        WriteFloats(std::vector<float>(10000, -60000.0F), dtype, bytes);
        EXPECT_EQ(FirstNonFinite({"w", dtype, {10000}, bytes}), std::nullopt);
      }
    }
  }
}

TEST(TensorTest, SizesAreCheckedForOverflow) {
  EXPECT_EQ(ElementCount({}), 1);
  EXPECT_EQ(ElementCount({3, 0, 5}), 0);
  EXPECT_EQ(ElementCount({3, -1}), std::nullopt);
  EXPECT_EQ(ElementCount({std::int64_t{1} << 32, std::int64_t{1} << 31}), std::nullopt);
  EXPECT_EQ(ShapeText({3, 96}), "[3, 96]");
  EXPECT_EQ(ParseDType("BF16"), DType::kBf16);
  EXPECT_EQ(ParseDType("bf16"), std::nullopt);
}

}  // namespace
}  // namespace arena
