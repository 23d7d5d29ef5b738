// Proximal policy optimization: sample answers, score them, learn from the scores.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <optional>

#include "base/rng.h"
#include "train/batches.h"
#include "train/experience.h"
#include "train/objective.h"
#include "train/pass.h"
#include "train/ppo_losses.h"
#include "train/ppo_rewards.h"
#include "train/reward_network.h"
#include "train/rollout.h"
#include "train/trainer.h"

namespace arena::train {
namespace {

class PpoTrainer final : public Trainer {
 public:
  static Result<std::unique_ptr<Trainer>> Make(const Job& job, Collective& collective) {
    const PpoSettings& ppo = job.settings.ppo;
    ARENA_RETURN_IF_ERROR(CheckRanks(ppo, collective.world_size()));
    const Heads heads{.language = true, .score = ppo.value_model == "shared"};
    ARENA_ASSIGN_OR_RETURN(Learner policy, Learner::Load(job.model, heads, job.settings));
    ARENA_ASSIGN_OR_RETURN(RewardNetwork reward,
                           RewardNetwork::Load(*job.reward_model, policy.precision()));
    if (reward.config().vocab_size != policy.config().vocab_size) {
      return InvalidInput(fmt::format(
          "{}: the reward model's vocabulary has {} tokens, the policy's {}: they must be the same",
          job.reward_model->string(), reward.config().vocab_size, policy.config().vocab_size));
    }
    std::unique_ptr<PpoTrainer> trainer(
        new PpoTrainer(job, collective, std::move(policy), std::move(reward)));
    ARENA_RETURN_IF_ERROR(trainer->LoadValueModel());
    ARENA_RETURN_IF_ERROR(trainer->LoadData());
    return std::unique_ptr<Trainer>(std::move(trainer));
  }

  std::int64_t steps() const override {
    const Settings& settings = job_.settings;
    return settings.steps > 0 ? settings.steps : settings.epochs * order_->steps_per_epoch();
  }
  std::int64_t examples() const override { return static_cast<std::int64_t>(prompts_.examples()); }
  Learner& learner() override { return policy_; }

  Result<std::vector<Metric>> Step(std::int64_t step) override {
    const auto start = std::chrono::steady_clock::now();
    ARENA_ASSIGN_OR_RETURN(Experience experience, Sample(step));
    Measure(experience);
    Sums scores = SumsOf(experience.rewards);
    ARENA_RETURN_IF_ERROR(ReduceSums(scores));
    if (!std::isfinite(scores.sum)) return NotFinite(step, "a reward", experience.rows);
    ARENA_RETURN_IF_ERROR(NormaliseRewards(scores, experience));
    ARENA_ASSIGN_OR_RETURN(const double kl, Estimate(experience));
    ARENA_ASSIGN_OR_RETURN(const UpdateNumbers numbers, Update(step, experience));
    ARENA_ASSIGN_OR_RETURN(std::vector<Metric> metrics,
                           Summarise(step, experience, scores, kl, numbers));
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    metrics.push_back({"tokens_per_second", tokens_of_step_ / seconds.count()});
    return metrics;
  }

  Result<std::vector<Metric>> Evaluate() override { return std::vector<Metric>(); }

  std::vector<StateFile> StateFiles() override {
    std::vector<StateFile> files = policy_.StateFiles("");
    if (value_) {
      for (StateFile& file : value_->StateFiles("value_")) files.push_back(std::move(file));
    }
    return files;
  }
  void SaveState(TrainingState& state) override {
    state.epoch = state.step / order_->steps_per_epoch();
    state.data_position = state.step % order_->steps_per_epoch() * job_.settings.ppo.rollout_batch;
    state.counters["optimizer_steps"] = policy_.optimizer_steps();
    if (value_) state.counters["value_optimizer_steps"] = value_->optimizer_steps();
    state.numbers["kl_coefficient"] = kl_coefficient_;
    state.numbers["reward_count"] = running_.count;
    state.numbers["reward_sum"] = running_.sum;
    state.numbers["reward_squares"] = running_.squares;
  }
  Status LoadState(const TrainingState& state) override {
    for (const char* name : {"kl_coefficient", "reward_count", "reward_sum", "reward_squares"}) {
      if (!state.numbers.contains(name)) return InvalidInput(fmt::format("{} is missing", name));
    }
    if (!state.counters.contains("optimizer_steps") ||
        (value_ && !state.counters.contains("value_optimizer_steps"))) {
      return InvalidInput("the optimizer's steps are missing");
    }
    policy_.set_optimizer_steps(state.counters.at("optimizer_steps"));
    if (value_) value_->set_optimizer_steps(state.counters.at("value_optimizer_steps"));
    kl_coefficient_ = state.numbers.at("kl_coefficient");
    running_ = {state.numbers.at("reward_count"), state.numbers.at("reward_sum"),
                state.numbers.at("reward_squares")};
    return {};
  }

 private:
  PpoTrainer(const Job& job, Collective& collective, Learner policy, RewardNetwork reward)
      : job_(job),
        collective_(collective),
        policy_(std::move(policy)),
        reference_values_(policy_.values()),
        reward_(std::move(reward)),
        kl_coefficient_(job.settings.ppo.kl_coefficient) {}

  // Every rank must take part in every update.
  static Status CheckRanks(const PpoSettings& ppo, int ranks) {
    for (const auto& [name, value] :
         {std::pair("rollout_batch", ppo.rollout_batch), std::pair("minibatch", ppo.minibatch)}) {
      if (value % ranks != 0) {
        return InvalidInput(
            fmt::format("{}={}: must be a multiple of the {} ranks", name, value, ranks));
      }
    }
    return {};
  }

  // A copy of the reward model's trunk; its head starts at 0.
  Status LoadValueModel() {
    Learner* owner = &policy_;
    if (job_.settings.ppo.value_model == "own") {
      const Heads heads{.language = false, .score = true};
      ARENA_ASSIGN_OR_RETURN(Learner value,
                             Learner::Load(*job_.reward_model, heads, job_.settings));
      value_.emplace(std::move(value));
      owner = &*value_;
    }
    const ParameterRange* head = owner->layout().Find("score.weight");
    std::fill_n(owner->values().begin() + static_cast<std::ptrdiff_t>(head->begin), head->size,
                0.0F);
    return {};
  }

  Status LoadData() {
    ARENA_ASSIGN_OR_RETURN(prompts_, ReadTokenData(job_.data));
    ARENA_RETURN_IF_ERROR(CheckFits(prompts_, job_.data, policy_.config()));
    if (prompts_.has_pairs()) {
      return InvalidInput(fmt::format("{}: ppo learns from prompts", job_.data.string()));
    }
    const auto batch = static_cast<std::size_t>(job_.settings.ppo.rollout_batch);
    if (prompts_.examples() < batch) {
      return InvalidInput(fmt::format("{}: {} prompts, fewer than rollout_batch={}",
                                      job_.data.string(), prompts_.examples(), batch));
    }
    order_.emplace(prompts_.examples(), batch, job_.settings.seed);
    if (!job_.ptx_data) return {};
    ARENA_ASSIGN_OR_RETURN(ptx_data_, ReadTokenData(*job_.ptx_data));
    ARENA_RETURN_IF_ERROR(CheckFits(ptx_data_, *job_.ptx_data, policy_.config()));
    ptx_ = MakeSftObjective(ptx_data_);
    ptx_order_.emplace(ptx_data_.examples(), static_cast<std::size_t>(job_.settings.ppo.minibatch),
                       job_.settings.seed + 1);
    return {};
  }

  Result<Experience> Sample(std::int64_t step) {
    const PpoSettings& ppo = job_.settings.ppo;
    const auto samples = static_cast<std::size_t>(ppo.samples_per_prompt);
    const std::vector<std::size_t> mine =
        ShareOf(order_->Batch(step), collective_.rank(), collective_.world_size());
    std::vector<RolloutRequest> requests;
    for (const std::size_t prompt : mine) {
      // A stream of its own for each prompt of each step.
      Rng seeds(job_.settings.seed,
                static_cast<std::uint64_t>(step + 1) * prompts_.examples() + prompt);
      for (std::size_t k = 0; k < samples; ++k)
        requests.push_back({prompts_.Sequence(prompt), seeds()});
    }
    ARENA_ASSIGN_OR_RETURN(
        const std::vector<SampledAnswer> answers,
        SampleAnswers(policy_.config(), policy_.layout(), policy_.MergedValues(), requests,
                      {.temperature = ppo.temperature,
                       .max_new_tokens = ppo.max_new_tokens,
                       .precision = policy_.precision()}));
    Experience experience;
    std::int64_t end = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      auto& tokens =
          experience.sequences.emplace_back(requests[i].prompt.begin(), requests[i].prompt.end());
      auto& loss = experience.loss.emplace_back(tokens.size(), std::uint8_t{0});
      tokens.insert(tokens.end(), answers[i].tokens.begin(), answers[i].tokens.end());
      loss.resize(tokens.size(), 1);
      end += static_cast<std::int64_t>(answers[i].tokens.size());
      experience.ends.push_back(end);
      experience.ended.push_back(answers[i].ended ? 1 : 0);
      experience.rows.push_back(prompts_.rows[mine[i / samples]]);
    }
    return experience;
  }

  template <typename Use>
  void ForEachPassOf(const Experience& experience, std::span<const std::size_t> answers,
                     Use&& use) {
    ForEachPass(
        answers, PassTokens(job_.settings, policy_.config()),
        [&](std::size_t answer) { return experience.sequences[answer].size(); },
        [&](std::span<const std::size_t> chosen) {
          Pass pass;
          for (const std::size_t answer : chosen)
            pass.Add(experience.sequences[answer], experience.loss[answer]);
          use(pass, chosen);
        });
  }

  // The value of the state before each token: at the row that predicts it.
  std::vector<double> ValuesOf(const Pass& pass, bool for_backward) {
    Learner& owner = value_ ? *value_ : policy_;
    if (value_) owner.network().Forward(owner.values().data(), pass.batch, for_backward);
    std::vector<std::size_t> rows;
    for (const Prediction& prediction : pass.predictions) rows.push_back(prediction.row);
    std::vector<float> scores(rows.size());
    owner.network().Scores(rows, scores);
    return {scores.begin(), scores.end()};
  }

  // What all models say of the answers, under the distribution that they were drawn from.
  void Measure(Experience& experience) {
    std::vector<std::size_t> all(experience.answers());
    std::iota(all.begin(), all.end(), std::size_t{0});
    const double temperature = job_.settings.ppo.temperature;
    const auto append = [](const std::vector<double>& from, std::vector<double>& to) {
      to.insert(to.end(), from.begin(), from.end());
    };
    ForEachPassOf(experience, all, [&](const Pass& pass, std::span<const std::size_t>) {
      append(LogProbabilitiesOf(pass, reference_values_, temperature, false, policy_.network()),
             experience.reference_log_probs);
      std::vector<double> entropies;
      append(LogProbabilitiesOf(pass, policy_.values(), temperature, false, policy_.network(),
                                &entropies),
             experience.old_log_probs);
      append(entropies, experience.entropies);
      append(ValuesOf(pass, false), experience.values);
      append(reward_.Scores(pass), experience.rewards);
    });
  }

  Status ReduceSums(Sums& sums) {
    double numbers[] = {sums.count, sums.sum, sums.squares};
    ARENA_RETURN_IF_ERROR(collective_.AllReduceSum(std::span<double>(numbers)));
    sums = {numbers[0], numbers[1], numbers[2]};
    return {};
  }

  Status NormaliseRewards(const Sums& scores, Experience& experience) {
    const PpoSettings& ppo = job_.settings.ppo;
    if (ppo.reward_normalisation == "running") {
      running_.Add(scores);
      Standardise(running_, experience.rewards);
    } else if (ppo.reward_normalisation == "batch") {
      if (ppo.samples_per_prompt > 1) {
        ARENA_RETURN_IF_ERROR(
            CentrePerPrompt(static_cast<std::size_t>(ppo.samples_per_prompt), experience.rewards));
      }
      Sums sums = SumsOf(experience.rewards);
      ARENA_RETURN_IF_ERROR(ReduceSums(sums));
      Standardise(sums, experience.rewards);
    }
    ClipRewards(ppo.reward_clip, experience.rewards);
    return PenaliseUnended(experience.ended, ppo.missing_eos_penalty, experience.rewards);
  }

  // Advantages and returns; returns the mean KL of an answer to the reference, over all ranks.
  Result<double> Estimate(Experience& experience) {
    const std::size_t tokens = experience.old_log_probs.size();
    std::vector<double> token_rewards(tokens);
    ARENA_ASSIGN_OR_RETURN(
        const double kl_sum,
        TokenRewards(experience.rewards, experience.old_log_probs, experience.reference_log_probs,
                     experience.ends, kl_coefficient_, token_rewards));
    experience.advantages.resize(tokens);
    experience.returns.resize(tokens);
    ARENA_RETURN_IF_ERROR(EstimateAdvantages(token_rewards, experience.values, experience.ends,
                                             job_.settings.ppo.gae, experience.advantages,
                                             experience.returns));
    Sums advantages = SumsOf(experience.advantages);
    ARENA_RETURN_IF_ERROR(ReduceSums(advantages));
    Standardise(advantages, experience.advantages);
    double sums[] = {kl_sum, static_cast<double>(experience.answers()),
                     static_cast<double>(tokens)};
    ARENA_RETURN_IF_ERROR(collective_.AllReduceSum(std::span<double>(sums)));
    tokens_of_step_ = sums[2];
    return sums[0] / sums[1];
  }

  double RateFactor(std::int64_t step) const {
    const Settings& settings = job_.settings;
    return ScheduleFactor({.shape = settings.schedule,
                           .warmup_steps = settings.warmup_steps,
                           .total_steps = steps(),
                           .final_factor = settings.final_factor},
                          step);
  }

  Result<UpdateNumbers> Update(std::int64_t step, const Experience& experience) {
    const PpoSettings& ppo = job_.settings.ppo;
    const auto mine = static_cast<std::size_t>(ppo.minibatch /
                                               static_cast<std::int64_t>(collective_.world_size()));
    // Every rank has as many answers, and so as many updates.
    const std::size_t updates = (experience.answers() + mine - 1) / mine;
    UpdateNumbers numbers;
    for (std::int64_t epoch = 0; epoch < ppo.ppo_epochs && !numbers.stopped; ++epoch) {
      const auto pass_number = static_cast<std::uint64_t>(step * ppo.ppo_epochs + epoch);
      BatchOrder order(experience.answers(), mine, job_.settings.seed + pass_number + 2);
      for (std::size_t i = 0; i < updates && !numbers.stopped; ++i) {
        const auto number = static_cast<std::int64_t>(pass_number * updates + i);
        const std::vector<std::size_t> answers = order.Batch(static_cast<std::int64_t>(i));
        ARENA_RETURN_IF_ERROR(UpdateOnce(step, number, answers, experience, numbers));
      }
    }
    return numbers;
  }

  Status UpdateOnce(std::int64_t step, std::int64_t number, std::span<const std::size_t> answers,
                    const Experience& experience, UpdateNumbers& numbers) {
    const PpoSettings& ppo = job_.settings.ppo;
    policy_.ZeroGradients();
    if (value_) value_->ZeroGradients();
    double tokens = 0;
    for (const std::size_t answer : answers)
      tokens += static_cast<double>(experience.ends[answer]) -
                static_cast<double>(experience.Begin(answer));
    ARENA_RETURN_IF_ERROR(collective_.AllReduceSum(std::span<double>(&tokens, 1)));
    const auto batch_tokens = static_cast<std::int64_t>(tokens);

    std::vector<double> shares(kShares);
    double ratio_error = 0;
    Status status;
    ForEachPassOf(experience, answers, [&](const Pass& pass, std::span<const std::size_t> chosen) {
      if (status.ok()) {
        status = Learn(pass, chosen, experience, batch_tokens, shares, ratio_error);
      }
    });
    if (status.ok() && ptx_) status = LearnPtx(number, shares);
    if (!status.ok()) shares.assign(kShares, std::nan(""));
    ARENA_RETURN_IF_ERROR(collective_.AllReduceSum(std::span<double>(shares)));
    const double loss = shares[kPolicyLoss] + shares[kValueLoss] + shares[kPtxLoss];
    if (!std::isfinite(loss)) return NotFinite(step, "the loss", experience.rows);
    if (numbers.updates == 0) numbers.first_ratio_error = ratio_error;
    if (ppo.max_kl > 0 && shares[kK3] > ppo.max_kl) {
      numbers.stopped = true;
      return {};
    }
    const double factor = RateFactor(step);
    ARENA_ASSIGN_OR_RETURN(const double norm,
                           policy_.Step(job_.settings.learning_rate * factor,
                                        job_.settings.max_grad_norm, collective_));
    if (!std::isfinite(norm)) return NotFinite(step, "the gradient", experience.rows);
    ARENA_RETURN_IF_ERROR(StepValueModel(step, factor, experience));
    numbers.updates += 1;
    numbers.policy_loss += shares[kPolicyLoss];
    numbers.clip_fraction += shares[kClipped];
    numbers.kl_k1 += shares[kK1];
    numbers.kl_k3 += shares[kK3];
    numbers.value_loss += shares[kValueLoss];
    numbers.ptx_loss += shares[kPtxLoss];
    numbers.grad_norm += norm;
    return {};
  }

  Status StepValueModel(std::int64_t step, double factor, const Experience& experience) {
    if (!value_) return {};
    const Settings& settings = job_.settings;
    const double rate = settings.ppo.value_learning_rate > 0 ? settings.ppo.value_learning_rate
                                                             : settings.learning_rate;
    ARENA_ASSIGN_OR_RETURN(const double norm,
                           value_->Step(rate * factor, settings.max_grad_norm, collective_));
    if (!std::isfinite(norm)) {
      return NotFinite(step, "the value model's gradient", experience.rows);
    }
    return {};
  }

  // Policy and values of one pass.
  Status Learn(const Pass& pass, std::span<const std::size_t> chosen, const Experience& experience,
               std::int64_t batch_tokens, std::vector<double>& shares, double& ratio_error) {
    const PpoSettings& ppo = job_.settings.ppo;
    const std::vector<double> log_probs =
        LogProbabilitiesOf(pass, policy_.values(), ppo.temperature, true, policy_.network());
    const std::vector<double> old = experience.Of(chosen, experience.old_log_probs);
    for (std::size_t i = 0; i < old.size(); ++i)
      ratio_error = std::max(ratio_error, std::abs(std::exp(log_probs[i] - old[i]) - 1));
    std::vector<double> dlog_probs(log_probs.size()), dvalues(log_probs.size());
    ARENA_ASSIGN_OR_RETURN(const PolicyShare policy,
                           PolicyLoss(log_probs, old, experience.Of(chosen, experience.advantages),
                                      ppo.clip, batch_tokens, dlog_probs));
    const std::vector<double> values = ValuesOf(pass, true);
    ARENA_ASSIGN_OR_RETURN(const ValueShare value,
                           ValueLoss(values, experience.Of(chosen, experience.values),
                                     experience.Of(chosen, experience.returns), ppo.value_clip,
                                     batch_tokens, dvalues));
    shares[kPolicyLoss] += policy.loss;
    shares[kClipped] += policy.clip_fraction;
    shares[kK1] += policy.kl_k1;
    shares[kK3] += policy.kl_k3;
    shares[kValueLoss] += value.loss;
    std::vector<float> of_tokens(dlog_probs.begin(), dlog_probs.end());
    for (float& d : of_tokens) d *= static_cast<float>(ppo.policy_weight);
    std::vector<float> of_values(dvalues.begin(), dvalues.end());
    if (value_) {
      policy_.network().Backward(of_tokens, {}, policy_.gradients().data());
      value_->network().Backward({}, of_values, value_->gradients().data());
    } else {
      for (float& d : of_values) d *= static_cast<float>(ppo.value_weight);
      policy_.network().Backward(of_tokens, of_values, policy_.gradients().data());
    }
    return {};
  }

  // The fine-tuning term, a minibatch of its own data, times its weight.
  Status LearnPtx(std::int64_t number, std::vector<double>& shares) {
    const std::vector<std::size_t> batch = ptx_order_->Batch(number);
    ptx_->SetBatch(batch);
    std::vector<float>& gradients = policy_.gradients();
    std::vector<float> own(gradients.size());
    Status status;
    ForEachPass(
        ShareOf(batch, collective_.rank(), collective_.world_size()),
        PassTokens(job_.settings, policy_.config()),
        [&](std::size_t example) { return ptx_->Tokens(example); },
        [&](std::span<const std::size_t> examples) {
          if (!status.ok()) return;
          status =
              ptx_->Learn(examples, policy_, own.data(), std::span(shares).subspan(kPtxLoss, 1));
        });
    const auto weight = static_cast<float>(job_.settings.ppo.ptx_weight);
    for (std::size_t i = 0; i < own.size(); ++i) gradients[i] += weight * own[i];
    return status;
  }

  // Numbers of the step over all ranks; adapts the KL coefficient.
  Result<std::vector<Metric>> Summarise(std::int64_t step, const Experience& experience,
                                        const Sums& scores, double kl,
                                        const UpdateNumbers& numbers) {
    std::vector<double> residuals(experience.returns.size());
    for (std::size_t i = 0; i < residuals.size(); ++i)
      residuals[i] = experience.returns[i] - experience.values[i];
    Sums returns = SumsOf(experience.returns), left = SumsOf(residuals);
    Sums entropies = SumsOf(experience.entropies);
    Sums ended = SumsOf(std::vector<double>(experience.ended.begin(), experience.ended.end()));
    for (Sums* sums : {&returns, &left, &entropies, &ended}) {
      ARENA_RETURN_IF_ERROR(ReduceSums(*sums));
    }
    const double updates = std::max(1.0, numbers.updates);
    std::vector<Metric> metrics = {
        {"loss", numbers.policy_loss / updates},
        {"reward", scores.Mean()},
        {"reward_deviation", std::sqrt(scores.Variance())},
        {"kl", kl},
        {"kl_coefficient", kl_coefficient_},
        {"entropy", entropies.Mean()},
        {"clip_fraction", numbers.clip_fraction / updates},
        {"update_kl_k1", numbers.kl_k1 / updates},
        {"update_kl_k3", numbers.kl_k3 / updates},
        {"value_loss", numbers.value_loss / updates},
        {"explained_variance", ExplainedVariance(returns, left).value_or(0)},
        {"ended", ended.Mean()},
        {"answer_tokens", entropies.count / std::max(1.0, scores.count)},
        {"first_ratio_error", numbers.first_ratio_error},
        {"updates", numbers.updates},
        {"grad_norm", numbers.grad_norm / updates},
        {"learning_rate", job_.settings.learning_rate * RateFactor(step)}};
    if (ptx_) metrics.push_back({"ptx_loss", numbers.ptx_loss / updates});
    const AdaptiveKl& adaptive = job_.settings.ppo.adaptive_kl;
    if (adaptive.target > 0) {
      ARENA_ASSIGN_OR_RETURN(kl_coefficient_,
                             NextKlCoefficient(kl_coefficient_, kl,
                                               static_cast<std::int64_t>(scores.count), adaptive));
    }
    return metrics;
  }

  const Job& job_;
  Collective& collective_;
  Learner policy_;
  const std::vector<float> reference_values_;
  std::optional<Learner> value_;  // none: the policy has a second head
  RewardNetwork reward_;
  TokenData prompts_;
  std::optional<BatchOrder> order_;
  TokenData ptx_data_;
  std::unique_ptr<Objective> ptx_;
  std::optional<BatchOrder> ptx_order_;
  double kl_coefficient_;
  Sums running_;  // of all scores so far
  double tokens_of_step_ = 0;
};

}  // namespace

Result<std::unique_ptr<Trainer>> MakePpoTrainer(const Job& job, Collective& collective) {
  return PpoTrainer::Make(job, collective);
}

}  // namespace arena::train
