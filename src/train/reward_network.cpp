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
  std::vector<double> log_probs;
  if (options_.UsesLikelihood()) {
    log_probs = LogProbabilitiesOf(pass, values_, 1, false, *network_);
  } else {
    network_->Forward(values_.data(), pass.batch, false);
  }
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < pass.sequences(); ++i) rows.push_back(pass.LastRow(i));
  std::vector<float> heads(rows.size());
  network_->Scores(rows, heads);
  std::vector<double> scores;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const std::span<const double> answer = log_probs.empty()
                                               ? std::span<const double>()
                                               : pass.Of(i, std::span<const double>(log_probs));
    scores.push_back(RewardScore({static_cast<double>(heads[i]), answer}, options_));
  }
  return scores;
}

}  // namespace arena::train
