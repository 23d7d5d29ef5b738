// Regular expressions of tokenizer.json.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "text/rendered_prompt.h"

namespace arena {

/// A compiled pattern. tokenizer.json's patterns are written for Oniguruma's Ruby syntax; what
/// differs in PCRE2 (the meaning of \s, \w and \h, nested classes) is translated or refused.
/// Thread-safe; cheap to copy.
class SplitPattern {
 public:
  /// An error says what is wrong with the pattern.
  static Result<SplitPattern> Compile(std::string_view pattern);

  /// Calls visit(begin, end) for each match from left to right. Bytes that are not valid UTF-8
  /// never match and end a text as far as the pattern can see. Where a hostile pattern takes too
  /// many steps, the rest of the text has no match.
  void ForEachMatch(std::string_view text, FunctionRef<void(std::size_t, std::size_t)> visit) const;

 private:
  struct Code;
  explicit SplitPattern(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

}  // namespace arena
