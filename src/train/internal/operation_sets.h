// The sets of operations that this program was compiled with.
#pragma once

#include "train/operations.h"

namespace arena::train {

extern const Operations<float> kPlainOperations;
extern const Operations<double> kDoubleOperations;
#if defined(__x86_64__)
extern const Operations<float> kAvx2Operations;
extern const Operations<float> kAvx512Operations;
#endif

}  // namespace arena::train
