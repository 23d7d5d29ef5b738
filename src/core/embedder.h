// Turning texts into vectors.
#pragma once

#include <cmath>
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
  /// How many texts a call of Embed() had best have, where there are so many.
  virtual std::size_t texts_at_once() const { return 64; }
  /// Writes one vector of length 1 for each text (0 for a text without any content) to `vectors`,
  /// (texts, dimensions()).
  virtual Status Embed(std::span<const std::string_view> texts, std::span<float> vectors) const = 0;
};

/// Scales a vector to length 1; one of zeros stays as it is.
inline void ScaleToUnit(std::span<float> vector) {
  double squares = 0;
  for (const float value : vector) {
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const auto scale = squares > 0 ? static_cast<float>(1 / std::sqrt(squares)) : 0.0F;
  for (float& value : vector) value *= scale;
}

}  // namespace arena
