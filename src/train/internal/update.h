// The optimizer's inner loops, in one version per instruction set.
#pragma once

#include <cstddef>

namespace arena::train::internal {

/// The numbers of one step of AdamW that are the same for many parameters.
struct AdamWNumbers {
  float gradient_factor;
  float beta1;
  float one_minus_beta1;
  float beta2;
  float one_minus_beta2;
  float second_scale;  ///< 1 / sqrt(1 - beta2^t)
  float epsilon;
  float step_size;  ///< learning rate / (1 - beta1^t)
  float keep;       ///< 1 - learning rate * weight decay
};

/// The same bits with each set: no product is fused with a sum, and sums run in one order.
struct UpdateLoops {
  void (*adamw)(const AdamWNumbers& numbers, std::size_t n, const float* gradients,
                float* parameters, float* first, float* second);
  double (*sum_squares)(const float* x, std::size_t n);
};

extern const UpdateLoops kPlainUpdate;
#if defined(__x86_64__)
extern const UpdateLoops kAvx2Update;
extern const UpdateLoops kAvx512Update;
#endif

/// The set that belongs to lm::ChosenKernels().
const UpdateLoops& ChosenUpdate();

}  // namespace arena::train::internal
