// The text of an answer as its tokens arrive.
#pragma once

#include <string>
#include <vector>

#include "text/streaming_detokenizer.h"

namespace arena {

/// Turns tokens into text and ends it before the first stop string. Not thread-safe.
class AnswerText {
 public:
  AnswerText(const Tokenizer& tokenizer, std::vector<std::string> stop)
      : detokenizer_(tokenizer, true), stop_(std::move(stop)) {}

  /// Text that is certain with this token; nothing after the end.
  std::string Add(TokenId token);
  /// What is still held back, at the end of the tokens.
  std::string Finish();
  /// Whether a stop string has ended the answer.
  bool stopped() const { return stopped_; }

 private:
  std::string Release(std::string more, bool is_last);

  StreamingDetokenizer detokenizer_;
  std::vector<std::string> stop_;
  std::string held_;  ///< may be the start of a stop string
  bool stopped_ = false;
};

}  // namespace arena
