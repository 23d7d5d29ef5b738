// Half and bfloat16 to and from float32, and the search for values that are not finite.
#include <bit>
#include <cstring>

#include "checkpoint/tensor.h"

namespace arena {
namespace {

constexpr std::uint32_t kFloatInfinity = 0x7F800000;

template <typename Bits>
Bits LoadBits(const std::byte* at) {
  Bits bits;
  std::memcpy(&bits, at, sizeof bits);
  return bits;
}

template <typename Bits, float (*convert)(Bits)>
void ReadAs(const std::byte* from, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = convert(LoadBits<Bits>(from + i * sizeof(Bits)));
  }
}

template <std::uint16_t (*convert)(float)>
void WriteAs(std::span<const float> values, std::byte* to) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint16_t bits = convert(values[i]);
    std::memcpy(to + i * sizeof bits, &bits, sizeof bits);
  }
}

// A value is NaN or infinite when all bits of its exponent are set. Whole blocks are tested without
// a branch, so that the loop becomes vector instructions.
template <typename Bits>
std::optional<std::size_t> FirstWithFullExponent(std::span<const std::byte> bytes, Bits mask) {
  constexpr std::size_t kBlock = 4096;
  const std::size_t count = bytes.size() / sizeof(Bits);
  for (std::size_t begin = 0; begin < count; begin += kBlock) {
    const std::size_t end = std::min(count, begin + kBlock);
    Bits found = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const Bits bits = LoadBits<Bits>(bytes.data() + i * sizeof(Bits));
      found = static_cast<Bits>(found | static_cast<Bits>((bits & mask) == mask));
    }
    if (found == 0) continue;
    for (std::size_t i = begin; i < end; ++i) {
      if ((LoadBits<Bits>(bytes.data() + i * sizeof(Bits)) & mask) == mask) return i;
    }
  }
  return std::nullopt;
}

}  // namespace

float HalfToFloat(std::uint16_t bits) {
  const auto sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  const std::uint32_t exponent = bits >> 10 & 0x1F;
  const std::uint32_t fraction = bits & 0x3FF;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | kFloatInfinity | fraction << 13);
  if (exponent == 0) {
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

float Bf16ToFloat(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

std::uint16_t FloatToHalf(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000;
  std::uint32_t magnitude = bits & 0x7FFFFFFF;
  const auto signed_bits = [sign](std::uint32_t half) {
    return static_cast<std::uint16_t>(sign | half);
  };
  if (magnitude > kFloatInfinity) return signed_bits(0x7E00);  // NaN
  // Halfway between the largest half, 65504, and the next power of two, and beyond.
  if (magnitude >= 0x477FF000) return signed_bits(0x7C00);
  if (magnitude < 0x38800000) {
    // Below 2^-14 halves are multiples of 2^-24, which is the last bit of a float in [0.5, 1): the
    // addition rounds.
    const float sum = std::bit_cast<float>(magnitude) + 0.5F;
    return signed_bits(std::bit_cast<std::uint32_t>(sum) - std::bit_cast<std::uint32_t>(0.5F));
  }
  magnitude += 0xFFF + (magnitude >> 13 & 1);
  return signed_bits((magnitude >> 13) - (112U << 10));
}

std::uint16_t FloatToBf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  // The payload of a NaN could round up to infinity.
  if ((bits & 0x7FFFFFFF) > kFloatInfinity) return static_cast<std::uint16_t>(bits >> 16 | 0x40);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

void ReadFloats(const TensorView& tensor, std::size_t first, std::span<float> out) {
  if (out.empty()) return;
  const std::byte* from = tensor.bytes.data() + first * DTypeBytes(tensor.dtype);
  switch (tensor.dtype) {
    case DType::kF16:
      return ReadAs<std::uint16_t, HalfToFloat>(from, out);
    case DType::kBf16:
      return ReadAs<std::uint16_t, Bf16ToFloat>(from, out);
    default:
      std::memcpy(out.data(), from, out.size_bytes());
  }
}

void WriteFloats(std::span<const float> values, DType dtype, std::span<std::byte> out) {
  if (values.empty()) return;
  switch (dtype) {
    case DType::kF16:
      return WriteAs<FloatToHalf>(values, out.data());
    case DType::kBf16:
      return WriteAs<FloatToBf16>(values, out.data());
    default:
      std::memcpy(out.data(), values.data(), values.size_bytes());
  }
}

std::optional<std::size_t> FirstNonFinite(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::kF16:
      return FirstWithFullExponent<std::uint16_t>(tensor.bytes, 0x7C00);
    case DType::kBf16:
      return FirstWithFullExponent<std::uint16_t>(tensor.bytes, 0x7F80);
    default:
      return FirstWithFullExponent<std::uint32_t>(tensor.bytes, kFloatInfinity);
  }
}

}  // namespace arena
