// The embedding that needs no model: what words and letters two texts share.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/embedder.h"

namespace arena {

/// Lexical, not semantic: texts are near when they share words, word pairs and pieces of words;
/// paraphrases in other words are not found.
///
/// Features are hashes of the words, of each two words in a row and of each four characters in a
/// row of the normalised text (words.h). A feature that occurs n times weighs (1 + ln n) * idf,
/// with idf = 1 + ln((1 + D) / (1 + d)) for a feature in d of the D texts that were counted. Words
/// with pairs and characters are each scaled to length 1, so that each makes half of the
/// similarity, and projected together by a sparse random matrix of 8 signs a feature (Achlioptas
/// 2003; Li, Hastie and Church 2006) to 256 dimensions, where inner products are the originals with
/// an error of about 1/16.
class LexicalEmbedder : public Embedder {
 public:
  static constexpr std::size_t kDimensions = 256;

  /// Every feature weighs the same until texts are counted.
  explicit LexicalEmbedder(std::uint64_t seed);

  /// Counts in how many of the texts each feature occurs, on `threads` threads (0: all). Not
  /// thread-safe.
  void Count(std::span<const std::string_view> texts, unsigned threads);

  std::size_t dimensions() const override { return kDimensions; }
  Status Embed(std::span<const std::string_view> texts, std::span<float> vectors) const override;

 private:
  std::uint64_t seed_;
  std::int64_t counted_ = 0;
  std::vector<std::uint32_t> frequencies_;  ///< texts with the feature, by its hash's lowest bits
};

}  // namespace arena
