#include "store/internal/text_code.h"

#include <cstdint>
#include <cstring>
#include <optional>

namespace arena::store {
namespace {

constexpr char kEscape = '\x1A';
constexpr std::string_view kSeparator = "\x1A,";
constexpr std::string_view kEmptyList = "\x1A-";
constexpr std::string_view kDigits = "0123456789abcdef";

bool IsPlainAscii(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > 0 && byte < 0x80 && c != kEscape;
}

/// The length of the leading part of `bytes` in which every byte is plain ASCII.
std::size_t PlainPrefix(std::string_view bytes) {
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  constexpr std::uint64_t kHighBits = 0x8080808080808080ULL;
  std::size_t at = 0;
  for (; at + 8 <= bytes.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, bytes.data() + at, 8);
    // (x - kOnes) & ~x has a high bit where a byte of x is zero (and perhaps above one, which
    // only leaves plain bytes to the slow loop).
    const std::uint64_t escapes = word ^ (kOnes * static_cast<unsigned char>(kEscape));
    const std::uint64_t found = word | ((word - kOnes) & ~word) | ((escapes - kOnes) & ~escapes);
    if ((found & kHighBits) != 0) break;
  }
  while (at < bytes.size() && IsPlainAscii(bytes[at])) ++at;
  return at;
}

void AppendEscaped(char byte, std::string& out) {
  const auto value = static_cast<unsigned char>(byte);
  out.push_back(kEscape);
  out.push_back(kDigits[value >> 4]);
  out.push_back(kDigits[value & 0xF]);
}

void AppendEncoded(std::string_view bytes, std::string& out) {
  out.reserve(out.size() + bytes.size());
  while (!bytes.empty()) {
    if (const std::size_t plain = PlainPrefix(bytes); plain > 0) {
      out.append(bytes.substr(0, plain));
      bytes.remove_prefix(plain);
      continue;
    }
    const bool wide = static_cast<unsigned char>(bytes.front()) >= 0x80;
    const std::size_t length = wide ? Utf8Length(bytes) : 0;
    if (length > 0) {
      out.append(bytes.substr(0, length));
      bytes.remove_prefix(length);
    } else {
      AppendEscaped(bytes.front(), out);
      bytes.remove_prefix(1);
    }
  }
}

std::optional<char> ParseByte(std::string_view digits) {
  if (digits.size() < 2) return std::nullopt;
  const auto high = kDigits.find(digits[0]);
  const auto low = kDigits.find(digits[1]);
  if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
  return static_cast<char>(static_cast<unsigned char>(high << 4 | low));
}

Error Damaged() {
  return IoError("a text in the store is not in the store's encoding: the database is damaged");
}

}  // namespace

std::size_t Utf8Length(std::string_view bytes) {
  const auto at = [&](std::size_t i) -> unsigned {
    return i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned lead = at(0);
  if (bytes.empty()) return 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && at(1) < 0xA0;
    const bool surrogate = lead == 0xED && at(1) > 0x9F;
    return follows(1) && follows(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && at(1) < 0x90;
    const bool beyond = lead == 0xF4 && at(1) > 0x8F;
    return follows(1) && follows(2) && follows(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

std::string EncodeText(std::string_view bytes) {
  std::string out;
  AppendEncoded(bytes, out);
  return out;
}

Result<std::string> DecodeText(std::string_view stored) {
  std::string out;
  out.reserve(stored.size());
  while (true) {
    const auto escape = stored.find(kEscape);
    out.append(stored.substr(0, escape));
    if (escape == std::string_view::npos) return out;
    stored.remove_prefix(escape + 1);
    const auto byte = ParseByte(stored);
    if (!byte) return Damaged();
    out.push_back(*byte);
    stored.remove_prefix(2);
  }
}

std::string EncodeList(std::span<const std::string> texts) {
  if (texts.empty()) return std::string(kEmptyList);
  std::string out;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (i > 0) out.append(kSeparator);
    AppendEncoded(texts[i], out);
  }
  return out;
}

Result<std::vector<std::string>> DecodeList(std::string_view stored) {
  std::vector<std::string> texts;
  if (stored == kEmptyList) return texts;
  while (true) {
    // The separator cannot begin inside an escape: a comma is not a hexadecimal digit.
    const auto end = stored.find(kSeparator);
    ARENA_ASSIGN_OR_RETURN(std::string text, DecodeText(stored.substr(0, end)));
    texts.push_back(std::move(text));
    if (end == std::string_view::npos) return texts;
    stored.remove_prefix(end + kSeparator.size());
  }
}

}  // namespace arena::store
