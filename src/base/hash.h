// 128-bit content hashes: the keys of everything that is stored.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arena {

/// A 128-bit XXH3 hash. Not a defence against a deliberate collision: keys name content, they do
/// not authenticate it.
struct Key {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  /// 32 lower-case hexadecimal digits; their order is the order of keys.
  std::string Hex() const;
  static std::optional<Key> FromHex(std::string_view hex);
  auto operator<=>(const Key&) const = default;
};

Key HashBytes(std::string_view bytes);

/// Hashes a sequence of fields. Each is prefixed with its length, so that ("ab","c") and
/// ("a","bc") differ. Not thread-safe.
class KeyBuilder {
 public:
  /// `domain` names what is keyed ("answer", "game"), so that kinds never collide.
  explicit KeyBuilder(std::string_view domain);
  KeyBuilder& Add(std::string_view field);
  KeyBuilder& Add(const Key& key);
  KeyBuilder& Add(std::int64_t number);
  Key Build() const;

 private:
  std::string bytes_;
};

struct KeyHash {
  std::size_t operator()(const Key& key) const { return static_cast<std::size_t>(key.low); }
};

/// Mixes the bits of two numbers; every bit of the result depends on all of both.
inline std::uint64_t MixBits(std::uint64_t a, std::uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a ^ 0x9E3779B97F4A7C15ULL) * (b ^ 0xD1342543DE82EF95ULL);
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

}  // namespace arena
