// The pre-tokenizer of tokenizer.json: where text may not be merged across.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/internal/pieces.h"
#include "text/internal/split_pattern.h"

namespace arena {

/// A sequence of splitting steps. Thread-safe.
class PreTokenizer {
 public:
  /// Does not split.
  PreTokenizer() = default;

  /// From the "pre_tokenizer" of tokenizer.json (null: does not split): ByteLevel, Split, Digits,
  /// Metaspace, Sequence. Errors name the unsupported type.
  static Result<PreTokenizer> Parse(const Json& json);

  /// Whether the model's tokens are bytes in GPT-2's alphabet. Pieces are plain bytes all the same.
  bool byte_level() const { return byte_level_; }

  /// Whether a space is put before text.
  bool adds_space() const;

  /// llama.cpp's name for the split; empty: it has none.
  std::string GgufName() const;

  /// Splits normalised text; `at_start`: it is the start of the whole text.
  PieceList Split(std::string text, bool at_start) const;

 private:
  struct ByteLevel {
    bool add_prefix_space;
    std::optional<SplitPattern> pattern;
  };
  struct SplitStep {
    std::string source;  ///< of the pattern, for GgufName()
    std::string literal;
    std::optional<SplitPattern> pattern;
    SplitBehavior behavior;
    bool invert;
  };
  struct Digits {
    bool individual;
  };
  enum class Scheme { kNever, kFirst, kAlways };
  struct Metaspace {
    std::string replacement;
    Scheme scheme;
    bool split;
  };
  using Step = std::variant<ByteLevel, SplitStep, Digits, Metaspace>;

  Status Add(const Json& json);
  Status AddOfType(const std::string& type, const Json& json);
  Status AddByteLevel(const Json& json);
  Status AddSplit(const Json& json);
  Status AddMetaspace(const Json& json);

  static void Apply(const Step& step, bool at_start, PieceList& list);
  static void ApplyByteLevel(const ByteLevel& step, PieceList& list);
  static void ApplySplit(const SplitStep& step, PieceList& list);
  static void ApplyMetaspace(const Metaspace& step, bool at_start, PieceList& list);

  std::vector<Step> steps_;
  bool byte_level_ = false;
};

}  // namespace arena
