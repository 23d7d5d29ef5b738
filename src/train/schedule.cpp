#include "train/schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <string>

#include "base/nearest.h"

namespace arena::train {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 3> kNames = {"constant", "linear", "cosine"};

}  // namespace

Result<ScheduleShape> ParseScheduleShape(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<ScheduleShape>(i);
  }
  const std::optional<std::string> nearest = NearestName(name, kNames);
  return InvalidInput(
      fmt::format("unknown schedule \"{}\"; it is one of constant, linear, cosine{}", name,
                  nearest ? fmt::format(" (did you mean {}?)", *nearest) : ""));
}

double ScheduleFactor(const Schedule& schedule, std::int64_t step) {
  if (step < schedule.warmup_steps) {
    return static_cast<double>(step) / static_cast<double>(schedule.warmup_steps);
  }
  const std::int64_t steps =
      std::max<std::int64_t>(1, schedule.total_steps - schedule.warmup_steps);
  const double u =
      std::min(1.0, static_cast<double>(step - schedule.warmup_steps) / static_cast<double>(steps));
  double factor = 1;
  if (schedule.shape == ScheduleShape::kLinear) factor = 1 - u;
  if (schedule.shape == ScheduleShape::kCosine) factor = (1 + std::cos(std::numbers::pi * u)) / 2;
  return schedule.final_factor + (1 - schedule.final_factor) * factor;
}

}  // namespace arena::train
