// A tokenizer that needs no training: one token for each byte.
#pragma once

#include <cstddef>
#include <filesystem>

#include "base/result.h"

namespace arena {

/// <|endoftext|> (BOS, unknown), <|im_start|>, <|im_end|> (EOS) and the 256 bytes.
inline constexpr std::size_t kSmallestByteVocabulary = 259;

/// Writes tokenizer.json, tokenizer_config.json (with a chatml chat_template) and
/// special_tokens_map.json to an existing directory. Specials have ids 0 to 2, byte b has id 3 + b;
/// larger vocabularies are filled with tokens that no text gives, so that `vocabulary_size` can be
/// a model's. Errors: a size below kSmallestByteVocabulary or above 2^20, a file that cannot be
/// written.
Status WriteByteTokenizer(const std::filesystem::path& directory, std::size_t vocabulary_size);

}  // namespace arena
