// A conversation as the text that a model reads, with what the template itself wrote marked.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace arena {

/// Bytes [begin, end) of a text.
struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool operator==(const Span&) const = default;
};

/// Text with the byte ranges that a chat template wrote itself; only inside them special tokens are
/// recognised. What a user or a model wrote is never inside, so that text which looks like a
/// special token stays text.
struct RenderedPrompt {
  std::string text;
  /// Ascending and disjoint; spans that touch count as one, so a special token may cross their
  /// seam.
  std::vector<Span> trusted;
};

}  // namespace arena
