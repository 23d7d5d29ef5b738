// AdamW over one buffer of parameters, and the norm of gradients.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.h"
#include "lm/memory.h"
#include "train/parameters.h"

namespace arena::train {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0;  ///< of the ranges that decay
  unsigned threads = 1;     ///< used where there are a million parameters or more
};

/// AdamW (Loshchilov and Hutter 2019), with bias correction; t counts steps from 1:
///   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2,
///   p = (1 - rate * weight_decay) p - rate / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon)
/// in float32, with the same bits on every processor and for every number of threads. Two moments
/// cost 8 bytes a parameter. Movable. Not thread-safe.
class AdamW {
 public:
  /// For a buffer of `size` numbers. What no range covers is never changed. Errors: options out of
  /// their bounds; a range past the end or one that overlaps another (a bug); no memory.
  static Result<AdamW> Create(std::size_t size, std::span<const ParameterRange> ranges,
                              const AdamWOptions& options);

  /// One step with the gradients times `gradient_factor`. Both buffers have `size` numbers.
  void Step(std::span<const float> gradients, double learning_rate, double gradient_factor,
            std::span<float> parameters);

  /// How many steps were done; with the moments, all that must be kept to go on later.
  std::int64_t steps() const { return steps_; }
  void set_steps(std::int64_t steps) { steps_ = steps; }
  std::span<float> first_moments() const { return first_; }
  std::span<float> second_moments() const { return second_; }

 private:
  // A stretch that one thread updates at once.
  struct Piece {
    std::size_t begin, size;
    bool decays;
  };

  explicit AdamW(const AdamWOptions& options) : options_(options) {}
  Status AddPieces(std::size_t size, std::span<const ParameterRange> ranges);

  AdamWOptions options_;
  std::vector<Piece> pieces_;
  lm::PageMemory memory_;
  std::span<float> first_;
  std::span<float> second_;
  std::int64_t steps_ = 0;
};

/// The Euclidean norm, summed in double; NaN or infinite where a gradient is. The same bits for
/// every number of threads. Thread-safe.
double GlobalNorm(std::span<const float> gradients, unsigned threads = 1);

/// The factor that brings gradients of this norm down to max_norm: max_norm / (norm + 1e-6), at
/// most 1. max_norm 0: 1.
double ClipFactor(double norm, double max_norm);

}  // namespace arena::train
