#include "flywheel/run_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "base/file.h"
#include "flywheel/internal/evaluation.h"
#include "flywheel/internal/run_folder.h"
#include "formats/line_reader.h"
#include "store/store.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using flywheel_internal::RunFolder;

constexpr std::size_t kExamples = 3;
constexpr std::size_t kCurvePoints = 120;

// The rows of a file of JSON lines; none where there is no such file.
Result<std::vector<Json>> ReadJsonLines(const fs::path& file) {
  std::vector<Json> rows;
  if (!fs::exists(file)) return rows;
  ARENA_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(InputSource::File(file)));
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, reader.Next());
    if (!more || !reader.terminated()) return rows;  // the last one may be being written
    auto row = ParseJson(reader.line());
    if (!row.ok()) return InvalidLine(reader.name(), reader.number(), row.error().message);
    rows.push_back(std::move(*row));
  }
}

std::string_view MetricOf(std::string_view checkpoint) {
  if (checkpoint.starts_with("PPO")) return "reward";
  return checkpoint.starts_with("RM") ? "accuracy" : "loss";
}

Result<TrainingCurve> ReadCurve(const fs::path& checkpoint) {
  TrainingCurve curve;
  curve.name = checkpoint.filename().string();
  curve.metric = MetricOf(curve.name);
  ARENA_ASSIGN_OR_RETURN(const std::vector<Json> rows, ReadJsonLines(checkpoint / "metrics.jsonl"));
  const std::size_t span =
      std::max<std::size_t>(1, (rows.size() + kCurvePoints - 1) / kCurvePoints);
  for (std::size_t begin = 0; begin < rows.size(); begin += span) {
    const std::size_t end = std::min(begin + span, rows.size());
    double sum = 0;
    int count = 0;
    for (std::size_t i = begin; i < end; ++i) {
      const Json value = rows[i].value(curve.metric, Json());
      if (!value.is_number()) continue;
      sum += value.get<double>();
      ++count;
    }
    if (count > 0)
      curve.points.emplace_back(rows[end - 1].value("step", std::int64_t{0}), sum / count);
  }
  return curve;
}

std::string LastTurn(const Answer& answer) { return answer.turns.empty() ? "" : answer.text(); }

// The row's battle with its texts; none where the store does not have it.
Result<std::optional<BattleExample>> ReadExample(Store& store, const Json& row) {
  const std::string target = row.value("target", "");
  const auto found = store.FindBattle(row.value("battle", ""));
  if (!found.ok()) return std::optional<BattleExample>();
  const BattleDetail& battle = *found;
  const bool is_a = battle.contestant_a.name == target;
  BattleExample example;
  example.category = battle.instruction.category;
  if (!battle.instruction.conversation.empty()) {
    example.prompt = battle.instruction.conversation.back().content;
  }
  example.target_answer = LastTurn(is_a ? battle.answer_a : battle.answer_b);
  example.rival_answer = LastTurn(is_a ? battle.answer_b : battle.answer_a);
  example.rival = is_a ? battle.contestant_b.name : battle.contestant_a.name;
  const bool target_chosen = row.value("chosen", "") == target;
  example.target_score = row.value(target_chosen ? "chosen_score" : "against_score", 0.0);
  example.rival_score = row.value(target_chosen ? "against_score" : "chosen_score", 0.0);
  return std::optional<BattleExample>(std::move(example));
}

// Battles from the beginning, the middle and the end of what was selected.
Result<std::vector<BattleExample>> ReadExamples(Store& store, const fs::path& provenance) {
  ARENA_ASSIGN_OR_RETURN(const std::vector<Json> rows, ReadJsonLines(provenance));
  std::vector<BattleExample> examples;
  for (std::size_t i = 0; i < std::min(kExamples, rows.size()); ++i) {
    const Json& row = rows[i * (rows.size() - 1) / std::max<std::size_t>(1, kExamples - 1)];
    ARENA_ASSIGN_OR_RETURN(auto example, ReadExample(store, row));
    if (example) examples.push_back(std::move(*example));
  }
  return examples;
}

std::vector<CardPair> PairsOf(const Json& card) {
  std::vector<CardPair> pairs;
  for (const Json& row : card.value("pairs", Json::array())) {
    pairs.push_back({row.value("a", ""), row.value("b", ""), row.value("battles", std::int64_t{0}),
                     row.value("a_won", std::int64_t{0}), row.value("tied", std::int64_t{0}),
                     row.value("b_won", std::int64_t{0}), row.value("void", std::int64_t{0}),
                     row.value("selected", std::int64_t{0})});
  }
  return pairs;
}

std::optional<double> MeanOf(const Json& card, const char* summary) {
  const Json values = card.value(summary, Json::object());
  if (values.value("count", std::int64_t{0}) == 0) return std::nullopt;
  return values.value("mean", 0.0);
}

Status ReadCard(const fs::path& file, StageDetails& stage) {
  if (!fs::exists(file)) return {};
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  ARENA_ASSIGN_OR_RETURN(const Json card, ParseJson(text));
  stage.difficulty = MeanOf(card, "difficulty");
  stage.difficulty_selected = MeanOf(card, "difficulty_selected");
  stage.battles = PairsOf(card);
  const Json from = card.value("answers_from", Json::object());
  for (const auto& [name, rows] : from.items()) {
    stage.answers_from.emplace_back(name, rows.get<std::int64_t>());
  }
  return {};
}

Result<StageDetails> ReadStage(const RunFolder& folder, const StageStatus& status, Store* battles) {
  StageDetails stage;
  ARENA_RETURN_IF_ERROR(ReadCard(folder.Data() / (status.name + ".card.json"), stage));
  for (const fs::path& training : status.trainings) {
    ARENA_ASSIGN_OR_RETURN(TrainingCurve curve, ReadCurve(training));
    stage.curves.push_back(std::move(curve));
  }
  if (battles != nullptr) {
    ARENA_ASSIGN_OR_RETURN(
        stage.examples,
        ReadExamples(*battles, folder.Data() / (status.name + ".provenance.jsonl")));
  }
  return stage;
}

bool IsTrainingPart(std::string_view part) {
  return part.starts_with("train") || part == "reward model";
}

bool IsBattlePart(std::string_view part) {
  return part == "battle" || part.starts_with("evaluate");
}

FlywheelTotals TotalsOf(const FlywheelStatus& status) {
  FlywheelTotals totals;
  for (const auto& [part, seconds] : status.setup) totals.setup_seconds += seconds;
  totals.seconds = totals.setup_seconds;
  for (const StageStatus& stage : status.stages) {
    totals.battles += stage.battles + stage.test_battles;
    totals.seconds += stage.seconds;
    for (const auto& [part, seconds] : stage.parts) {
      if (IsTrainingPart(part)) totals.training_seconds += seconds;
      if (IsBattlePart(part)) totals.battle_seconds += seconds;
    }
  }
  return totals;
}

Status ReadBoard(const RunFolder& folder, FlywheelReport& report) {
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStore(folder.TestStore(), {.read_only = true}));
  std::vector<std::string> rivals;
  for (const auto& [name, ignored] : report.status.rivals) rivals.push_back(name);
  ARENA_ASSIGN_OR_RETURN(flywheel_internal::Evaluation evaluation,
                         flywheel_internal::Evaluate(*store, rivals));
  report.board = std::move(evaluation.board);
  report.exact_match = std::move(evaluation.exact_match);
  report.exact = std::move(evaluation.exact_by_category);
  return {};
}

}  // namespace

Result<FlywheelReport> ReadFlywheelReport(const fs::path& folder) {
  const RunFolder run{folder};
  FlywheelReport report;
  ARENA_ASSIGN_OR_RETURN(report.status, ReadFlywheelStatus(folder));
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(run.Manifest()));
  ARENA_ASSIGN_OR_RETURN(const Json manifest, ParseJson(text));
  report.seed = manifest.at("settings").value("seed", std::uint64_t{0});
  report.test_prompts = manifest.at("settings").value("test_prompts", std::int64_t{0});
  report.judge = manifest.value("judge", Json::object()).value("name", "");
  if (fs::exists(run.Lineage())) {
    ARENA_ASSIGN_OR_RETURN(const Json lineage, ReadLineage(folder));
    report.version = lineage.value("version", "");
  }
  report.totals = TotalsOf(report.status);
  std::unique_ptr<Store> battles;
  if (fs::exists(run.ShardStore())) {
    ARENA_ASSIGN_OR_RETURN(battles, OpenStore(run.ShardStore(), {.read_only = true}));
  }
  for (const StageStatus& status : report.status.stages) {
    ARENA_ASSIGN_OR_RETURN(StageDetails stage, ReadStage(run, status, battles.get()));
    report.stages.push_back(std::move(stage));
  }
  const bool any_evaluated = std::any_of(report.status.stages.begin(), report.status.stages.end(),
                                         [](const StageStatus& stage) { return stage.done; });
  if (any_evaluated) ARENA_RETURN_IF_ERROR(ReadBoard(run, report));
  return report;
}

}  // namespace arena
