// The ranks' operations by Gloo, whose headers and exceptions stay behind this.
#pragma once

#include <memory>

#include "base/result.h"
#include "train/collective.h"

namespace arena::train::internal {

/// For a world of at least two ranks.
Result<std::unique_ptr<Collective>> ConnectByGloo(const CollectiveOptions& options);

}  // namespace arena::train::internal
