// A named number of a step.
#pragma once

#include <string_view>

namespace arena::train {

struct Metric {
  std::string_view name;
  double value = 0;
};

}  // namespace arena::train
