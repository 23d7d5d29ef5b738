#include "train/pass.h"

#include <algorithm>

namespace arena::train {

void Pass::Add(std::span<const lm::Token> tokens, std::span<const std::uint8_t> loss) {
  const std::size_t first = batch.tokens.size();
  batch.Add(tokens);
  for (std::size_t i = 1; i < tokens.size(); ++i) {
    if (loss[i] != 0) predictions.push_back({first + i - 1, tokens[i]});
  }
  prediction_ends.push_back(predictions.size());
}

std::vector<double> LogProbabilitiesOf(const Pass& pass, const std::vector<float>& values,
                                       double temperature, bool for_backward,
                                       Network<float>& network, std::vector<double>* entropies) {
  const std::size_t count = pass.predictions.size();
  std::vector<float> found(count), spread(entropies == nullptr ? 0 : count);
  network.Forward(values.data(), pass.batch, for_backward);
  network.LogProbabilities(pass.predictions, static_cast<float>(temperature), found, spread);
  if (entropies != nullptr) entropies->assign(spread.begin(), spread.end());
  return {found.begin(), found.end()};
}

RewardOutputs RewardOutputsOf(const Pass& pass, const std::vector<float>& values,
                              bool wants_log_probs, bool for_backward, Network<float>& network) {
  RewardOutputs outputs;
  if (wants_log_probs) {
    outputs.log_probs = LogProbabilitiesOf(pass, values, 1, for_backward, network);
  } else {
    network.Forward(values.data(), pass.batch, for_backward);
  }
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < pass.sequences(); ++i) rows.push_back(pass.LastRow(i));
  std::vector<float> heads(rows.size());
  network.Scores(rows, heads);
  outputs.heads.assign(heads.begin(), heads.end());
  return outputs;
}

std::size_t LossTokens(const TokenData& data, std::size_t sequence) {
  const std::span<const std::uint8_t> loss = data.Loss(sequence);
  return static_cast<std::size_t>(std::count(loss.begin(), loss.end(), std::uint8_t{1}));
}

}  // namespace arena::train
