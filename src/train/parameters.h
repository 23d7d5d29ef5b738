// How a model's parameters stand in one buffer.
#pragma once

#include <cstddef>
#include <string>

#include "checkpoint/tensor.h"

namespace arena::train {

/// A tensor's place in the buffer of parameters; gradients and moments stand the same way in
/// theirs.
struct ParameterRange {
  TensorSpec tensor;
  std::size_t begin = 0;
  std::size_t size = 0;  ///< the number of its elements
  bool decays = true;    ///< under weight decay: matrices do, norms and biases do not
};

}  // namespace arena::train
