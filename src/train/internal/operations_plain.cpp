#include "train/internal/operation_sets.h"
#include "train/internal/operations_impl.h"

namespace arena::train {

constinit const Operations<float> kPlainOperations = MakeOperations<float>();
constinit const Operations<double> kDoubleOperations = MakeOperations<double>();

}  // namespace arena::train
