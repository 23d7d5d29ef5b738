// What the files beside a tokenizer's own say of its tokens.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/internal/added_tokens.h"

namespace arena {

struct TokenNames {
  std::optional<std::string> bos, eos, unk;
  std::optional<bool> add_bos, add_eos;  ///< none: the files do not say
  /// SentencePiece: text after a special token gets a space in front, as text at the start does.
  bool legacy = true;
  std::vector<AddedToken> added;  ///< "added_tokens_decoder" and added_tokens.json
};

/// Reads tokenizer_config.json, special_tokens_map.json and added_tokens.json where they are.
Result<TokenNames> ReadTokenNames(const std::filesystem::path& directory);

/// Sizes of files are checked before they are read.
Result<std::string> ReadTokenizerFile(const std::filesystem::path& path);

/// The largest id that a vocabulary with this many tokens may have: a hostile id must not make a
/// table of gigabytes.
TokenId LargestId(std::size_t tokens);

/// An added token from an object with "content" and flags.
Result<AddedToken> ParseAddedToken(const Json& object, TokenId id);

}  // namespace arena
