#include "text/internal/token_decoder.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "text/internal/byte_alphabet.h"
#include "text/internal/json_fields.h"

namespace arena {
namespace {

constexpr std::string_view kDecoder = "the decoder";

void ReplaceAll(const std::string& old_text, const std::string& new_text, std::string& text) {
  for (std::size_t at = text.find(old_text); at != std::string::npos;
       at = text.find(old_text, at + new_text.size())) {
    text.replace(at, old_text.size(), new_text);
  }
}

}  // namespace

int ByteOfToken(std::string_view token) {
  if (token.size() != 6 || !token.starts_with("<0x") || token.back() != '>') return -1;
  int byte = -1;
  const auto [end, error] = std::from_chars(token.data() + 3, token.data() + 5, byte, 16);
  return error == std::errc() && end == token.data() + 5 ? byte : -1;
}

Result<TokenDecoder> TokenDecoder::Parse(const Json& json) {
  TokenDecoder decoder;
  if (json.is_null()) return decoder;
  ARENA_RETURN_IF_ERROR(decoder.Add(json));
  return decoder;
}

Status TokenDecoder::Add(const Json& json) {
  ARENA_ASSIGN_OR_RETURN(const std::string type, ComponentType(json, kDecoder));
  if (type == "Sequence") {
    ARENA_ASSIGN_OR_RETURN(const Json* parts, RequiredArray(json, "decoders", kDecoder));
    for (const Json& part : *parts) ARENA_RETURN_IF_ERROR(Add(part));
    return {};
  }
  if (type == "ByteLevel") {
    byte_level_ = true;
  } else if (type == "ByteFallback") {
    byte_fallback_ = true;
  } else if (type == "Metaspace") {
    ARENA_ASSIGN_OR_RETURN(std::string replacement, RequiredString(json, "replacement", kDecoder));
    ARENA_ASSIGN_OR_RETURN(const auto scheme, OptionalString(json, "prepend_scheme", kDecoder));
    ARENA_ASSIGN_OR_RETURN(const bool add_prefix, BoolOr(json, "add_prefix_space", true, kDecoder));
    if (replacement.empty()) return InvalidInput("decoder \"Metaspace\" replaces nothing");
    replaced_.emplace_back(std::move(replacement), " ");
    strips_leading_space_ = scheme ? *scheme != "never" : add_prefix;
  } else if (type == "Replace") {
    return AddReplace(json);
  } else if (type == "Strip") {
    return AddStrip(json);
  } else if (type != "Fuse") {
    return InvalidInput(fmt::format("decoder \"{}\" is not supported", type));
  }
  return {};
}

Status TokenDecoder::AddReplace(const Json& json) {
  const auto pattern = json.find("pattern");
  if (pattern == json.end()) return InvalidInput("decoder \"Replace\" has no pattern");
  if (pattern->contains("Regex")) {
    return InvalidInput("decoder \"Replace\" with a Regex is not supported");
  }
  ARENA_ASSIGN_OR_RETURN(std::string old_text, RequiredString(*pattern, "String", kDecoder));
  ARENA_ASSIGN_OR_RETURN(std::string new_text, RequiredString(json, "content", kDecoder));
  if (old_text.empty()) return InvalidInput("decoder \"Replace\" has an empty pattern");
  replaced_.emplace_back(std::move(old_text), std::move(new_text));
  return {};
}

Status TokenDecoder::AddStrip(const Json& json) {
  ARENA_ASSIGN_OR_RETURN(const std::string content, RequiredString(json, "content", kDecoder));
  const auto is = [&json](const char* key, int wanted) {
    const auto found = json.find(key);
    return found != json.end() && found->is_number_integer() && *found == wanted;
  };
  if (content != " " || !is("stop", 0) || !(is("start", 0) || is("start", 1))) {
    return InvalidInput("decoder \"Strip\" of other than one space at the start is not supported");
  }
  strips_leading_space_ = strips_leading_space_ || is("start", 1);
  return {};
}

std::string TokenDecoder::BytesOf(std::string_view token) const {
  if (byte_fallback_) {
    const int byte = ByteOfToken(token);
    if (byte >= 0) return std::string(1, static_cast<char>(byte));
  }
  if (byte_level_) {
    if (auto bytes = BytesOfAlphabet(token)) return *std::move(bytes);
  }
  return BytesOfAdded(token);
}

std::string TokenDecoder::BytesOfAdded(std::string_view token) const {
  std::string text(token);
  for (const auto& [old_text, new_text] : replaced_) ReplaceAll(old_text, new_text, text);
  return text;
}

}  // namespace arena
