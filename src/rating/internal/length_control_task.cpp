#include "rating/internal/length_control_task.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "base/parallel.h"

namespace arena::rating_internal {
namespace {

Status CheckTables(const LengthControlOptions& options) {
  if (!(options.ridge > 0) || !std::isfinite(options.ridge)) {
    return InvalidInput("the ridge of the length control must be positive");
  }
  if (!(options.gamed_weight >= 0) || !std::isfinite(options.gamed_weight)) {
    return InvalidInput("the weight of gamed-baseline rows must be 0 or more");
  }
  for (const auto& [instruction, difficulty] : options.difficulty) {
    if (!std::isfinite(difficulty)) {
      return InvalidInput(fmt::format("the difficulty of '{:.60}' is not a number", instruction));
    }
  }
  for (const GamedBaselineRow& row : options.gamed) {
    if (!(row.preference >= 0 && row.preference <= 1) || !std::isfinite(row.difficulty) ||
        !std::isfinite(row.baseline_minus_model)) {
      return InvalidInput(
          fmt::format("a gamed-baseline row of '{}' has a preference outside 0..1, or a difficulty "
                      "or length difference that is not a number",
                      row.model));
    }
  }
  return {};
}

/// The contestant that takes part in every row.
Result<std::uint32_t> CommonOpponent(const Dataset& data, const Canonical& canonical) {
  std::vector<std::size_t> rows(canonical.size());
  for (const ResultRow& row : data.rows()) {
    ++rows[canonical.from_dataset[row.a]];
    ++rows[canonical.from_dataset[row.b]];
  }
  std::optional<std::uint32_t> found;
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    if (rows[i] != data.rows().size()) continue;
    if (found) {
      return InvalidInput(fmt::format("either of '{}' and '{}' can be the baseline; name one",
                                      canonical.names[*found], canonical.names[i]));
    }
    found = i;
  }
  if (!found) {
    return InvalidInput(
        "length-controlled win rates are against a baseline, and no contestant takes part in every "
        "battle; name one");
  }
  return *found;
}

/// Numbers for instructions in the order of their hashes: independent of the order of battles.
std::vector<std::uint32_t> UnitOfCluster(const Dataset& data) {
  std::vector<std::uint32_t> order(data.clusters());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t x, std::uint32_t y) {
    return data.cluster_keys()[x] < data.cluster_keys()[y];
  });
  std::vector<std::uint32_t> unit(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) unit[order[i]] = i;
  return unit;
}

/// Difficulty by cluster, or nothing where there is no table.
Result<std::vector<double>> Difficulties(const Dataset& data, const LengthControlOptions& options) {
  if (options.difficulty.empty()) return std::vector<double>{};
  std::unordered_map<Key, double, KeyHash> by_key;
  for (const auto& [instruction, difficulty] : options.difficulty) {
    by_key.emplace(HashBytes(instruction), difficulty);
  }
  std::vector<double> difficulties;
  std::size_t missing = 0;
  for (const Key& key : data.cluster_keys()) {
    const auto found = by_key.find(key);
    if (found == by_key.end()) ++missing;
    difficulties.push_back(found == by_key.end() ? 0 : found->second);
  }
  if (missing > 0) {
    return InvalidInput(
        fmt::format("{} of {} instructions are not in the difficulty table; leave the table out, "
                    "or use the one "
                    "of this instruction set",
                    missing, difficulties.size()));
  }
  return difficulties;
}

/// A row against the baseline before lengths are standardised: x[0] is the plain difference.
LengthRow PlainRow(const ResultRow& row, const StyleRow& style, bool baseline_is_a,
                   const std::vector<double>& difficulty) {
  LengthRow out;
  const double a_minus_b = style.a.tokens - style.b.tokens;
  const double share = static_cast<double>(row.share);
  out.x = {baseline_is_a ? -a_minus_b : a_minus_b,
           difficulty.empty() ? 0.0 : difficulty[row.cluster - 1], 1.0};
  out.target = baseline_is_a ? 1 - share : share;
  out.weight = static_cast<double>(row.weight);
  return out;
}

/// Divides the differences by their standard deviation and squashes them.
void StandardiseLengths(LengthProblem& problem) {
  const double n = static_cast<double>(problem.rows.size());
  double mean = 0;
  for (const LengthRow& row : problem.rows) mean += row.x[0] / n;
  double square = 0;
  for (const LengthRow& row : problem.rows) square += (row.x[0] - mean) * (row.x[0] - mean);
  problem.deviation = n > 1 ? std::sqrt(square / (n - 1)) : 0;
  for (LengthRow& row : problem.rows) {
    row.x[0] = problem.deviation > 0 ? std::tanh(row.x[0] / problem.deviation) : 0;
  }
}

std::vector<LengthRow> GamedRows(const LengthControlOptions& options) {
  std::set<std::string> models;
  for (const GamedBaselineRow& row : options.gamed) models.insert(row.model);
  std::vector<LengthRow> rows;
  for (const GamedBaselineRow& row : options.gamed) {
    LengthRow out;
    out.x = {std::tanh(-row.baseline_minus_model), options.difficulty.empty() ? 0 : row.difficulty,
             0.0};
    out.target = row.preference;
    out.weight = options.gamed_weight / static_cast<double>(models.size());
    out.unit = kNoUnit;
    rows.push_back(out);
  }
  return rows;
}

/// Distributes the rows over the problems and numbers what is resampled.
Status FillProblems(const Dataset& data, const std::vector<double>& difficulty, LengthTask& task) {
  const std::vector<std::uint32_t> unit_of_cluster = UnitOfCluster(data);
  const bool by_instruction = task.clustering == Clustering::kInstruction;
  task.problems.resize(task.canonical.size());
  task.units = by_instruction ? data.clusters() : 0;
  std::size_t left_out = 0;
  for (std::size_t i = 0; i < data.rows().size(); ++i) {
    const ResultRow& row = data.rows()[i];
    const std::uint32_t a = task.canonical.from_dataset[row.a];
    const std::uint32_t b = task.canonical.from_dataset[row.b];
    if (a != task.baseline && b != task.baseline) {
      ++left_out;
      continue;
    }
    if (!difficulty.empty() && row.cluster == 0) {
      return InvalidInput("a battle names no instruction, so it has no difficulty");
    }
    LengthRow plain = PlainRow(row, data.styles()[i], a == task.baseline, difficulty);
    if (!std::isfinite(plain.x[0])) return InvalidInput("a battle has a length that is no number");
    // Known instructions come first in the canonical order, the others keep to what they hold.
    plain.unit = row.cluster > 0 ? unit_of_cluster[row.cluster - 1] : kNoUnit;
    task.problems[a == task.baseline ? b : a].rows.push_back(plain);
  }
  if (left_out > 0) {
    task.warnings.push_back(fmt::format("{} results without the baseline '{}' are left out",
                                        left_out, task.canonical.names[task.baseline]));
  }
  for (std::size_t m = 0; m < task.problems.size(); ++m) {
    if (m == task.baseline) continue;
    std::vector<LengthRow>& rows = task.problems[m].rows;
    if (rows.empty()) {
      return InvalidInput(fmt::format("'{}' has no judged battle against the baseline '{}'",
                                      task.canonical.names[m],
                                      task.canonical.names[task.baseline]));
    }
    std::sort(rows.begin(), rows.end(), [](const LengthRow& x, const LengthRow& y) {
      return std::tie(x.unit, x.x, x.target, x.weight) < std::tie(y.unit, y.x, y.target, y.weight);
    });
    for (LengthRow& row : rows) {
      if (!by_instruction || row.unit == kNoUnit) row.unit = task.units++;
    }
  }
  return {};
}

void Prepare(const LengthControlOptions& length_control, LengthProblem& problem) {
  StandardiseLengths(problem);
  double weight = 0;
  for (const LengthRow& row : problem.rows) {
    weight += row.weight;
    problem.raw_share += row.weight * row.target;
  }
  problem.raw_share /= weight;
  if (length_control.fit == LengthControlFit::kCrossValidatedLasso) {
    std::vector<LengthRow> all = problem.gamed;
    all.insert(all.end(), problem.rows.begin(), problem.rows.end());
    problem.inverse_penalty = ChooseInversePenalty(all);
  }
}

}  // namespace

Result<LengthTask> MakeLengthTask(const Dataset& data, const RatingOptions& options,
                                  const LengthControlOptions& length_control) {
  ARENA_RETURN_IF_ERROR(CheckOptions(data, options));
  ARENA_RETURN_IF_ERROR(CheckTables(length_control));
  if (!data.options().keep_style) {
    return InvalidInput(
        "length control needs the lengths of the answers; build the dataset with style kept");
  }
  LengthTask task;
  ARENA_ASSIGN_OR_RETURN(task.canonical, Canonicalise(data));
  if (options.baseline.empty()) {
    ARENA_ASSIGN_OR_RETURN(task.baseline, CommonOpponent(data, task.canonical));
  } else {
    ARENA_ASSIGN_OR_RETURN(task.baseline,
                           FindContestant(task.canonical, options.baseline, "baseline"));
  }
  task.clustering = EffectiveClustering(data, options, task.warnings);
  ARENA_ASSIGN_OR_RETURN(const std::vector<double> difficulty, Difficulties(data, length_control));
  ARENA_RETURN_IF_ERROR(FillProblems(data, difficulty, task));
  const std::vector<LengthRow> gamed = GamedRows(length_control);
  ParallelFor(task.problems.size(), options.threads, [&](std::size_t m) {
    if (m == task.baseline) return;
    task.problems[m].gamed = gamed;
    Prepare(length_control, task.problems[m]);
  });
  return task;
}

}  // namespace arena::rating_internal
