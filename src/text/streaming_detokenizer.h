// Text of a growing sequence of tokens, for serving.
#pragma once

#include <string>

#include "text/tokenizer.h"

namespace arena {

/// Gives out text as tokens arrive and holds back the start of a UTF-8 sequence until its end has
/// come. All text given out, in order, is Decode() of all tokens, but that bytes which can never
/// become valid UTF-8 are given out as U+FFFD. Not thread-safe; borrows the tokenizer.
class StreamingDetokenizer {
 public:
  StreamingDetokenizer(const Tokenizer& tokenizer, bool skip_special);

  /// The text that is complete with this token; may be empty.
  std::string Add(TokenId id);

  /// What is still held back (as U+FFFD: it is incomplete); starts a new sequence.
  std::string Finish();

 private:
  const Tokenizer& tokenizer_;
  bool skip_special_;
  bool at_start_ = true;  ///< nothing but skipped tokens so far
  std::string pending_;   ///< at most three bytes between calls
};

}  // namespace arena
