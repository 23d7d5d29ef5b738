#include "base/hash.h"

#include <xxhash.h>

#include <array>

namespace arena {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

void AppendHex(std::uint64_t value, std::string& out) {
  for (int shift = 60; shift >= 0; shift -= 4) {
    out.push_back(kDigits[(value >> shift) & 0xF]);
  }
}

std::optional<std::uint64_t> ParseHex(std::string_view hex) {
  std::uint64_t value = 0;
  for (const char c : hex) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

void AppendNumber(std::uint64_t value, std::string& out) {
  for (int shift = 0; shift < 64; shift += 8) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(value >> shift & 0xFF)));
  }
}

}  // namespace

std::string Key::Hex() const {
  std::string out;
  out.reserve(32);
  AppendHex(high, out);
  AppendHex(low, out);
  return out;
}

std::optional<Key> Key::FromHex(std::string_view hex) {
  if (hex.size() != 32) return std::nullopt;
  const auto high = ParseHex(hex.substr(0, 16));
  const auto low = ParseHex(hex.substr(16));
  if (!high || !low) return std::nullopt;
  return Key{*high, *low};
}

Key HashBytes(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

KeyBuilder::KeyBuilder(std::string_view domain) { Add(domain); }

KeyBuilder& KeyBuilder::Add(std::string_view field) {
  AppendNumber(field.size(), bytes_);
  bytes_.append(field);
  return *this;
}

KeyBuilder& KeyBuilder::Add(const Key& key) {
  AppendNumber(key.high, bytes_);
  AppendNumber(key.low, bytes_);
  return *this;
}

KeyBuilder& KeyBuilder::Add(std::int64_t number) {
  AppendNumber(static_cast<std::uint64_t>(number), bytes_);
  return *this;
}

Key KeyBuilder::Build() const { return HashBytes(bytes_); }

}  // namespace arena
