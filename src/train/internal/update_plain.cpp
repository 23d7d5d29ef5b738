#include "train/internal/update_impl.h"

namespace arena::train::internal {

const UpdateLoops kPlainUpdate = {.adamw = UpdateAdamW, .sum_squares = SumSquares};

}  // namespace arena::train::internal
