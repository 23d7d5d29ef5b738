#include "checkpoint/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace arena {
namespace {

constexpr double kTurn = 2 * std::numbers::pi;

// theta^(-2i/d) for all i < d/2.
std::vector<double> PlainFrequencies(double theta, std::int64_t head_dim) {
  std::vector<double> frequencies(static_cast<std::size_t>(head_dim / 2));
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    frequencies[i] = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(head_dim));
  }
  return frequencies;
}

std::int64_t OriginalContext(const ModelConfig& config) {
  const std::int64_t original = config.rope.original_max_position_embeddings;
  return original > 0 ? original : config.max_position_embeddings;
}

double DynamicTheta(const ModelConfig& config, std::int64_t sequence_length) {
  const auto context = static_cast<double>(config.max_position_embeddings);
  const double length = std::max(static_cast<double>(sequence_length), context);
  const double factor = config.rope.factor;
  const auto dim = static_cast<double>(config.head_dim);
  return config.rope_theta * std::pow(factor * length / context - (factor - 1), dim / (dim - 2));
}

// The (fractional) dimension that makes `turns` full turns within the original context.
double DimensionOfTurns(const ModelConfig& config, double turns) {
  const auto context = static_cast<double>(OriginalContext(config));
  return static_cast<double>(config.head_dim) * std::log(context / (turns * kTurn)) /
         (2 * std::log(config.rope_theta));
}

void StretchYarn(const ModelConfig& config, std::vector<double>& frequencies) {
  double low = DimensionOfTurns(config, config.rope.beta_fast);
  double high = DimensionOfTurns(config, config.rope.beta_slow);
  if (config.rope.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(config.head_dim - 1));
  if (low == high) high += 0.001;  // a step instead of a ramp
  for (std::size_t i = 0; i < frequencies.size(); ++i) {
    const double slow = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= slow / config.rope.factor + (1 - slow);
  }
}

void StretchLlama3(const ModelConfig& config, std::vector<double>& frequencies) {
  const RopeScaling& rope = config.rope;
  const auto context = static_cast<double>(OriginalContext(config));
  for (double& frequency : frequencies) {
    const double wavelength = kTurn / frequency;
    if (wavelength < context / rope.high_freq_factor) continue;
    if (wavelength > context / rope.low_freq_factor) {
      frequency /= rope.factor;
      continue;
    }
    const double keep = (context / wavelength - rope.low_freq_factor) /
                        (rope.high_freq_factor - rope.low_freq_factor);
    frequency *= (1 - keep) / rope.factor + keep;
  }
}

double YarnMagnitude(double factor, double mscale) {
  return factor <= 1 ? 1 : 0.1 * mscale * std::log(factor) + 1;
}

}  // namespace

std::vector<float> RopeInverseFrequencies(const ModelConfig& config, std::int64_t sequence_length) {
  const double theta = config.rope.kind == RopeKind::kDynamic
                           ? DynamicTheta(config, sequence_length)
                           : config.rope_theta;
  std::vector<double> frequencies = PlainFrequencies(theta, config.head_dim);
  switch (config.rope.kind) {
    case RopeKind::kPlain:
    case RopeKind::kDynamic:
      break;
    case RopeKind::kLinear:
      for (double& frequency : frequencies) frequency /= config.rope.factor;
      break;
    case RopeKind::kYarn:
      StretchYarn(config, frequencies);
      break;
    case RopeKind::kLlama3:
      StretchLlama3(config, frequencies);
      break;
  }
  return {frequencies.begin(), frequencies.end()};
}

float RopeAttentionScale(const ModelConfig& config) {
  const RopeScaling& rope = config.rope;
  if (rope.kind != RopeKind::kYarn) return 1;
  if (rope.attention_factor) return static_cast<float>(*rope.attention_factor);
  // A multiplier of 0 counts as none, as it does in transformers.
  if (rope.mscale.value_or(0) != 0 && rope.mscale_all_dim.value_or(0) != 0) {
    return static_cast<float>(YarnMagnitude(rope.factor, *rope.mscale) /
                              YarnMagnitude(rope.factor, *rope.mscale_all_dim));
  }
  return static_cast<float>(YarnMagnitude(rope.factor, 1));
}

}  // namespace arena
