#include "train/optimizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <string_view>

#include "base/parallel.h"
#include "lm/kernels.h"
#include "train/internal/update.h"

namespace arena::train {
namespace {

// Small enough for the caches, large enough that handing it out costs nothing.
constexpr std::size_t kPieceSize = std::size_t{1} << 16;
// Starting threads takes longer than fewer numbers.
constexpr std::size_t kWorthThreads = std::size_t{1} << 20;

unsigned ThreadsFor(std::size_t size, unsigned threads) {
  return size < kWorthThreads ? 1 : threads;
}

Status CheckOptions(const AdamWOptions& options) {
  const auto in = [](double value, double low, double high) {
    return low <= value && value < high;
  };
  if (!in(options.beta1, 0, 1) || !in(options.beta2, 0, 1)) {
    return InvalidInput(fmt::format("Adam's betas are {} and {}; they must be in [0, 1)",
                                    options.beta1, options.beta2));
  }
  if (!(options.epsilon > 0) || !std::isfinite(options.epsilon)) {
    return InvalidInput(fmt::format("Adam's epsilon is {}; it must be above 0", options.epsilon));
  }
  if (!(options.weight_decay >= 0) || !std::isfinite(options.weight_decay)) {
    return InvalidInput(
        fmt::format("the weight decay is {}; it must be 0 or more", options.weight_decay));
  }
  return {};
}

std::span<float> TakeFloats(lm::PageMemory& memory, std::size_t size) {
  return {reinterpret_cast<float*>(memory.Take(size * sizeof(float)).data()), size};
}

}  // namespace

namespace internal {

const UpdateLoops& ChosenUpdate() {
#if defined(__x86_64__)
  const std::string_view name = lm::ChosenKernels().name;
  if (name.starts_with("avx512") || name == "amx") return kAvx512Update;
  if (name == "avx2") return kAvx2Update;
#endif
  return kPlainUpdate;
}

}  // namespace internal

Result<AdamW> AdamW::Create(std::size_t size, std::span<const ParameterRange> ranges,
                            const AdamWOptions& options) {
  ARENA_RETURN_IF_ERROR(CheckOptions(options));
  AdamW adamw(options);
  ARENA_RETURN_IF_ERROR(adamw.AddPieces(size, ranges));
  ARENA_ASSIGN_OR_RETURN(
      adamw.memory_, lm::PageMemory::Reserve(2 * lm::PageMemory::Rounded(size * sizeof(float))));
  adamw.first_ = TakeFloats(adamw.memory_, size);
  adamw.second_ = TakeFloats(adamw.memory_, size);
  return adamw;
}

Status AdamW::AddPieces(std::size_t size, std::span<const ParameterRange> ranges) {
  for (const ParameterRange& range : ranges) {
    if (range.size > size || range.begin > size - range.size) {
      return InternalError(fmt::format("parameter {} ends past the buffer", range.tensor.name));
    }
    for (std::size_t done = 0; done < range.size; done += kPieceSize) {
      pieces_.push_back(
          {range.begin + done, std::min(kPieceSize, range.size - done), range.decays});
    }
  }
  std::sort(pieces_.begin(), pieces_.end(),
            [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
  for (std::size_t i = 1; i < pieces_.size(); ++i) {
    if (pieces_[i - 1].begin + pieces_[i - 1].size > pieces_[i].begin) {
      return InternalError(fmt::format("parameters overlap at {}", pieces_[i].begin));
    }
  }
  return {};
}

void AdamW::Step(std::span<const float> gradients, double learning_rate, double gradient_factor,
                 std::span<float> parameters) {
  assert(gradients.size() == first_.size() && parameters.size() == first_.size());
  ++steps_;
  const auto t = static_cast<double>(steps_);
  const auto rounded = [](double value) { return static_cast<float>(value); };
  internal::AdamWNumbers numbers = {
      .gradient_factor = rounded(gradient_factor),
      .beta1 = rounded(options_.beta1),
      .one_minus_beta1 = rounded(1 - options_.beta1),
      .beta2 = rounded(options_.beta2),
      .one_minus_beta2 = rounded(1 - options_.beta2),
      .second_scale = rounded(1 / std::sqrt(1 - std::pow(options_.beta2, t))),
      .epsilon = rounded(options_.epsilon),
      .step_size = rounded(learning_rate / (1 - std::pow(options_.beta1, t))),
      .keep = rounded(1 - learning_rate * options_.weight_decay)};
  internal::AdamWNumbers without_decay = numbers;
  without_decay.keep = 1;
  const internal::UpdateLoops& loops = internal::ChosenUpdate();
  ParallelFor(pieces_.size(), ThreadsFor(first_.size(), options_.threads), [&](std::size_t i) {
    const Piece& piece = pieces_[i];
    loops.adamw(piece.decays ? numbers : without_decay, piece.size, gradients.data() + piece.begin,
                parameters.data() + piece.begin, first_.data() + piece.begin,
                second_.data() + piece.begin);
  });
}

double GlobalNorm(std::span<const float> gradients, unsigned threads) {
  const internal::UpdateLoops& loops = internal::ChosenUpdate();
  std::vector<double> sums((gradients.size() + kPieceSize - 1) / kPieceSize);
  ParallelFor(sums.size(), ThreadsFor(gradients.size(), threads), [&](std::size_t i) {
    const std::size_t begin = i * kPieceSize;
    sums[i] =
        loops.sum_squares(gradients.data() + begin, std::min(kPieceSize, gradients.size() - begin));
  });
  double sum = 0;
  for (const double part : sums) sum += part;
  return std::sqrt(sum);
}

double ClipFactor(double norm, double max_norm) {
  constexpr double kEpsilon = 1e-6;
  return max_norm > 0 ? std::min(1.0, max_norm / (norm + kEpsilon)) : 1;
}

}  // namespace arena::train
