// Tokens that were added to a vocabulary: they are recognised before any text is split.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/function_ref.h"
#include "text/rendered_prompt.h"
#include "text/tokenizer.h"

namespace arena {

/// An entry of "added_tokens".
struct AddedToken {
  TokenId id = 0;
  std::string content;
  bool special = false;
  bool lstrip = false;       ///< takes the white space before it along
  bool rstrip = false;       ///< takes the white space after it along
  bool single_word = false;  ///< not next to a letter or digit
  bool normalized = false;   ///< looked for in normalised text, in its normalised form
};

/// Finds added tokens in text, leftmost first and of those the longest. Constant after
/// construction.
class TokenMatcher {
 public:
  TokenMatcher() = default;
  /// `forms[i]` is the text by which tokens[i] is recognised.
  TokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& forms);

  bool empty() const { return tokens_.empty(); }

  struct Match {
    Span span;
    TokenId id = 0;
  };
  /// All matches. A special token counts only where `allow_special(begin, end)` of the bytes of its
  /// own text holds.
  std::vector<Match> FindAll(std::string_view text,
                             FunctionRef<bool(std::size_t, std::size_t)> allow_special) const;

 private:
  struct Candidate {
    const AddedToken* token = nullptr;
    std::size_t size = 0;
  };
  Candidate LongestAt(std::string_view text, std::size_t at,
                      FunctionRef<bool(std::size_t, std::size_t)> allow_special) const;

  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string, std::size_t> by_form_;
  /// By first byte: the lengths of the forms that begin with it, longest first.
  std::vector<std::vector<std::size_t>> lengths_ = std::vector<std::vector<std::size_t>>(256);
};

/// Whether a range lies within one trusted span. Borrows nothing.
class TrustedRanges {
 public:
  explicit TrustedRanges(std::vector<Span> spans);
  bool Contains(std::size_t begin, std::size_t end) const;

 private:
  std::vector<Span> spans_;  ///< ascending, disjoint, not touching
};

}  // namespace arena
