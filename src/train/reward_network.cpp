#include "train/reward_network.h"

#include <fmt/format.h>

#include "checkpoint/checkpoint.h"
#include "train/learner.h"

namespace arena::train {

Result<RewardNetwork> RewardNetwork::Load(const std::filesystem::path& directory,
                                          lm::Precision precision) {
  ARENA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(directory));
  const ModelConfig& config = checkpoint.config();
  if (config.has_language_head()) {
    return InvalidInput(fmt::format("{}: {} is no reward model; arena train rm makes one",
                                    directory.string(), ArchitectureName(config.architecture)));
  }
  RewardNetwork reward;
  NetworkOptions options;
  options.heads = HeadsOf(config);
  options.precision = precision;
  reward.network_ = std::make_unique<Network<float>>(config, options);
  ARENA_ASSIGN_OR_RETURN(reward.values_, LoadParameters(checkpoint, reward.network_->layout(), 0));
  reward.options_.likelihood_score_weight = config.likelihood_weight;
  reward.options_.log_prob_floor = config.likelihood_floor;
  return reward;
}

std::vector<double> RewardNetwork::Scores(const Pass& pass) {
  const RewardOutputs outputs =
      RewardOutputsOf(pass, values_, options_.UsesLikelihood(), false, *network_);
  std::vector<double> scores;
  for (std::size_t i = 0; i < pass.sequences(); ++i) {
    const std::span<const double> answer = outputs.log_probs.empty()
                                               ? std::span<const double>()
                                               : pass.Of(i, std::span(outputs.log_probs));
    scores.push_back(RewardScore({outputs.heads[i], answer}, options_));
  }
  return scores;
}

}  // namespace arena::train
