// A figure that a report prints, with its interval.
#pragma once

namespace arena {

/// An estimate and the bounds of its interval, all in the unit of the estimate.
struct Figure {
  double value = 0;
  double lower = 0;
  double upper = 0;
};

}  // namespace arena
