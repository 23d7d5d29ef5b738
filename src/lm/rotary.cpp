#include "lm/rotary.h"

#include <algorithm>
#include <cmath>

#include "checkpoint/rope.h"

namespace arena::lm {

RotaryTable::RotaryTable(const ModelConfig& config)
    : frequencies_(RopeInverseFrequencies(config, config.max_position_embeddings)),
      scale_(RopeAttentionScale(config)) {}

void RotaryTable::Reserve(std::int64_t count) {
  auto position = static_cast<std::int64_t>(cosines_.size() / frequencies_.size());
  if (count <= position) return;
  count = std::max(count, 2 * position);
  cosines_.reserve(Offset(count));
  sines_.reserve(Offset(count));
  for (; position < count; ++position) {
    for (const float frequency : frequencies_) {
      const double angle = static_cast<double>(position) * static_cast<double>(frequency);
      cosines_.push_back(static_cast<float>(std::cos(angle)) * scale_);
      sines_.push_back(static_cast<float>(std::sin(angle)) * scale_);
    }
  }
}

}  // namespace arena::lm
