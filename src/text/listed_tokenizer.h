// A tokenizer whose tokens are simply listed: nothing is trained, nothing is merged.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"

namespace arena {

/// Ids follow the order of `special` and then `tokens`.
struct ListedTokenizer {
  std::vector<std::string> special;
  /// As bytes. Text is split into bytes, so every byte that must not be lost is a token of its own.
  std::vector<std::string> tokens;
  /// Text is cut into words as GPT-2 does it (the space before a word belongs to it), and a word
  /// that is a token becomes that token. If false only single bytes do.
  bool whole_words = false;
  /// Special tokens by their text. Empty: there is none.
  std::string bos, eos, unknown, pad;
  std::string chat_template;  ///< Jinja
};

/// Writes tokenizer.json, tokenizer_config.json and special_tokens_map.json to an existing
/// directory. With `whole_words`, bytes that are no token become `unknown`. Errors: a token twice,
/// a file that cannot be written.
Status WriteListedTokenizer(const std::filesystem::path& directory,
                            const ListedTokenizer& tokenizer);

}  // namespace arena
