// GPT-2's alphabet: a visible character for each of the 256 bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace arena {

/// The character (UTF-8) that stands for a byte: visible Latin-1 bytes stand for themselves, the
/// others follow from U+0100 in order.
std::string_view AlphabetCharacter(std::uint8_t byte);

/// The bytes that a token in this alphabet stands for; none where it holds another character.
std::optional<std::string> BytesOfAlphabet(std::string_view token);

}  // namespace arena
