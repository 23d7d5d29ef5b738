// The kernels that this program was compiled with.
#pragma once

#include "curate/minhash.h"

namespace arena {

extern const MinHashKernel kPlainMinHash;
#if defined(__x86_64__)
extern const MinHashKernel kAvx2MinHash;
extern const MinHashKernel kAvx512MinHash;
#endif

}  // namespace arena
