// The normalizer of tokenizer.json: what is done to text before it is split.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "text/internal/split_pattern.h"

namespace arena {

/// A sequence of rewriting steps. Bytes that are not valid UTF-8 pass through them. Thread-safe.
class Normalizer {
 public:
  /// Does nothing.
  Normalizer() = default;

  /// From the "normalizer" of tokenizer.json (null: does nothing): NFC, NFD, NFKC, NFKD, Prepend,
  /// Replace, Lowercase, Strip, Sequence. Errors name the unsupported type.
  static Result<Normalizer> Parse(const Json& json);

  bool empty() const { return steps_.empty(); }
  std::string Apply(std::string_view text) const;

 private:
  enum class Form { kNfc, kNfd, kNfkc, kNfkd };
  struct Prepend {
    std::string text;
  };
  struct Replace {
    std::string text;                     ///< what is replaced, or
    std::optional<SplitPattern> pattern;  ///< what matches this
    std::string content;
  };
  struct Lowercase {};
  struct Strip {
    bool left;
    bool right;
  };
  using Step = std::variant<Form, Prepend, Replace, Lowercase, Strip>;

  Status Add(const Json& json);
  Status AddReplace(const Json& json);
  static std::string ApplyStep(const Step& step, std::string text);
  static std::string ApplyForm(Form form, std::string text);
  static std::string ApplyReplace(const Replace& step, const std::string& text);
  static std::string ApplyLowercase(std::string_view text);
  static std::string ApplyStrip(const Strip& step, std::string_view text);

  std::vector<Step> steps_;
};

}  // namespace arena
