#include "text/internal/byte_alphabet.h"

#include <array>

#include "text/internal/utf8.h"

namespace arena {
namespace {

struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<int, 324> bytes;  ///< by code point; -1: none

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (unsigned byte = 0; byte < 256; ++byte) {
      const bool visible = (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
      const char32_t code_point = visible ? byte : next++;
      AppendUtf8(code_point, characters[byte]);
      bytes[code_point] = static_cast<int>(byte);
    }
  }
};

const Alphabet& TheAlphabet() {
  static const Alphabet alphabet;
  return alphabet;
}

}  // namespace

std::string_view AlphabetCharacter(std::uint8_t byte) { return TheAlphabet().characters[byte]; }

std::optional<std::string> BytesOfAlphabet(std::string_view token) {
  const Alphabet& alphabet = TheAlphabet();
  std::string bytes;
  bytes.reserve(token.size());
  for (std::size_t at = 0; at < token.size();) {
    const Utf8Character c = CharacterAt(token, at);
    if (!c.valid || c.code_point >= alphabet.bytes.size() || alphabet.bytes[c.code_point] < 0) {
      return std::nullopt;
    }
    bytes += static_cast<char>(alphabet.bytes[c.code_point]);
    at += c.size;
  }
  return bytes;
}

}  // namespace arena
