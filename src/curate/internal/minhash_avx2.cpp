#include "curate/internal/minhash_impl.h"

namespace arena {

constinit const MinHashKernel kAvx2MinHash = {"avx2", &AllMinima};

}  // namespace arena
