// The mini world's tokens, and a model directory to start from.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace arena::mini {

/// Token ids of the special tokens; the ids of Vocabulary() follow.
inline constexpr std::int64_t kEndId = 0;        ///< <|end|>: ends an answer; also padding
inline constexpr std::int64_t kUnknownId = 1;    ///< <|unknown|>: a byte outside the vocabulary
inline constexpr std::int64_t kUserId = 2;       ///< <|user|>
inline constexpr std::int64_t kAssistantId = 3;  ///< <|assistant|>

/// The tokens without the special ones, in the order of their ids: single characters, then whole
/// words. A word of a prompt has the space before it within; the words that answers begin with
/// stand there without it as well.
std::span<const std::string> Vocabulary();

/// Whether " word" is one token.
bool IsWholeWord(std::string_view word);

/// Writes tokenizer.json and its companions, with the chat template
/// "<|user|> PROMPT<|assistant|>ANSWER<|end|>", to an existing directory.
Status WriteTokenizer(const std::filesystem::path& directory);

/// Makes `directory` a model of the shape `mini` with random float32 weights and this tokenizer. It
/// must not hold a model yet.
Status WriteModel(const std::filesystem::path& directory, std::uint64_t seed);

}  // namespace arena::mini
