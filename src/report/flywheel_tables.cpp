#include "report/internal/flywheel_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "report/flywheel_report.h"
#include "report/numbers.h"

namespace arena::report_internal {
namespace {

std::string PercentOf(double share) { return FixedNumber(100 * share, 1); }

std::string Whole(double value) { return FixedNumber(value, 0); }

std::string Interval(const StageRating& rating) {
  return fmt::format("{} \u2013 {}", Whole(rating.lower), Whole(rating.upper));
}

// The share of battles that `name` wins against `rival` on the test set, ties counted half.
std::optional<double> WinRate(const Board& board, const std::string& name,
                              const std::string& rival) {
  const auto place = [&](const std::string& wanted) {
    const auto found = std::find_if(board.contestants.begin(), board.contestants.end(),
                                    [&](const BoardRow& row) { return row.name == wanted; });
    return static_cast<std::size_t>(found - board.contestants.begin());
  };
  const std::size_t i = place(name);
  const std::size_t j = place(rival);
  if (i >= board.matrix.win_rate.size() || j >= board.matrix.win_rate.size()) return std::nullopt;
  const double rate = board.matrix.win_rate[i][j];
  return std::isfinite(rate) ? std::optional(rate) : std::nullopt;
}

std::vector<ReportCell> RatingRow(const FlywheelReport& report, const std::string& name,
                                  const std::optional<StageRating>& rating,
                                  std::optional<double> exact) {
  std::vector<ReportCell> row = {{name},
                                 {rating ? Whole(rating->rating) : ""},
                                 {rating ? Interval(*rating) : ""},
                                 {exact ? PercentOf(*exact) : ""}};
  for (const auto& [rival, ignored] : report.status.rivals) {
    const auto rate = WinRate(report.board, name, rival);
    row.push_back({rate ? PercentOf(*rate) : "", rate});
  }
  return row;
}

std::optional<double> MeanExact(const FlywheelReport& report, const std::string& name) {
  const auto found = report.exact_match.find(name);
  if (found == report.exact_match.end()) return std::nullopt;
  return found->second;
}

std::string Difficulties(const StageDetails& stage) {
  if (!stage.difficulty) return "";
  const std::string all = FixedNumber(*stage.difficulty, 2);
  if (!stage.difficulty_selected) return all;
  return fmt::format("{} \u2192 {}", all, FixedNumber(*stage.difficulty_selected, 2));
}

std::string Sources(const StageDetails& stage) {
  std::string text;
  for (const auto& [name, rows] : stage.answers_from) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name, CountNumber(rows));
  }
  return text;
}

}  // namespace

ReportTable StageTable(const FlywheelReport& report) {
  ReportTable table{
      "Stages and rivals",
      "Ratings are Bradley-Terry\u2019s over all battles on the test set; the mean of "
      "the rivals, who never change, is 1000. Exact: share of the test instructions "
      "with the full score, %. Then the win rate against each rival, %, ties counted "
      "half.",
      {"Stage", "Rating", LevelPercent(report.board.level) + " interval", "Exact"},
      {}};
  for (const auto& [rival, ignored] : report.status.rivals) table.columns.push_back("vs " + rival);
  for (const StageStatus& stage : report.status.stages) {
    table.rows.push_back(RatingRow(report, stage.name, stage.rating, stage.exact_match));
    if (!stage.control) continue;
    table.rows.push_back(
        RatingRow(report, stage.control->name, stage.control->rating, stage.control->exact_match));
  }
  for (const auto& [rival, rating] : report.status.rivals) {
    table.rows.push_back(RatingRow(report, rival, rating, MeanExact(report, rival)));
  }
  return table;
}

ReportTable SelectionTable(const FlywheelReport& report) {
  ReportTable table{"Battles on the shards, and what is learned from them",
                    "Won, tied, lost: the target\u2019s battles with all rivals, %. Selected: "
                    "instructions of the shard with a battle that becomes training data. "
                    "Difficulty: ten minus the mean score of the rivals on an instruction, over "
                    "the shard \u2192 over what is selected.",
                    {"Stage", "Instructions", "Battles", "Won", "Tied", "Lost", "Selected", "%",
                     "Difficulty", "Answers from"},
                    {}};
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    const StageStatus& status = report.status.stages[i];
    const StageDetails& stage = report.stages[i];
    if (status.instructions == 0) continue;
    CardPair sum;
    for (const CardPair& pair : stage.battles) {
      sum.battles += pair.battles;
      sum.a_won += pair.a_won;
      sum.tied += pair.tied;
      sum.b_won += pair.b_won;
    }
    table.rows.push_back({{status.name},
                          {CountNumber(status.instructions)},
                          {CountNumber(status.battles)},
                          {PercentOf(ShareOf(sum.a_won, sum.battles))},
                          {PercentOf(ShareOf(sum.tied, sum.battles))},
                          {PercentOf(ShareOf(sum.b_won, sum.battles))},
                          {CountNumber(status.selected)},
                          {PercentOf(ShareOf(status.selected, status.instructions))},
                          {Difficulties(stage)},
                          {Sources(stage)}});
  }
  return table;
}

ReportTable CategoryTable(const FlywheelReport& report) {
  ReportTable table{"Exact match by category",
                    "Share of the test instructions of a category with the full score, %.",
                    {"Category"},
                    {}};
  std::vector<std::string> names;
  for (const auto& [rival, ignored] : report.status.rivals) names.push_back(rival);
  for (const StageStatus& stage : report.status.stages) {
    if (stage.done) names.push_back(stage.name);
  }
  std::set<std::string> categories;
  for (const std::string& name : names) {
    table.columns.push_back(name);
    const auto found = report.exact.find(name);
    if (found == report.exact.end()) continue;
    for (const auto& [category, ignored] : found->second) categories.insert(category);
  }
  for (const std::string& category : categories) {
    std::vector<ReportCell> row = {{category.empty() ? "(none)" : category}};
    for (const std::string& name : names) {
      const auto of_name = report.exact.find(name);
      ReportCell cell;
      if (of_name != report.exact.end() && of_name->second.contains(category)) {
        const double share = of_name->second.at(category);
        cell = {FixedNumber(100 * share, 0), share};
      }
      row.push_back(std::move(cell));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

ReportTable TimeTable(const FlywheelReport& report) {
  std::vector<std::string> parts = {"battle",        "select",   "reward model",    "train",
                                    "train control", "evaluate", "evaluate control"};
  // The columns of controls only where there are any.
  std::erase_if(parts, [&](const std::string& part) {
    return part.ends_with("control") &&
           std::none_of(report.status.stages.begin(), report.status.stages.end(),
                        [](const StageStatus& stage) { return stage.control.has_value(); });
  });
  ReportTable table{"Time",
                    "Seconds of each part; what a killed process had not recorded is not counted.",
                    {"Stage"},
                    {}};
  for (const std::string& part : parts) table.columns.push_back(part);
  table.columns.emplace_back("all");
  table.rows.push_back(std::vector<ReportCell>(parts.size() + 2));
  table.rows.back().front().text = "base and rivals";
  table.rows.back().back().text = Whole(report.totals.setup_seconds);
  for (const StageStatus& stage : report.status.stages) {
    std::vector<ReportCell> row = {{stage.name}};
    for (const std::string& part : parts) {
      const auto found = std::find_if(stage.parts.begin(), stage.parts.end(),
                                      [&](const auto& done) { return done.first == part; });
      row.push_back({found == stage.parts.end() ? "" : FixedNumber(found->second, 1)});
    }
    row.push_back({Whole(stage.seconds)});
    table.rows.push_back(std::move(row));
  }
  return table;
}

std::string EfficiencyText(const FlywheelReport& report) {
  const FlywheelTotals& totals = report.totals;
  if (!(totals.battle_seconds > 0)) return "No battle has been played yet.";
  const double per_hour = static_cast<double>(totals.battles) * 3600 / totals.battle_seconds;
  return fmt::format(
      "{} battles of two games each in {} s of playing and judging: {} battles an hour, {} times "
      "the {} of one person who takes a minute for each. Training took {} s, base and rivals {} s.",
      CountNumber(totals.battles), Whole(totals.battle_seconds), CountNumber(std::round(per_hour)),
      CountNumber(std::round(per_hour / kHumanBattlesPerHour)), Whole(kHumanBattlesPerHour),
      Whole(totals.training_seconds), Whole(totals.setup_seconds));
}

std::vector<std::pair<std::string, std::string>> FlywheelFacts(const FlywheelReport& report) {
  std::int64_t done = 0;
  for (const StageStatus& stage : report.status.stages) done += stage.done ? 1 : 0;
  return {{"Stages", fmt::format("{} of {}", done, report.status.stages.size())},
          {"Seed", std::to_string(report.seed)},
          {"Judge", report.judge},
          {"Test instructions", CountNumber(report.test_prompts)},
          {"Battles", CountNumber(report.totals.battles)},
          {"Seconds", Whole(report.totals.seconds)},
          {"Version", report.version.empty() ? "not known yet" : report.version}};
}

}  // namespace arena::report_internal
