// Export to GGUF version 3, the file that llama.cpp loads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "checkpoint/checkpoint.h"

namespace arena {

/// What the matrices become; norms and biases are always f32.
enum class GgufType { kF32, kF16, kBf16, kQ80 };

/// "f32", "f16", "bf16", "q8_0".
std::string_view GgufTypeName(GgufType type);
Result<GgufType> ParseGgufType(std::string_view name);

/// The numbers are those of the file.
enum class GgufTokenKind : std::int32_t {
  kNormal = 1,
  kUnknown = 2,
  kControl = 3,
  kUserDefined = 4,
  kUnused = 5,
  kByte = 6,
};

/// A vocabulary as llama.cpp wants it. Where the model has more rows than `tokens`, the rest is
/// filled with unused tokens "[PADn]"; more tokens than rows are an error.
struct GgufVocabulary {
  /// tokenizer.ggml.model: "llama" (SentencePiece; needs scores) or "gpt2" (byte-level BPE; needs
  /// `pre` where it has merges).
  std::string model = {};
  /// tokenizer.ggml.pre, the split pattern by name: "gpt-2", "llama-bpe", "qwen2", "smollm".
  std::string pre = {};
  /// By id. SentencePiece: pieces as they are, with U+2581. BPE: in the byte-level alphabet; added
  /// tokens as their plain text.
  std::vector<std::string> tokens = {};
  std::vector<float> scores = {};         ///< by id, or empty
  std::vector<GgufTokenKind> kinds = {};  ///< by id, or empty: all normal
  std::vector<std::string> merges = {};   ///< "left right", best first
  std::optional<std::int64_t> bos_id = {};
  std::optional<std::int64_t> eos_id = {};
  std::optional<std::int64_t> eot_id = {};  ///< the end of a turn, where it is another than eos_id
  std::optional<std::int64_t> unknown_id = {};
  std::optional<std::int64_t> pad_id = {};
  bool add_bos = false;
  bool add_eos = false;
  bool add_space_prefix = true;    ///< SentencePiece: add_dummy_prefix
  std::string chat_template = {};  ///< Jinja; empty: none
};

struct GgufOptions {
  GgufType type = GgufType::kBf16;
  std::string name = {};  ///< general.name; empty: the directory's name
};

/// Writes the file (temporary, fsync, rename) row by row: memory does not grow with the model. Rows
/// of a q8_0 matrix are in blocks of 32 numbers; a matrix whose rows do not divide is f16.
///
/// Two things that llama.cpp lacks end at a length, and the stated context ends there too, so that
/// the file is exact within it: a sliding window (at the window) and dynamic rotary scaling (at
/// max_position_embeddings). Errors: a vocabulary that does not fit, a sequence classifier, Qwen3
/// with biases, Qwen with llama3 scaling or with yarn bounds other than 32 and 1 (llama.cpp cannot
/// express them), a weight that is not finite (named).
Status ExportGguf(const Checkpoint& checkpoint, const GgufVocabulary& vocabulary,
                  const GgufOptions& options, const std::filesystem::path& path);

}  // namespace arena
