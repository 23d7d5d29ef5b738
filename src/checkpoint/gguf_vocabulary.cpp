#include <fmt/format.h>

#include "checkpoint/internal/gguf_parts.h"

namespace arena::internal {
namespace {

constexpr std::string_view kSentencePiece = "llama";
constexpr std::string_view kBytePairs = "gpt2";

Status CheckLength(std::string_view what, std::size_t size, std::size_t tokens) {
  if (size == 0 || size == tokens) return {};
  return InvalidInput(fmt::format("GGUF: {} {} for {} tokens", size, what, tokens));
}

Status CheckVocabulary(const GgufVocabulary& vocabulary, std::int64_t rows) {
  const std::size_t size = vocabulary.tokens.size();
  if (size == 0) return InvalidInput("GGUF: the vocabulary is empty");
  if (static_cast<std::int64_t>(size) > rows) {
    return InvalidInput(
        fmt::format("GGUF: the vocabulary has {} tokens, and the model {} rows", size, rows));
  }
  ARENA_RETURN_IF_ERROR(CheckLength("scores", vocabulary.scores.size(), size));
  ARENA_RETURN_IF_ERROR(CheckLength("token kinds", vocabulary.kinds.size(), size));
  if (vocabulary.model == kSentencePiece) {
    if (!vocabulary.scores.empty()) return {};
    return InvalidInput("GGUF: a SentencePiece vocabulary needs scores");
  }
  if (vocabulary.model != kBytePairs) {
    return InvalidInput(fmt::format("GGUF: unknown tokenizer \"{}\"; supported: {}, {}",
                                    vocabulary.model, kSentencePiece, kBytePairs));
  }
  // Without merges every byte is a token, however the text is split.
  if (!vocabulary.merges.empty() && vocabulary.pre.empty()) {
    return InvalidInput("GGUF: a byte-level BPE vocabulary needs the name of its split pattern");
  }
  return {};
}

Status AddId(std::string_view name, const std::optional<std::int64_t>& id, std::int64_t rows,
             GgufMetadata& metadata) {
  if (!id) return {};
  if (*id < 0 || *id >= rows) {
    return InvalidInput(
        fmt::format("GGUF: {} is {}, and the model has {} tokens", name, *id, rows));
  }
  metadata.AddUint32(fmt::format("tokenizer.ggml.{}", name), *id);
  return {};
}

// Rows of the embedding without a token get one that is never produced from text.
void AddTokens(const GgufVocabulary& vocabulary, std::int64_t rows, GgufMetadata& metadata) {
  const auto count = static_cast<std::size_t>(rows);
  std::vector<std::string> tokens = vocabulary.tokens;
  std::vector<float> scores = vocabulary.scores;
  std::vector<std::int32_t> kinds;
  kinds.reserve(count);
  for (const GgufTokenKind kind : vocabulary.kinds) {
    kinds.push_back(static_cast<std::int32_t>(kind));
  }
  kinds.resize(tokens.size(), static_cast<std::int32_t>(GgufTokenKind::kNormal));
  for (std::size_t id = tokens.size(); id < count; ++id) {
    tokens.push_back(fmt::format("[PAD{}]", id));
    kinds.push_back(static_cast<std::int32_t>(GgufTokenKind::kUnused));
    if (!scores.empty()) scores.push_back(-1000);
  }
  metadata.AddTexts("tokenizer.ggml.tokens", tokens);
  if (!scores.empty()) metadata.AddFloats("tokenizer.ggml.scores", scores);
  metadata.AddInts("tokenizer.ggml.token_type", kinds);
}

}  // namespace

Status AddVocabulary(const GgufVocabulary& vocabulary, std::int64_t rows, GgufMetadata& metadata) {
  ARENA_RETURN_IF_ERROR(CheckVocabulary(vocabulary, rows));
  metadata.AddText("tokenizer.ggml.model", vocabulary.model);
  metadata.AddText("tokenizer.ggml.pre", !vocabulary.pre.empty()          ? vocabulary.pre
                                         : vocabulary.model == kBytePairs ? "gpt-2"
                                                                          : "default");
  AddTokens(vocabulary, rows, metadata);
  if (vocabulary.model == kBytePairs) metadata.AddTexts("tokenizer.ggml.merges", vocabulary.merges);
  ARENA_RETURN_IF_ERROR(AddId("bos_token_id", vocabulary.bos_id, rows, metadata));
  ARENA_RETURN_IF_ERROR(AddId("eos_token_id", vocabulary.eos_id, rows, metadata));
  ARENA_RETURN_IF_ERROR(AddId("eot_token_id", vocabulary.eot_id, rows, metadata));
  ARENA_RETURN_IF_ERROR(AddId("unknown_token_id", vocabulary.unknown_id, rows, metadata));
  ARENA_RETURN_IF_ERROR(AddId("padding_token_id", vocabulary.pad_id, rows, metadata));
  metadata.AddBool("tokenizer.ggml.add_bos_token", vocabulary.add_bos);
  metadata.AddBool("tokenizer.ggml.add_eos_token", vocabulary.add_eos);
  if (vocabulary.model == kSentencePiece) {
    metadata.AddBool("tokenizer.ggml.add_space_prefix", vocabulary.add_space_prefix);
  }
  if (!vocabulary.chat_template.empty()) {
    metadata.AddText("tokenizer.chat_template", vocabulary.chat_template);
  }
  return {};
}

}  // namespace arena::internal
