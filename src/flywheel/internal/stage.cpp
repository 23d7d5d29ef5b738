#include "flywheel/internal/stage.h"

#include <fmt/format.h>

#include <functional>
#include <unordered_set>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "flywheel/internal/evaluation.h"
#include "flywheel/internal/setup.h"
#include "flywheel/internal/shard_battles.h"
#include "flywheel/selection.h"

namespace arena::flywheel_internal {
namespace {

namespace fs = std::filesystem;

constexpr char kBase[] = "base";
constexpr char kGeneralist[] = "generalist";

class Stage {
 public:
  Stage(RunContext& context, std::size_t index, StateFile& state)
      : context_(context),
        settings_(context.settings),
        folder_(context.folder),
        index_(index),
        plan_(context.stages[index]),
        state_(state) {}

  Status Run() {
    if (plan_.kind != StageKind::kStart) {
      ARENA_RETURN_IF_ERROR(RunPart("battle", [this] { return PlayBattles(); }));
      ARENA_RETURN_IF_ERROR(RunPart("select", [this] { return SelectData(); }));
    }
    if (plan_.kind == StageKind::kPpo) {
      ARENA_RETURN_IF_ERROR(RunPart("reward model", [this] { return TrainRewardModel(); }));
    }
    ARENA_RETURN_IF_ERROR(RunPart("train", [this] { return TrainCheckpoint(); }));
    ARENA_RETURN_IF_ERROR(RunPart("evaluate", [this] { return Evaluate(); }));
    context_.checkpoints.push_back(
        {plan_.name, "", state_.Facts("evaluate").value("behaviour", "")});
    return {};
  }

 private:
  bool has_pairs() const { return plan_.kind != StageKind::kSft; }

  // Does a part that is not done and records what it says of itself.
  Status RunPart(const std::string& part, const std::function<Result<Json>()>& body) {
    if (state_.IsDone(part)) return {};
    context_.parts.on_progress(fmt::format("{}: {}", plan_.name, part));
    const auto start = context_.parts.clock.Steady();
    ARENA_ASSIGN_OR_RETURN(const Json facts, body());
    Json record = {{"seconds", SecondsSince(context_.parts.clock, start)}};
    record.update(facts);
    return state_.Finish(part, std::move(record));
  }

  fs::path ParentCheckpoint() const {
    return folder_.Checkpoint(plan_.parent.empty() ? kBase : plan_.parent);
  }

  // The target's most probable answers, and where there are pairs its samples beside them.
  std::vector<StageContestant> Targets() const {
    StageContestant target{.name = plan_.parent,
                           .checkpoint = ParentCheckpoint(),
                           .max_new_tokens = settings_.max_new_tokens};
    std::vector<StageContestant> targets = {target};
    for (std::int64_t i = 1; has_pairs() && i <= settings_.own_samples; ++i) {
      target.name = fmt::format("{} sample {}", plan_.parent, i);
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
    return PlayShard(store, instructions, others, context_.parts.judge, pairing, settings_.workers,
                     [&](std::int64_t done, std::int64_t all) {
                       context_.parts.on_progress(fmt::format("{}: {}, battle {} of {}", plan_.name,
                                                              target.contestant().name, done, all));
                     });
  }

  std::vector<ChatModel*> Rivals() const {
    std::vector<ChatModel*> rivals;
    for (const auto& rival : context_.rivals) rivals.push_back(rival.get());
    return rivals;
  }

  Result<Json> PlayBattles() {
    ARENA_ASSIGN_OR_RETURN(const auto instructions, ReadShard(folder_.Shard(plan_.shard)));
    std::int64_t battles = 0;
    for (const StageContestant& who : Targets()) {
      ARENA_ASSIGN_OR_RETURN(const auto target, context_.parts.server.Serve(who));
      const PairingOptions pairing{.pairing = Pairing::kTarget, .target = who.name};
      ARENA_ASSIGN_OR_RETURN(const std::int64_t played,
                             Play(*context_.battles, instructions, *target, Rivals(), pairing));
      battles += played;
    }
    return Json{
        {"shard", plan_.shard}, {"instructions", instructions.size()}, {"battles", battles}};
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
    SelectionInputs inputs{.instructions = &keys, .test_set = &context_.test_set};
    std::int64_t selected = 0;
    std::int64_t rows = 0;
    const auto select = [&](TrainingKind kind, const std::string& target,
                            const std::string& name) -> Result<DataCard> {
      return SelectInto(SelectFor(kind, target), name, inputs);
    };
    if (!has_pairs()) {
      ARENA_ASSIGN_OR_RETURN(const DataCard card,
                             select(TrainingKind::kSft, plan_.parent, plan_.name));
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
                           select(TrainingKind::kSft, plan_.parent, WinnersName()));
    Json facts = {{"selected", selected}, {"rows", rows}, {"winners", winners.rows}};
    if (is_ppo) {
      ARENA_ASSIGN_OR_RETURN(const DataCard prompts,
                             select(TrainingKind::kPpo, plan_.parent, plan_.name));
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

  // The answers that were selected up to this stage.
  std::vector<fs::path> AnswersSoFar() const {
    std::vector<std::string> names;
    const std::size_t first = settings_.accumulate ? 0 : index_;
    for (std::size_t i = first; i <= index_; ++i) {
      const StagePlan& stage = context_.stages[i];
      const bool is_sft = stage.kind == StageKind::kStart || stage.kind == StageKind::kSft;
      names.push_back(is_sft ? stage.name : stage.name + ".winners");
    }
    return WithRows(names);
  }

  std::vector<fs::path> PairFiles() const {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < Targets().size(); ++i) names.push_back(PairsName(i));
    return WithRows(names);
  }

  // Trains, and describes the training for the lineage.
  Result<Json> Train(StageTraining training, const std::string& what) {
    training.name = plan_.name;
    training.workers = settings_.workers;
    training.job.settings = TrainingSettingsFor(settings_, what);
    if (training.job.data.empty()) {
      return InvalidInput(fmt::format(
          "{}: there is nothing to learn from: no battle on {} was selected. Lower flywheel.k, "
          "flywheel.pair_k or flywheel.min_score, or take larger shards",
          plan_.name, plan_.shard));
    }
    ARENA_RETURN_IF_ERROR(
        context_.parts.trainer.Train(training, ReportSteps(context_.parts, plan_.name)));
    const TrainingJobOptions& job = training.job;
    const auto relative = [&](const fs::path& path) {
      return fs::relative(path, folder_.root).generic_string();
    };
    Json data = Json::array();
    for (const auto* files : {&job.data, &job.ptx_data}) {
      for (const fs::path& file : *files) {
        ARENA_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(file));
        data.push_back({{"file", relative(file)},
                        {"use", files == &job.data ? "data" : "ptx"},
                        {"hash", HashBytes(bytes).Hex()}});
      }
    }
    ARENA_ASSIGN_OR_RETURN(const std::string weights, ReadFile(job.out / "model.safetensors"));
    Json facts = {{"trainer", TrainerName(job.trainer)},
                  {"from", relative(job.model)},
                  {"out", relative(job.out)},
                  {"weights", HashBytes(weights).Hex()},
                  {"settings", job.settings},
                  {"data", std::move(data)}};
    if (!job.reward_model.empty()) facts["reward_model"] = relative(job.reward_model);
    return facts;
  }

  fs::path RewardModel(std::int64_t iteration) const {
    return folder_.Checkpoint(fmt::format("RM-I{}", iteration));
  }
  std::int64_t iteration() const { return (static_cast<std::int64_t>(index_) + 2) / 3; }

  // From the generalist, then carried on from iteration to iteration.
  Result<Json> TrainRewardModel() {
    StageTraining training;
    training.job.trainer = Trainer::kRewardModel;
    training.job.model =
        iteration() == 1 ? folder_.Checkpoint(kGeneralist) : RewardModel(iteration() - 1);
    training.job.out = RewardModel(iteration());
    training.job.data = PairFiles();
    return Train(std::move(training), "rm");
  }

  Result<Json> TrainCheckpoint() {
    StageTraining training;
    training.job.model = ParentCheckpoint();
    training.job.out = folder_.Checkpoint(plan_.name);
    switch (plan_.kind) {
      case StageKind::kStart:
        training.job.data = AnswersSoFar();
        return Train(std::move(training), "start");
      case StageKind::kSft:
        training.job.data = AnswersSoFar();
        return Train(std::move(training), "sft");
      case StageKind::kDpo:
        training.job.trainer = Trainer::kDpo;
        training.job.data = PairFiles();
        return Train(std::move(training), "dpo");
      case StageKind::kPpo:
        training.job.trainer = Trainer::kPpo;
        training.job.data = WithRows({plan_.name});
        training.job.reward_model = RewardModel(iteration());
        training.job.ptx_data = AnswersSoFar();
        return Train(std::move(training), "ppo");
    }
    return InternalError("a kind of stage without a training");
  }

  Result<Json> Evaluate() {
    const StageContestant who{.name = plan_.name,
                              .checkpoint = folder_.Checkpoint(plan_.name),
                              .max_new_tokens = settings_.max_new_tokens};
    ARENA_ASSIGN_OR_RETURN(const auto target, context_.parts.server.Serve(who));
    std::vector<std::unique_ptr<StoredContestant>> earlier;
    std::vector<ChatModel*> others = Rivals();
    for (const Contestant& checkpoint : context_.checkpoints) {
      earlier.push_back(std::make_unique<StoredContestant>(checkpoint));
      others.push_back(earlier.back().get());
    }
    // The rivals meet each other at the first stage only.
    PairingOptions pairing{.pairing = Pairing::kAll};
    if (index_ > 0) pairing = {.pairing = Pairing::kTarget, .target = plan_.name};
    ARENA_ASSIGN_OR_RETURN(
        const std::int64_t battles,
        Play(*context_.tests, context_.test_instructions, *target, std::move(others), pairing));
    ARENA_ASSIGN_OR_RETURN(const Evaluation evaluation,
                           flywheel_internal::Evaluate(*context_.tests, settings_.rivals));
    ARENA_RETURN_IF_ERROR(context_.parts.on_board(evaluation.board));
    Json ratings = Json::array();
    for (const BoardRow& row : evaluation.board.contestants) {
      ratings.push_back(
          {{"name", row.name}, {"rating", row.rating}, {"lower", row.lower}, {"upper", row.upper}});
    }
    return Json{{"test_battles", battles},
                {"behaviour", target->contestant().behaviour},
                {"exact_match", evaluation.exact_match.at(plan_.name)},
                {"ratings", std::move(ratings)}};
  }

  RunContext& context_;
  const FlywheelSettings& settings_;
  const RunFolder& folder_;
  const std::size_t index_;
  const StagePlan& plan_;
  StateFile& state_;
};

}  // namespace

Status RunStage(RunContext& context, std::size_t index, StateFile& state) {
  return Stage(context, index, state).Run();
}

}  // namespace arena::flywheel_internal
