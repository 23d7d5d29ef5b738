// A finished reward model that scores answers.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "base/result.h"
#include "lm/precision.h"
#include "train/losses.h"
#include "train/network.h"
#include "train/pass.h"

namespace arena::train {

/// The score of an answer is RewardScore (losses.h), with what config.json says of likelihoods.
/// Movable. Not thread-safe.
class RewardNetwork {
 public:
  /// Errors: a directory that is no reward model; those of LoadParameters.
  static Result<RewardNetwork> Load(const std::filesystem::path& directory,
                                    lm::Precision precision);

  const ModelConfig& config() const { return network_->config(); }
  /// The score of each sequence, whose tokens to be learned are the answer's.
  std::vector<double> Scores(const Pass& pass);

 private:
  RewardNetwork() = default;

  std::unique_ptr<Network<float>> network_;
  std::vector<float> values_;
  RewardOptions options_;
};

}  // namespace arena::train
