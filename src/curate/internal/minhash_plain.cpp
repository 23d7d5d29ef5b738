#include "curate/internal/minhash_impl.h"

namespace arena {

constinit const MinHashKernel kPlainMinHash = {"plain", &AllMinima};

}  // namespace arena
