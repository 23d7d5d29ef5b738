// Text to token ids and back, as the tokenizer files of a Hugging Face directory say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/rendered_prompt.h"

namespace arena {

using TokenId = std::int32_t;

/// How a vocabulary turns text into tokens.
enum class TokenizerKind {
  kByteLevelBpe,         ///< merges over bytes (GPT-2, Llama 3, Qwen, SmolLM); GGUF "gpt2"
  kSentencePieceBpe,     ///< merges over characters with U+2581 for spaces (Llama 2); GGUF "llama"
  kSentencePieceUnigram  ///< the most probable pieces; GGUF "t5"
};

/// What a token is for; the numbers are GGUF's.
enum class TokenType {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,      ///< special: only a template writes it
  kUserDefined = 4,  ///< added, and recognised in plain text
  kUnused = 5,       ///< an id without a token
  kByte = 6,         ///< "<0x41>": stands for one byte
};

/// A whole vocabulary for writing it to another format. Vectors are indexed by token id.
struct VocabularyView {
  TokenizerKind kind = TokenizerKind::kByteLevelBpe;
  /// As in the file: bytes in GPT-2's alphabet or spaces as U+2581. Unique; "[PAD7]" where the file
  /// has no token of id 7.
  std::vector<std::string> tokens;
  std::vector<float> scores;  ///< log probabilities, or minus the rank of the merge
  std::vector<TokenType> types;
  std::vector<std::string> merges;  ///< "left right" in order of rank; empty: the scores decide
  /// llama.cpp's name of the pre-tokenizer ("gpt-2", "llama-bpe", "qwen2", "smollm", ...); empty: a
  /// split that has no name there.
  std::string pre_tokenizer;
  bool add_space_prefix = false;  ///< a space is put before text
};

/// Turns text into token ids and back. Const methods are thread-safe and never fail: any bytes are
/// accepted, in time near linear in their number.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;

  /// Plain text: never a special token, no BOS. Added tokens that are not special are recognised.
  virtual std::vector<TokenId> Encode(std::string_view text) const = 0;

  /// A prompt: special tokens are recognised where they lie within trusted spans. Adds no BOS:
  /// where the template did not write it and add_bos() holds, the caller puts bos_id() in front.
  virtual std::vector<TokenId> EncodePrompt(const RenderedPrompt& prompt) const = 0;

  /// The text of ids, without special tokens where `skip_special`. May end or start in the middle
  /// of a UTF-8 sequence where tokens do. Ids that are out of range give nothing.
  std::string Decode(std::span<const TokenId> ids, bool skip_special) const;

  /// The largest id plus one. A model may have more rows than this (padding), and not fewer.
  virtual std::size_t vocabulary_size() const = 0;

  /// The id of a token given as the file writes it ("<|im_end|>", "\u2581the").
  virtual std::optional<TokenId> Find(std::string_view token) const = 0;

  /// From tokenizer_config.json or special_tokens_map.json, else from the tokenizer's own file.
  virtual std::optional<TokenId> bos_id() const = 0;
  virtual std::optional<TokenId> eos_id() const = 0;
  virtual std::optional<TokenId> unk_id() const = 0;

  /// Whether the files ask for BOS before, or EOS after, a text that no template renders.
  virtual bool add_bos() const = 0;
  virtual bool add_eos() const = 0;

  /// Whether an id is a special (control) token; false out of range.
  virtual bool IsSpecial(TokenId id) const = 0;

  /// The token as the file writes it; empty where there is none. Valid as long as the tokenizer.
  virtual std::string_view TokenText(TokenId id) const = 0;

  /// The bytes that the token stands for in a text; Decode() is their concatenation but for a
  /// leading space (strips_leading_space()). Valid as long as the tokenizer.
  virtual std::string_view TokenBytes(TokenId id) const = 0;

  /// Whether Decode() drops one space at the start of a text, because Encode() put one there.
  virtual bool strips_leading_space() const = 0;

  /// A copy of the whole vocabulary.
  virtual VocabularyView Vocabulary() const = 0;
};

/// Reads tokenizer.json, or where there is none tokenizer.model, and tokenizer_config.json,
/// special_tokens_map.json and added_tokens.json beside it. Errors name the file and what is wrong
/// or unsupported in it.
Result<std::unique_ptr<Tokenizer>> LoadTokenizer(const std::filesystem::path& directory);

}  // namespace arena
