#include "train/objective.h"

#include <array>
#include <numeric>

#include "train/batches.h"
#include "train/pass.h"

namespace arena::train {
namespace {

double Sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

class SftObjective final : public Objective {
 public:
  explicit SftObjective(const TokenData& data) : data_(data) {}

  std::span<const std::string_view> names() const override { return kNames; }
  std::size_t examples() const override { return data_.examples(); }
  std::size_t Tokens(std::size_t example) const override { return data_.Sequence(example).size(); }
  std::int64_t Row(std::size_t example) const override { return data_.rows[example]; }

  void SetBatch(std::span<const std::size_t> batch) override {
    batch_tokens_ = 0;
    for (const std::size_t example : batch)
      batch_tokens_ += static_cast<std::int64_t>(LossTokens(data_, example));
  }

  Status Learn(std::span<const std::size_t> examples, Learner& learner, float* gradients,
               std::span<double> shares) override {
    ARENA_ASSIGN_OR_RETURN(const double coefficient, SftCoefficient(batch_tokens_));
    Pass pass;
    for (const std::size_t example : examples)
      pass.Add(data_.Sequence(example), data_.Loss(example));
    const bool is_training = gradients != nullptr;
    const std::vector<double> log_probs =
        LogProbabilitiesOf(pass, learner.values(), 1, is_training, learner.network());
    shares[0] += coefficient * Sum(log_probs);
    if (!is_training) return {};
    const std::vector<float> derivatives(log_probs.size(), static_cast<float>(coefficient));
    learner.network().Backward(derivatives, {}, gradients);
    return {};
  }

 private:
  static constexpr std::array<std::string_view, 1> kNames = {"loss"};

  const TokenData& data_;
  std::int64_t batch_tokens_ = 0;
};

// What DPO and reward models share: an example is two sequences.
class PairObjective : public Objective {
 public:
  explicit PairObjective(const TokenData& data) : data_(data) {}

  std::span<const std::string_view> names() const override { return kNames; }
  std::size_t examples() const override { return data_.examples(); }
  std::size_t Tokens(std::size_t example) const override {
    return data_.Sequence(2 * example).size() + data_.Sequence(2 * example + 1).size();
  }
  std::int64_t Row(std::size_t example) const override { return data_.rows[example]; }

  void SetBatch(std::span<const std::size_t> batch) override {
    counts_ = {.pairs = static_cast<std::int64_t>(batch.size())};
    for (const std::size_t example : batch)
      counts_.chosen_tokens += static_cast<std::int64_t>(LossTokens(data_, 2 * example));
  }

 protected:
  Pass MakePass(std::span<const std::size_t> examples) const {
    Pass pass;
    for (const std::size_t example : examples) {
      for (const std::size_t sequence : {2 * example, 2 * example + 1})
        pass.Add(data_.Sequence(sequence), data_.Loss(sequence));
    }
    return pass;
  }
  void AddShares(const PreferenceShare& share, std::span<double> shares) const {
    const auto pairs = static_cast<double>(counts_.pairs);
    shares[0] += share.loss;
    shares[1] += share.correct / pairs;
    shares[2] += share.margin / pairs;
    shares[3] += share.chosen_reward / pairs;
    shares[4] += share.rejected_reward / pairs;
    shares[5] += share.likelihood_loss;
  }

  const TokenData& data_;
  PreferenceCounts counts_;

 private:
  static constexpr std::array<std::string_view, 6> kNames = {
      "loss", "accuracy", "margin", "chosen_reward", "rejected_reward", "likelihood_loss"};
};

class DpoObjective final : public PairObjective {
 public:
  DpoObjective(const TokenData& data, const DpoOptions& options, std::vector<double> reference)
      : PairObjective(data), options_(options), reference_(std::move(reference)) {}

  Status Learn(std::span<const std::size_t> examples, Learner& learner, float* gradients,
               std::span<double> shares) override {
    const Pass pass = MakePass(examples);
    const bool is_training = gradients != nullptr;
    const std::vector<double> log_probs =
        LogProbabilitiesOf(pass, learner.values(), 1, is_training, learner.network());
    std::vector<DpoPair> pairs;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const auto answer = [&](std::size_t side) {
        const std::span<const double> tokens = pass.Of(2 * i + side, std::span(log_probs));
        return AnswerLogProb{Sum(tokens), reference_[2 * examples[i] + side],
                             static_cast<std::int64_t>(tokens.size())};
      };
      pairs.push_back({answer(0), answer(1)});
    }
    std::vector<DpoGradient> derivatives(pairs.size());
    ARENA_ASSIGN_OR_RETURN(const PreferenceShare share,
                           DpoLoss(pairs, counts_, options_, derivatives));
    AddShares(share, shares);
    if (!is_training) return {};
    std::vector<float> of_tokens(log_probs.size());
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      for (float& d : pass.Of(2 * i, std::span(of_tokens)))
        d = static_cast<float>(derivatives[i].chosen);
      for (float& d : pass.Of(2 * i + 1, std::span(of_tokens)))
        d = static_cast<float>(derivatives[i].rejected);
    }
    learner.network().Backward(of_tokens, {}, gradients);
    return {};
  }

 private:
  DpoOptions options_;
  std::vector<double> reference_;
};

class RewardObjective final : public PairObjective {
 public:
  RewardObjective(const TokenData& data, const RewardOptions& options)
      : PairObjective(data), options_(options) {}

  Status Learn(std::span<const std::size_t> examples, Learner& learner, float* gradients,
               std::span<double> shares) override {
    Pass pass = MakePass(examples);
    if (!options_.UsesLikelihood()) {
      pass.predictions.clear();
      pass.prediction_ends.assign(pass.sequences(), 0);
    }
    const bool is_training = gradients != nullptr;
    const RewardOutputs outputs = RewardOutputsOf(pass, learner.values(), options_.UsesLikelihood(),
                                                  is_training, learner.network());

    std::vector<RewardPair> pairs;
    std::vector<double> of_tokens(outputs.log_probs.size());
    std::vector<RewardGradient> derivatives;
    for (std::size_t i = 0; i < examples.size(); ++i) {
      const auto answer = [&](std::size_t at) {
        return RewardAnswer{outputs.heads[at], pass.Of(at, std::span(outputs.log_probs))};
      };
      const auto gradient = [&](std::size_t at) {
        return RewardAnswerGradient{0, pass.Of(at, std::span(of_tokens))};
      };
      pairs.push_back(
          {answer(2 * i), answer(2 * i + 1), static_cast<double>(data_.margins[examples[i]])});
      derivatives.push_back({gradient(2 * i), gradient(2 * i + 1)});
    }
    ARENA_ASSIGN_OR_RETURN(const PreferenceShare share,
                           RewardLoss(pairs, counts_, options_, derivatives));
    AddShares(share, shares);
    if (!is_training) return {};
    std::vector<float> of_scores;
    for (const RewardGradient& gradient : derivatives) {
      of_scores.push_back(static_cast<float>(gradient.chosen.head));
      of_scores.push_back(static_cast<float>(gradient.rejected.head));
    }
    const std::vector<float> rounded(of_tokens.begin(), of_tokens.end());
    learner.network().Backward(rounded, of_scores, gradients);
    return {};
  }

 private:
  RewardOptions options_;
};

}  // namespace

std::unique_ptr<Objective> MakeSftObjective(const TokenData& data) {
  return std::make_unique<SftObjective>(data);
}

std::unique_ptr<Objective> MakeDpoObjective(const TokenData& data, const DpoOptions& options,
                                            std::vector<double> reference) {
  return std::make_unique<DpoObjective>(data, options, std::move(reference));
}

std::unique_ptr<Objective> MakeRewardObjective(const TokenData& data,
                                               const RewardOptions& options) {
  return std::make_unique<RewardObjective>(data, options);
}

Result<std::vector<double>> ReferenceLogProbabilities(const TokenData& data,
                                                      std::size_t most_tokens, Learner& learner,
                                                      Collective& collective) {
  std::vector<std::size_t> all(data.sequences());
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::vector<double> sums(data.sequences());
  ForEachPass(
      ShareOf(all, collective.rank(), collective.world_size()), most_tokens,
      [&](std::size_t sequence) { return data.Sequence(sequence).size(); },
      [&](std::span<const std::size_t> sequences) {
        Pass pass;
        for (const std::size_t sequence : sequences)
          pass.Add(data.Sequence(sequence), data.Loss(sequence));
        const std::vector<double> log_probs =
            LogProbabilitiesOf(pass, learner.values(), 1, false, learner.network());
        for (std::size_t i = 0; i < sequences.size(); ++i)
          sums[sequences[i]] = Sum(pass.Of(i, std::span(log_probs)));
      });
  ARENA_RETURN_IF_ERROR(collective.AllReduceSum(std::span<double>(sums)));
  return sums;
}

}  // namespace arena::train
