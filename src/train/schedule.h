// How the learning rate changes over a run.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace arena::train {

enum class ScheduleShape { kConstant, kLinear, kCosine };

/// "constant", "linear" or "cosine".
Result<ScheduleShape> ParseScheduleShape(std::string_view name);

struct Schedule {
  ScheduleShape shape = ScheduleShape::kCosine;
  std::int64_t warmup_steps = 0;
  std::int64_t total_steps = 0;
  double final_factor = 0;  ///< where linear and cosine end, in [0, 1]
};

/// What the learning rate is multiplied by in step k, which k steps precede (k = 0 for the first):
///   k < warmup_steps: k / warmup_steps, so that the first step of a warm-up changes nothing;
///   then, with u = (k - warmup_steps) / (total_steps - warmup_steps), at most 1,
///   constant: 1; linear: 1 - u; cosine: (1 + cos(pi u)) / 2; the latter two as
///   final_factor + (1 - final_factor) * that.
/// With final_factor 0 these are transformers' get_*_schedule_with_warmup. Thread-safe.
double ScheduleFactor(const Schedule& schedule, std::int64_t step);

}  // namespace arena::train
