// Training of a new SentencePiece vocabulary.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace arena {

struct SentencePieceOptions {
  /// Wanted pieces, the 256 bytes and the special ones included: 300 or more. Fewer come out where
  /// the texts hold no more.
  std::size_t vocabulary_size = 4096;
  bool unigram = false;  ///< false: BPE
  /// Control pieces after <unk>, <s> and </s> (ids 0, 1, 2): never in plain text.
  std::vector<std::string> control = {"<|im_start|>", "<|im_end|>"};
};

/// Trains on the texts and writes the model to `path` atomically; the same input gives the same
/// file. Byte pieces, no normalisation and no space put in front: every byte string round-trips.
/// Errors: no text, options out of range, the library's own words. Thread-safe.
Status TrainSentencePiece(const SentencePieceOptions& options, std::span<const std::string> texts,
                          const std::filesystem::path& path);

}  // namespace arena
