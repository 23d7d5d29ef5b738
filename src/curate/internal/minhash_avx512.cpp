#include "curate/internal/minhash_impl.h"

namespace arena {

constinit const MinHashKernel kAvx512MinHash = {"avx512", &AllMinima};

}  // namespace arena
