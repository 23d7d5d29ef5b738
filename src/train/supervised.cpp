// SFT, DPO and reward models: steps over a fixed set of examples.
#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <optional>

#include "train/batches.h"
#include "train/objective.h"
#include "train/trainer.h"

namespace arena::train {
namespace {

// Data with what is learned from them.
struct Examples {
  TokenData data;
  std::unique_ptr<Objective> objective;
};

class SupervisedTrainer final : public Trainer {
 public:
  static Result<std::unique_ptr<Trainer>> Make(const Job& job, Collective& collective) {
    const bool is_reward = job.trainer == TrainerKind::kRewardModel;
    const Heads heads{.language = !is_reward || job.settings.reward.UsesLikelihood(),
                      .score = is_reward};
    ARENA_ASSIGN_OR_RETURN(Learner learner, Learner::Load(job.model, heads, job.settings));
    if (is_reward) ARENA_RETURN_IF_ERROR(CheckRewardArchitecture(learner.config()));
    std::unique_ptr<SupervisedTrainer> trainer(
        new SupervisedTrainer(job, collective, std::move(learner)));
    ARENA_ASSIGN_OR_RETURN(trainer->training_, trainer->Read(job.data));
    if (job.eval_data) {
      ARENA_ASSIGN_OR_RETURN(trainer->evaluation_, trainer->Read(*job.eval_data));
    }
    trainer->order_.emplace(trainer->training_->objective->examples(),
                            static_cast<std::size_t>(job.settings.batch_size), job.settings.seed);
    return std::unique_ptr<Trainer>(std::move(trainer));
  }

  std::int64_t steps() const override {
    const Settings& settings = job_.settings;
    return settings.steps > 0 ? settings.steps : settings.epochs * order_->steps_per_epoch();
  }
  std::int64_t examples() const override {
    return static_cast<std::int64_t>(training_->objective->examples());
  }
  Learner& learner() override { return learner_; }

  Result<std::vector<Metric>> Step(std::int64_t step) override {
    const auto start = std::chrono::steady_clock::now();
    const Settings& settings = job_.settings;
    const std::vector<std::size_t> batch = order_->Batch(step);
    learner_.ZeroGradients();
    ARENA_ASSIGN_OR_RETURN(const std::vector<double> sums,
                           Run(*training_->objective, batch, learner_.gradients().data()));
    std::int64_t tokens = 0;
    std::vector<std::int64_t> rows;
    for (const std::size_t example : batch) {
      tokens += static_cast<std::int64_t>(training_->objective->Tokens(example));
      rows.push_back(training_->objective->Row(example));
    }
    if (!std::isfinite(sums[0])) return NotFinite(step, "the loss", rows);
    const double rate =
        settings.learning_rate * ScheduleFactor({.shape = settings.schedule,
                                                 .warmup_steps = settings.warmup_steps,
                                                 .total_steps = steps(),
                                                 .final_factor = settings.final_factor},
                                                step);
    ARENA_ASSIGN_OR_RETURN(const double norm,
                           learner_.Step(rate, settings.max_grad_norm, collective_));
    if (!std::isfinite(norm)) return NotFinite(step, "the gradient", rows);
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::vector<Metric> metrics = Named(*training_->objective, sums);
    metrics.push_back({"learning_rate", rate});
    metrics.push_back({"grad_norm", norm});
    metrics.push_back(
        {"epoch", static_cast<double>(step + 1) / static_cast<double>(order_->steps_per_epoch())});
    metrics.push_back({"tokens_per_second", static_cast<double>(tokens) / seconds.count()});
    return metrics;
  }

  Result<std::vector<Metric>> Evaluate() override {
    if (!evaluation_) return std::vector<Metric>();
    Objective& objective = *evaluation_->objective;
    std::vector<std::size_t> all(objective.examples());
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
    ARENA_ASSIGN_OR_RETURN(const std::vector<double> sums, Run(objective, all, nullptr));
    return Named(objective, sums);
  }

  std::vector<StateFile> StateFiles() override { return learner_.StateFiles(""); }
  void SaveState(TrainingState& state) override {
    state.epoch = state.step / order_->steps_per_epoch();
    state.data_position = state.step % order_->steps_per_epoch() * job_.settings.batch_size;
    state.counters["optimizer_steps"] = learner_.optimizer_steps();
  }
  Status LoadState(const TrainingState& state) override {
    const auto found = state.counters.find("optimizer_steps");
    if (found == state.counters.end()) return InvalidInput("optimizer_steps is missing");
    learner_.set_optimizer_steps(found->second);
    return {};
  }

 private:
  SupervisedTrainer(const Job& job, Collective& collective, Learner learner)
      : job_(job), collective_(collective), learner_(std::move(learner)) {}

  static Status CheckRewardArchitecture(const ModelConfig& config) {
    if (config.architecture == Architecture::kLlama || !config.has_language_head()) return {};
    return InvalidInput(
        fmt::format("a reward model is saved as LlamaForSequenceClassification: its base must be "
                    "a Llama, not {}",
                    ArchitectureName(config.architecture)));
  }

  Result<std::unique_ptr<Examples>> Read(const std::filesystem::path& path) {
    auto examples = std::make_unique<Examples>();
    ARENA_ASSIGN_OR_RETURN(examples->data, ReadTokenData(path));
    ARENA_RETURN_IF_ERROR(CheckFits(examples->data, path, learner_.config()));
    const bool wants_pairs = job_.trainer != TrainerKind::kSft;
    if (examples->data.has_pairs() != wants_pairs) {
      return InvalidInput(fmt::format("{}: {} learns from {}", path.string(),
                                      TrainerName(job_.trainer),
                                      wants_pairs ? "preferences" : "demonstrations"));
    }
    switch (job_.trainer) {
      case TrainerKind::kDpo: {
        ARENA_ASSIGN_OR_RETURN(
            std::vector<double> reference,
            ReferenceLogProbabilities(examples->data, PassTokens(job_.settings, learner_.config()),
                                      learner_, collective_));
        examples->objective =
            MakeDpoObjective(examples->data, job_.settings.dpo, std::move(reference));
        break;
      }
      case TrainerKind::kRewardModel:
        examples->objective = MakeRewardObjective(examples->data, job_.settings.reward);
        break;
      default:
        examples->objective = MakeSftObjective(examples->data);
    }
    return examples;
  }

  // The passes of this rank, summed over all ranks.
  Result<std::vector<double>> Run(Objective& objective, const std::vector<std::size_t>& batch,
                                  float* gradients) {
    objective.SetBatch(batch);
    std::vector<double> sums(objective.names().size());
    Status status;
    ForEachPass(
        ShareOf(batch, collective_.rank(), collective_.world_size()),
        PassTokens(job_.settings, learner_.config()),
        [&](std::size_t example) { return objective.Tokens(example); },
        [&](std::span<const std::size_t> examples) {
          if (status.ok()) status = objective.Learn(examples, learner_, gradients, sums);
        });
    // What this rank cannot compute is NaN for all.
    if (!status.ok()) sums.assign(sums.size(), std::nan(""));
    ARENA_RETURN_IF_ERROR(collective_.AllReduceSum(std::span<double>(sums)));
    return sums;
  }

  static std::vector<Metric> Named(const Objective& objective, const std::vector<double>& sums) {
    std::vector<Metric> metrics;
    for (std::size_t i = 0; i < sums.size(); ++i)
      metrics.push_back({objective.names()[i], sums[i]});
    return metrics;
  }

  const Job& job_;
  Collective& collective_;
  Learner learner_;
  std::unique_ptr<Examples> training_;
  std::unique_ptr<Examples> evaluation_;
  std::optional<BatchOrder> order_;
};

}  // namespace

Result<std::unique_ptr<Trainer>> MakeSupervisedTrainer(const Job& job, Collective& collective) {
  return SupervisedTrainer::Make(job, collective);
}

}  // namespace arena::train
