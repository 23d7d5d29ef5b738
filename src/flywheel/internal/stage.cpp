#include "flywheel/internal/stage.h"

#include <fmt/format.h>

#include <functional>
#include <unordered_set>
#include <utility>

#include "flywheel/internal/evaluation.h"
#include "flywheel/internal/ifd_scores.h"
#include "flywheel/internal/lineage_file.h"
#include "flywheel/internal/model_files.h"
#include "flywheel/internal/replay.h"
#include "flywheel/internal/setup.h"
#include "flywheel/internal/shard_battles.h"
#include "flywheel/selection.h"

namespace arena::flywheel_internal {
namespace {

namespace fs = std::filesystem;

constexpr char kGeneralist[] = "generalist";
constexpr double kRolloutBatch = 128;  // the trainer's default

class Stage {
 public:
  Stage(RunContext& context, std::size_t index, StateFile& state)
      : context_(context),
        settings_(context.settings),
        folder_(context.folder),
        index_(index),
        plan_(context.stages[index]),
        parent_(context.target),
        state_(state) {}

  Result<bool> Run() {
    if (plan_.kind != StageKind::kStart) {
      ARENA_RETURN_IF_ERROR(RunPart("battle", [this] { return PlayBattles(); }));
      ARENA_RETURN_IF_ERROR(RunPart("select", [this] { return SelectData(); }));
    }
    if (plan_.kind == StageKind::kPpo) {
      ARENA_RETURN_IF_ERROR(RunPart("reward model", [this] { return TrainRewardModel(); }));
    }
    ARENA_RETURN_IF_ERROR(RunPart("train", [this] { return TrainCheckpoint(plan_.name, What()); }));
    if (IsNew() && has_pairs() && settings_.controls) {
      ARENA_RETURN_IF_ERROR(RunPart(
          "train control", [this] { return TrainCheckpoint(ControlName(), What() + " control"); }));
      ARENA_RETURN_IF_ERROR(Enter("evaluate control", ControlName()));
    }
    if (!IsNew()) {
      ARENA_RETURN_IF_ERROR(RunPart("evaluate", [this] { return EvaluationBefore(); }));
      return true;
    }
    ARENA_RETURN_IF_ERROR(Enter("evaluate", plan_.name));
    const bool fell = state_.Facts("evaluate").value("fell", false);
    const bool is_kept = !fell || settings_.on_regression != RegressionRule::kRollBack;
    if (is_kept) context_.target = plan_.name;
    return !fell || settings_.on_regression != RegressionRule::kStop;
  }

 private:
  bool has_pairs() const { return plan_.kind == StageKind::kDpo || plan_.kind == StageKind::kPpo; }
  // The first stage is evaluated in any case: nothing is known of its checkpoint before.
  bool IsNew() const {
    return plan_.kind == StageKind::kStart || !state_.Facts("train").value("kept", false);
  }

  // Does a part that is not done and records what it says of itself.
  Status RunPart(const std::string& part, const std::function<Result<Json>()>& body) {
    return flywheel_internal::RunPart(part, context_.parts.clock, state_, [&] {
      context_.parts.on_progress(fmt::format("{}: {}", plan_.name, part));
      return body();
    });
  }

  // Evaluates a checkpoint of the stage; it meets those that come later.
  Status Enter(const std::string& part, const std::string& name) {
    ARENA_RETURN_IF_ERROR(RunPart(part, [this, &name] { return Evaluate(name); }));
    context_.checkpoints.push_back({name, "", state_.Facts(part).value("behaviour", "")});
    return {};
  }

  std::string ControlName() const { return plan_.name + " control"; }

  // The name of its training in the settings.
  std::string What() const {
    switch (plan_.kind) {
      case StageKind::kStart:
        return "start";
      case StageKind::kSft:
        return "sft";
      case StageKind::kDpo:
        return "dpo";
      case StageKind::kPpo:
        return "ppo";
    }
    return "";
  }

  fs::path ParentCheckpoint() const {
    return parent_.empty() ? folder_.Base() : folder_.Checkpoint(parent_);
  }

  // The target's most probable answers, and where there are pairs its samples beside them.
  std::vector<StageContestant> Targets() const {
    StageContestant target{.name = parent_,
                           .checkpoint = ParentCheckpoint(),
                           .max_new_tokens = settings_.max_new_tokens};
    std::vector<StageContestant> targets = {target};
    for (std::int64_t i = 1; has_pairs() && i <= settings_.own_samples; ++i) {
      target.name = fmt::format("{} sample {}", parent_, i);
      target.temperature = 1;
      target.seed = settings_.seed * 1000 + static_cast<std::uint64_t>(i);
      targets.push_back(target);
    }
    return targets;
  }

  Result<std::int64_t> Play(Store& store, const std::vector<Instruction>& instructions,
                            ChatModel& target, std::vector<ChatModel*> others,
                            const PairingOptions& pairing) {
    others.push_back(&target);
    return PlayShard(store, instructions, others, context_.parts.judge,
                     {.pairing = pairing,
                      .workers = settings_.workers,
                      .retry_failed = context_.parts.retry_failed,
                      .max_failures = settings_.max_failures},
                     [&](std::int64_t done, std::int64_t all) {
                       context_.parts.on_progress(fmt::format("{}: {}, battle {} of {}", plan_.name,
                                                              target.contestant().name, done, all));
                     });
  }

  Result<Json> PlayBattles() {
    ARENA_ASSIGN_OR_RETURN(const auto instructions, ReadShard(folder_.Shard(plan_.shard)));
    std::int64_t battles = 0;
    for (const StageContestant& who : Targets()) {
      ARENA_ASSIGN_OR_RETURN(const auto target, context_.parts.server.Serve(who));
      const PairingOptions pairing{.pairing = Pairing::kTarget, .target = who.name};
      ARENA_ASSIGN_OR_RETURN(const std::int64_t played, Play(*context_.battles, instructions,
                                                             *target, context_.rivals, pairing));
      battles += played;
    }
    return Json{{"target", parent_},
                {"shard", plan_.shard},
                {"instructions", instructions.size()},
                {"battles", battles}};
  }

  // The name of the data file with the pairs of a target: "DPO-I1", "DPO-I1.sample-1".
  std::string PairsName(std::size_t target) const {
    const std::string name = plan_.kind == StageKind::kPpo ? plan_.name + ".pairs" : plan_.name;
    return target == 0 ? name : fmt::format("{}.sample-{}", name, target);
  }
  std::string WinnersName() const { return plan_.name + ".winners"; }

  SelectionSettings SelectFor(TrainingKind kind, const std::string& target) const {
    SelectionSettings selection;
    selection.target = target;
    selection.rivals = settings_.rivals;
    selection.judge = context_.parts.judge.identity().name;
    selection.kind = kind;
    selection.format = DefaultTrainerFormat(kind);
    selection.k = IsPreference(kind) ? settings_.pair_k : settings_.k;
    if (plan_.kind == StageKind::kSft) {
      selection.by = settings_.select_by;
      selection.size = settings_.select_size;
    }
    selection.min_score = kind == TrainingKind::kPpo ? 0 : settings_.min_score;
    // What the target wins says as much to a reward model as what it loses.
    selection.pairs = kind == TrainingKind::kDpo ? PairChoice::kLosses : PairChoice::kTarget;
    selection.seed = settings_.seed;
    return selection;
  }

  Result<DataCard> SelectInto(const SelectionSettings& selection, const std::string& name,
                              const SelectionInputs& inputs) {
    return Select(*context_.battles, selection, inputs,
                  {.folder = folder_.Data(), .name = name, .describe = context_.parts.describe});
  }

  Result<Json> SelectData() {
    ARENA_ASSIGN_OR_RETURN(const auto instructions, ReadShard(folder_.Shard(plan_.shard)));
    std::unordered_set<Key, KeyHash> keys;
    for (const Instruction& instruction : instructions) keys.insert(instruction.key);
    ARENA_ASSIGN_OR_RETURN(const auto difficulty, MeasureDifficulty(*context_.battles, parent_));
    SelectionInputs inputs{
        .instructions = &keys, .test_set = &context_.test_set, .difficulty = &difficulty};
    const SelectionRule rule = SelectFor(TrainingKind::kSft, parent_).by;
    std::unordered_map<Key, double, KeyHash> scores;
    if (rule == SelectionRule::kIfd) {
      ARENA_ASSIGN_OR_RETURN(scores, MeasureIfd(*context_.battles, keys, parent_,
                                                ParentCheckpoint(), settings_.workers));
    }
    if (rule == SelectionRule::kTags) {
      // The rows of the mini world have theirs.
      const std::vector<fs::path> shard = {folder_.Shard(plan_.shard)};
      ARENA_ASSIGN_OR_RETURN(scores,
                             ReadTags(HasOwnModels(settings_) ? settings_.score_files : shard));
    }
    inputs.scores = &scores;
    std::int64_t selected = 0;
    std::int64_t rows = 0;
    const auto select = [&](TrainingKind kind, const std::string& target,
                            const std::string& name) -> Result<DataCard> {
      return SelectInto(SelectFor(kind, target), name, inputs);
    };
    if (!has_pairs()) {
      ARENA_ASSIGN_OR_RETURN(const DataCard card, select(TrainingKind::kSft, parent_, plan_.name));
      return Json{{"selected", card.instructions_selected}, {"rows", card.rows}};
    }
    const bool is_ppo = plan_.kind == StageKind::kPpo;
    const auto targets = Targets();
    for (std::size_t i = 0; i < targets.size(); ++i) {
      ARENA_ASSIGN_OR_RETURN(const DataCard card,
                             select(is_ppo ? TrainingKind::kRewardModel : TrainingKind::kDpo,
                                    targets[i].name, PairsName(i)));
      rows += card.rows;
      if (i == 0) selected = card.instructions_selected;
    }
    ARENA_ASSIGN_OR_RETURN(const DataCard winners,
                           select(TrainingKind::kSft, parent_, WinnersName()));
    Json facts = {{"selected", selected}, {"rows", rows}, {"winners", winners.rows}};
    if (is_ppo) {
      ARENA_ASSIGN_OR_RETURN(const DataCard prompts,
                             select(TrainingKind::kPpo, parent_, plan_.name));
      facts["selected"] = prompts.instructions_selected;
      facts["prompts"] = prompts.rows;
    }
    return facts;
  }

  // Files that have rows.
  std::vector<fs::path> WithRows(const std::vector<std::string>& names) const {
    std::vector<fs::path> files;
    std::error_code ignored;
    for (const std::string& name : names) {
      if (fs::file_size(folder_.Data(name), ignored) > 0 && !ignored) {
        files.push_back(folder_.Data(name));
      }
    }
    return files;
  }

  // The file with the answers that a stage selected.
  static std::string AnswersName(const StagePlan& stage) {
    const bool is_sft = stage.kind == StageKind::kStart || stage.kind == StageKind::kSft;
    return is_sft ? stage.name : stage.name + ".winners";
  }

  // The answers that were selected up to this stage, as far as they are learned again.
  Result<std::vector<fs::path>> AnswersSoFar() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i <= index_; ++i) names.push_back(AnswersName(context_.stages[i]));
    if (!settings_.replay || index_ == 0) return WithRows(names);
    const std::string own = names.back();
    names.pop_back();
    ARENA_RETURN_IF_ERROR(WriteReplay(
        WithRows(names),
        {.rows_of = folder_.Data(own), .ratio = *settings_.replay, .seed = settings_.seed + index_},
        folder_.Data(plan_.name + ".replay")));
    return WithRows({plan_.name + ".replay", own});
  }

  std::vector<fs::path> PairFiles() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < Targets().size(); ++i) names.push_back(PairsName(i));
    return WithRows(names);
  }

  // Trains, and describes the training for the lineage. With nothing to learn from the checkpoint
  // is the one before.
  Result<Json> Train(StageTraining training, const std::string& what) {
    TrainingJobOptions& job = training.job;
    if (job.data.empty()) {
      job.ptx_data.clear();
      ARENA_RETURN_IF_ERROR(CopyModel(job.model, job.out));
      return DescribeTraining(job, folder_);
    }
    training.name = job.out.filename().string();
    training.workers = settings_.workers;
    job.settings = TrainingSettingsFor(settings_, what);
    ARENA_RETURN_IF_ERROR(
        context_.parts.trainer.Train(training, ReportTraining(context_.parts, training.name)));
    return DescribeTraining(job, folder_);
  }

  fs::path RewardModel(std::int64_t iteration) const {
    return folder_.Checkpoint(fmt::format("RM-I{}", iteration));
  }

  // The reward model that this stage goes on with: the last one there is, else what the first one
  // starts from.
  fs::path RewardModelBefore() const {
    for (std::int64_t i = plan_.iteration - 1; i > 0; --i) {
      if (fs::exists(RewardModel(i))) return RewardModel(i);
    }
    if (!HasOwnModels(settings_)) return folder_.Checkpoint(kGeneralist);
    return settings_.reward_base.empty() ? folder_.Base() : folder_.RewardBase();
  }

  Result<Json> TrainRewardModel() {
    StageTraining training;
    training.job.trainer = Trainer::kRewardModel;
    training.job.model = RewardModelBefore();
    training.job.out = RewardModel(plan_.iteration);
    training.job.data = PairFiles();
    if (training.job.data.empty()) return Json{{"trainer", "none: no pair was selected"}};
    return Train(std::move(training), "rm");
  }

  bool HasPromptsForAStep() const {
    return static_cast<double>(state_.Facts("select").value("prompts", std::int64_t{0})) >=
           TrainingNumber(settings_, "ppo", "rollout_batch", kRolloutBatch);
  }

  Result<Json> TrainCheckpoint(const std::string& name, const std::string& what) {
    StageTraining training;
    training.job.model = ParentCheckpoint();
    training.job.out = folder_.Checkpoint(name);
    switch (plan_.kind) {
      case StageKind::kStart:
      case StageKind::kSft: {
        ARENA_ASSIGN_OR_RETURN(training.job.data, AnswersSoFar());
        break;
      }
      case StageKind::kDpo:
        training.job.trainer = Trainer::kDpo;
        training.job.data = PairFiles();
        break;
      case StageKind::kPpo: {
        training.job.trainer = Trainer::kPpo;
        if (!fs::exists(RewardModel(plan_.iteration))) break;  // nothing to learn by
        if (!HasPromptsForAStep()) break;
        training.job.data = WithRows({plan_.name});
        training.job.reward_model = RewardModel(plan_.iteration);
        if (TrainingNumber(settings_, "ppo", "ptx_weight", 0) > 0) {
          ARENA_ASSIGN_OR_RETURN(training.job.ptx_data, AnswersSoFar());
        }
        break;
      }
    }
    return Train(std::move(training), what);
  }

  // Whether the checkpoint rates below the one that it was trained from, beyond its interval.
  bool Fell(const Board& board, const std::string& name) const {
    const BoardRow* before = nullptr;
    const BoardRow* now = nullptr;
    for (const BoardRow& row : board.contestants) {
      if (row.name == parent_) before = &row;
      if (row.name == name) now = &row;
    }
    return before != nullptr && now != nullptr && now->upper < before->rating;
  }

  // What is known of the checkpoint before, under the name of this stage, which is the same.
  Result<Json> EvaluationBefore() {
    ARENA_ASSIGN_OR_RETURN(const Evaluation evaluation,
                           flywheel_internal::Evaluate(*context_.tests, settings_.rivals));
    Json facts = FactsOf(evaluation, parent_);
    for (Json& row : facts["ratings"]) {
      if (row.at("name") != parent_) continue;
      Json own = row;
      own["name"] = plan_.name;
      facts["ratings"].push_back(std::move(own));
      break;
    }
    return facts;
  }

  static Json FactsOf(const Evaluation& evaluation, const std::string& name) {
    Json ratings = Json::array();
    for (const BoardRow& row : evaluation.board.contestants) {
      ratings.push_back(
          {{"name", row.name}, {"rating", row.rating}, {"lower", row.lower}, {"upper", row.upper}});
    }
    return {{"exact_match", evaluation.exact_match.at(name)}, {"ratings", std::move(ratings)}};
  }

  Result<Json> Evaluate(const std::string& name) {
    const StageContestant who{.name = name,
                              .checkpoint = folder_.Checkpoint(name),
                              .max_new_tokens = settings_.max_new_tokens};
    ARENA_ASSIGN_OR_RETURN(const auto target, context_.parts.server.Serve(who));
    std::vector<std::unique_ptr<StoredContestant>> earlier;
    std::vector<ChatModel*> others = context_.rivals;
    for (const Contestant& checkpoint : context_.checkpoints) {
      earlier.push_back(std::make_unique<StoredContestant>(checkpoint));
      others.push_back(earlier.back().get());
    }
    // The rivals meet each other at the first stage only.
    PairingOptions pairing{.pairing = Pairing::kAll};
    if (index_ > 0) pairing = {.pairing = Pairing::kTarget, .target = name};
    ARENA_ASSIGN_OR_RETURN(
        const std::int64_t battles,
        Play(*context_.tests, context_.test_instructions, *target, std::move(others), pairing));
    ARENA_ASSIGN_OR_RETURN(const Evaluation evaluation,
                           flywheel_internal::Evaluate(*context_.tests, settings_.rivals));
    ARENA_RETURN_IF_ERROR(context_.parts.on_board(evaluation.board));
    Json facts = {{"test_battles", battles},
                  {"behaviour", target->contestant().behaviour},
                  {"fell", Fell(evaluation.board, name)}};
    facts.update(FactsOf(evaluation, name));
    return facts;
  }

  RunContext& context_;
  const FlywheelSettings& settings_;
  const RunFolder& folder_;
  const std::size_t index_;
  const StagePlan& plan_;
  const std::string parent_;  // the stage whose checkpoint is trained; empty: the base
  StateFile& state_;
};

}  // namespace

Result<bool> RunStage(RunContext& context, std::size_t index, StateFile& state) {
  return Stage(context, index, state).Run();
}

}  // namespace arena::flywheel_internal
