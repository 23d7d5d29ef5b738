// Turning texts into vectors.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include "base/result.h"

namespace arena {

/// Embeds texts so that similar texts have a large inner product. Thread-safe.
class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual std::size_t dimensions() const = 0;
  /// Writes one vector of length 1 for each text (0 for a text without any content) to `vectors`,
  /// (texts, dimensions()).
  virtual Status Embed(std::span<const std::string_view> texts, std::span<float> vectors) const = 0;
};

}  // namespace arena
