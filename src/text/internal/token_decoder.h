// The decoder of tokenizer.json: what bytes a token stands for.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace arena {

/// Every supported decoder gives each token its own bytes, but for one space at the start of a
/// text. Thread-safe.
class TokenDecoder {
 public:
  /// From the "decoder" of tokenizer.json (null: tokens are their own text): ByteLevel, Metaspace,
  /// Replace with a string, ByteFallback, Fuse, Strip of one leading space, Sequence. Errors name
  /// the unsupported type.
  static Result<TokenDecoder> Parse(const Json& json);

  std::string BytesOf(std::string_view token) const;
  /// Of an added token, which is not written in GPT-2's alphabet.
  std::string BytesOfAdded(std::string_view token) const;
  bool strips_leading_space() const { return strips_leading_space_; }

 private:
  Status Add(const Json& json);
  Status AddStrip(const Json& json);
  Status AddReplace(const Json& json);

  bool byte_level_ = false;
  bool byte_fallback_ = false;
  bool strips_leading_space_ = false;
  std::vector<std::pair<std::string, std::string>> replaced_;  ///< text, and what takes its place
};

/// The byte of a token such as "<0x41>"; -1: another token.
int ByteOfToken(std::string_view token);

}  // namespace arena
