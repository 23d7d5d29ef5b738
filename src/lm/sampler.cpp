#include "lm/sampler.h"

#include <algorithm>
#include <cmath>

#include "lm/kernels.h"

namespace arena::lm {
namespace {

constexpr std::size_t kStretch = 1024;

Token FirstOf(std::span<const float> logits, float value) {
  return static_cast<Token>(std::find(logits.begin(), logits.end(), value) - logits.begin());
}

// Of equals the lowest id comes first.
struct MoreLikely {
  const float* weights;
  bool operator()(Token a, Token b) const {
    const float x = weights[a], y = weights[b];
    return x > y || (x == y && a < b);
  }
};

// The `count` best, best first. A short sorted list: nearly all logits fail its first comparison.
std::vector<TokenLogprob> Best(std::span<const float> logits, double log_sum, std::size_t count) {
  std::vector<TokenLogprob> best;
  count = std::min(count, logits.size());
  if (count == 0) return best;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (best.size() == count && !(logits[i] > best.back().logprob)) continue;
    const auto after = std::upper_bound(
        best.begin(), best.end(), logits[i],
        [](float value, const TokenLogprob& other) { return value > other.logprob; });
    best.insert(after, {static_cast<Token>(i), logits[i]});
    if (best.size() > count) best.pop_back();
  }
  for (TokenLogprob& entry : best) {
    entry.logprob = static_cast<float>(static_cast<double>(entry.logprob) - log_sum);
  }
  return best;
}

}  // namespace

double LogSumExp(std::span<const float> logits, SamplerScratch& scratch) {
  const Kernels& kernels = ChosenKernels();
  const float largest = kernels.maximum(logits.data(), logits.size());
  float* const weights = scratch.weights.Get(logits.size());
  const double sum = kernels.exp_shifted(logits.data(), largest, 1.0F, logits.size(), weights);
  return static_cast<double>(largest) + std::log(sum);
}

Sampler::Sampler(const SamplingOptions& options, std::optional<std::int64_t> top,
                 std::span<const Token> prompt)
    : options_(options), top_(top), rng_(options.seed) {
  if (options_.repetition_penalty != 1) seen_.insert(prompt.begin(), prompt.end());
}

Result<Choice> Sampler::Next(std::span<float> logits, SamplerScratch& scratch) {
  const double log_sum = LogSumExp(logits, scratch);
  if (!std::isfinite(log_sum)) {
    return InvalidInput("the model's logits are not finite: its weights are damaged or overflow");
  }
  Choice choice;
  if (top_) choice.top = Best(logits, log_sum, static_cast<std::size_t>(*top_));
  // The token's own logit is needed after the penalty has changed it.
  std::vector<std::pair<Token, float>> unchanged;
  if (options_.repetition_penalty != 1) {
    unchanged.reserve(seen_.size());
    for (const Token token : seen_)
      unchanged.emplace_back(token, logits[static_cast<std::size_t>(token)]);
    Penalise(logits);
  }
  const float largest = ChosenKernels().maximum(logits.data(), logits.size());
  choice.token =
      options_.temperature == 0 ? FirstOf(logits, largest) : Draw(logits, largest, scratch);
  float logit = logits[static_cast<std::size_t>(choice.token)];
  for (const auto& [token, value] : unchanged) {
    if (token == choice.token) logit = value;
  }
  choice.logprob = static_cast<float>(static_cast<double>(logit) - log_sum);
  if (options_.repetition_penalty != 1) seen_.insert(choice.token);
  return choice;
}

void Sampler::Penalise(std::span<float> logits) const {
  const auto penalty = static_cast<float>(options_.repetition_penalty);
  for (const Token token : seen_) {
    float& logit = logits[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
}

Token Sampler::Draw(std::span<const float> logits, float largest, SamplerScratch& scratch) {
  const bool keeps_all = options_.top_k == 0 && options_.top_p >= 1 && options_.min_p <= 0;
  if (!keeps_all) return DrawFromFew(logits, largest, scratch);
  const auto scale = static_cast<float>(1 / options_.temperature);
  float* const weights = scratch.weights.Get(logits.size());
  scratch.sums.clear();
  double total = 0;
  for (std::size_t begin = 0; begin < logits.size(); begin += kStretch) {
    const std::size_t count = std::min(kStretch, logits.size() - begin);
    total +=
        ChosenKernels().exp_shifted(logits.data() + begin, largest, scale, count, weights + begin);
    scratch.sums.push_back(total);
  }
  const double target = rng_.Uniform() * total;
  const auto stretch = std::min<std::size_t>(
      static_cast<std::size_t>(std::upper_bound(scratch.sums.begin(), scratch.sums.end(), target) -
                               scratch.sums.begin()),
      scratch.sums.size() - 1);
  double below = stretch == 0 ? 0 : scratch.sums[stretch - 1];
  const std::size_t end = std::min((stretch + 1) * kStretch, logits.size());
  for (std::size_t i = stretch * kStretch; i < end; ++i) {
    below += static_cast<double>(weights[i]);
    if (below > target) return static_cast<Token>(i);
  }
  return static_cast<Token>(end - 1);  // rounding left a little above the last sum
}

// Puts into scratch.order, in any order, the tokens among which top_p chooses, and returns the mass
// of which it takes its share. scratch.weights holds the weights, whose sum is `mass`.
double Sampler::Candidates(std::span<const float> logits, float largest, double mass,
                           SamplerScratch& scratch) const {
  const float* const weights = scratch.weights.data();
  // The largest weight is 1, so a weight is its share of it. What min_p leaves out need not be
  // sorted, but top_k counts it.
  const double least = options_.top_k == 0 ? options_.min_p : 0;
  std::vector<Token>& order = scratch.order;
  order.clear();
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (weights[i] >= least || logits[i] == largest) order.push_back(static_cast<Token>(i));
  }
  if (options_.top_k > 0 && static_cast<std::size_t>(options_.top_k) < order.size()) {
    const auto kept = static_cast<std::size_t>(options_.top_k);
    std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept - 1),
                     order.end(), MoreLikely{weights});
    order.resize(kept);
    mass = 0;
    for (const Token token : order) mass += static_cast<double>(weights[token]);
  }
  return mass;
}

Token Sampler::DrawFromFew(std::span<const float> logits, float largest, SamplerScratch& scratch) {
  const auto scale = static_cast<float>(1 / options_.temperature);
  float* const weights = scratch.weights.Get(logits.size());
  double mass = ChosenKernels().exp_shifted(logits.data(), largest, scale, logits.size(), weights);
  const MoreLikely more_likely{weights};
  mass = Candidates(logits, largest, mass, scratch);
  std::vector<Token>& order = scratch.order;
  const auto at = [&order](std::size_t i) {
    return order.begin() + static_cast<std::ptrdiff_t>(i);
  };
  // Sorted piece by piece, as the mass is mostly in few tokens.
  std::size_t sorted = 0, count = 0;
  double sum = 0;
  while (count < order.size() && (count == 0 || sum < options_.top_p * mass)) {
    if (count == sorted) {
      const std::size_t end = std::min(order.size(), std::max<std::size_t>(64, 4 * sorted));
      std::partial_sort(at(sorted), at(end), order.end(), more_likely);
      sorted = end;
    }
    const auto weight = static_cast<double>(weights[order[count]]);
    if (count > 0 && weight < options_.min_p) break;
    sum += weight;
    ++count;
  }
  const double target = rng_.Uniform() * sum;
  double below = 0;
  for (std::size_t i = 0; i < count; ++i) {
    below += static_cast<double>(weights[order[i]]);
    if (below > target) return order[i];
  }
  return order[count - 1];
}

}  // namespace arena::lm
