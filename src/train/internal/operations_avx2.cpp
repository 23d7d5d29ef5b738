#include "train/internal/operation_sets.h"
#include "train/internal/operations_impl.h"

namespace arena::train {

constinit const Operations<float> kAvx2Operations = MakeOperations<float>();

}  // namespace arena::train
