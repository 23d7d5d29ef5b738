// Apart: what a model thought and what it answered.
#pragma once

#include <string_view>

namespace arena {

/// A reply split in two. The views point into the reply.
struct SplitReply {
  std::string_view reasoning;  ///< without its tags; empty: none
  std::string_view answer;     ///< the whole reply where it has no reasoning
  bool is_cut = false;         ///< the reasoning never ended, so there is no answer
};

/// Splits a reply that begins (after white space) with `<think>` at the first `</think>`. The
/// answer then begins at its first character that is not white space. Tags further back are part of
/// the answer: they may be what it talks about. Thread-safe.
SplitReply SplitReasoning(std::string_view reply);

}  // namespace arena
