// From the sums of JudgeQuality to its report.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/parallel.h"
#include "base/rng.h"
#include "rating/internal/board_building.h"
#include "rating/internal/judge_sums.h"

namespace arena::rating_internal {
namespace {

using JudgeTotals = std::vector<double>;

/// The totals of all groups, and those of each bootstrap round.
struct Resampled {
  JudgeTotals all;
  std::vector<JudgeTotals> rounds;
  double level = 0.95;
};

void AddSamplePairs(const JudgeGroup& group, JudgeTotals& row) {
  for (const auto& [game, outcomes] : group.samples) {
    double samples = 0;
    double alike = 0;
    for (const std::uint32_t count : outcomes) {
      samples += count;
      alike += count * (count - 1.0) / 2;
    }
    row[kSamplePairs] += samples * (samples - 1) / 2;
    row[kSamplePairsAlike] += alike;
  }
}

/// One row of sums per group, with the derived ones filled in.
std::vector<JudgeTotals> Rows(const JudgeSums& sums) {
  std::vector<JudgeTotals> rows;
  for (const auto& [number, group] : sums.groups) {
    JudgeTotals row = group.sums;
    AddSamplePairs(group, row);
    for (std::size_t f = 0; f < sums.families.size(); ++f) {
      const double own = row[sums.FamilyAt(f, kOwnBattles)];
      const double other = row[sums.FamilyAt(f, kOtherBattles)];
      if (own == 0 || other == 0) continue;
      row[sums.FamilyAt(f, kMatchedBattles)] = own;
      row[sums.FamilyAt(f, kMatchedExcess)] =
          row[sums.FamilyAt(f, kOwnShare)] - own * row[sums.FamilyAt(f, kOtherShare)] / other;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

void AddTo(JudgeTotals& totals, const JudgeTotals& row) {
  for (std::size_t k = 0; k < totals.size(); ++k) totals[k] += row[k];
}

Resampled Resample(const std::vector<JudgeTotals>& rows, const JudgeQualityReportOptions& options) {
  Resampled resampled;
  resampled.level = options.level;
  resampled.all.resize(rows.front().size());
  for (const JudgeTotals& row : rows) AddTo(resampled.all, row);
  resampled.rounds.assign(static_cast<std::size_t>(options.rounds),
                          JudgeTotals(rows.front().size()));
  ParallelFor(resampled.rounds.size(), options.threads, [&](std::size_t round) {
    Rng rng(options.seed, round);
    for (std::size_t draw = 0; draw < rows.size(); ++draw) {
      AddTo(resampled.rounds[round], rows[rng.Below(rows.size())]);
    }
  });
  return resampled;
}

/// A statistic of the totals with its percentile interval; absent where `of` is absent on them.
template <typename Statistic>
std::optional<Figure> WithInterval(const Resampled& resampled, const Statistic& of) {
  const std::optional<double> value = of(resampled.all);
  if (!value) return std::nullopt;
  std::vector<double> drawn;
  for (const JudgeTotals& totals : resampled.rounds) {
    if (const std::optional<double> round = of(totals)) drawn.push_back(*round);
  }
  if (drawn.empty()) return Figure{*value, *value, *value};
  std::sort(drawn.begin(), drawn.end());
  return Figure{*value, Quantile(drawn, (1 - resampled.level) / 2),
                Quantile(drawn, (1 + resampled.level) / 2)};
}

std::optional<JudgeRate> Rate(const Resampled& resampled, std::size_t part, std::size_t whole) {
  const auto ratio = [&](const JudgeTotals& totals) -> std::optional<double> {
    if (totals[whole] == 0) return std::nullopt;
    return totals[part] / totals[whole];
  };
  const std::optional<Figure> figure = WithInterval(resampled, ratio);
  if (!figure) return std::nullopt;
  return JudgeRate{*figure, std::llround(resampled.all[whole])};
}

double Case(const JudgeTotals& totals, std::size_t judge, std::size_t vote) {
  return totals[kVoteCases + 3 * judge + vote];
}

double AllCases(const JudgeTotals& totals) {
  double cases = 0;
  for (std::size_t k = 0; k < 9; ++k) cases += totals[kVoteCases + k];
  return cases;
}

std::optional<double> Accuracy(const JudgeTotals& totals) {
  const double cases = AllCases(totals);
  if (cases == 0) return std::nullopt;
  return (Case(totals, 0, 0) + Case(totals, 1, 1) + Case(totals, 2, 2)) / cases;
}

double DecidedCases(const JudgeTotals& totals) {
  return Case(totals, 0, 0) + Case(totals, 0, 2) + Case(totals, 2, 0) + Case(totals, 2, 2);
}

std::optional<double> DecidedAccuracy(const JudgeTotals& totals) {
  const double cases = DecidedCases(totals);
  if (cases == 0) return std::nullopt;
  return (Case(totals, 0, 0) + Case(totals, 2, 2)) / cases;
}

/// Cohen's kappa: (observed - expected) / (1 - expected) agreement.
std::optional<double> Kappa(const JudgeTotals& totals) {
  const double cases = AllCases(totals);
  if (cases == 0) return std::nullopt;
  double expected = 0;
  for (std::size_t label = 0; label < 3; ++label) {
    double judge = 0;
    double vote = 0;
    for (std::size_t other = 0; other < 3; ++other) {
      judge += Case(totals, label, other);
      vote += Case(totals, other, label);
    }
    expected += judge / cases * vote / cases;
  }
  if (expected >= 1) return std::nullopt;
  return (*Accuracy(totals) - expected) / (1 - expected);
}

std::optional<VoteAgreement> Votes(const Resampled& resampled) {
  const std::optional<Figure> accuracy = WithInterval(resampled, Accuracy);
  if (!accuracy) return std::nullopt;
  VoteAgreement votes;
  votes.accuracy = {*accuracy, std::llround(AllCases(resampled.all))};
  votes.decided_accuracy = {WithInterval(resampled, DecidedAccuracy).value_or(Figure{}),
                            std::llround(DecidedCases(resampled.all))};
  votes.kappa = WithInterval(resampled, Kappa);
  for (std::size_t judge = 0; judge < 3; ++judge) {
    for (std::size_t vote = 0; vote < 3; ++vote) {
      votes.cases[judge][vote] = std::llround(Case(resampled.all, judge, vote));
    }
  }
  return votes;
}

std::vector<FamilyPreference> Families(const JudgeSums& sums, const Resampled& resampled) {
  std::vector<FamilyPreference> families;
  for (std::size_t f = 0; f < sums.families.size(); ++f) {
    const auto rate = [&](FamilySum part, FamilySum whole) {
      return Rate(resampled, sums.FamilyAt(f, part), sums.FamilyAt(f, whole));
    };
    const std::optional<JudgeRate> win_rate = rate(kOwnShare, kOwnBattles);
    if (!win_rate) continue;
    families.push_back({sums.families[f], *win_rate, rate(kVotedExcess, kVotedBattles),
                        rate(kMatchedExcess, kMatchedBattles)});
  }
  return families;
}

/// Score and information of the slope.
struct SlopeDerivatives {
  double score = 0;
  double information = 0;
};

double Probability(double slope, double x) { return 1 / (1 + std::exp(-slope * x)); }

class SlopeFit {
 public:
  /// Cases are grouped by instruction for the sandwich.
  explicit SlopeFit(const std::map<std::uint32_t, JudgeGroup>& groups) : groups_(groups) {
    double square = 0;
    for (const auto& [number, group] : groups_) {
      for (const LengthCase& one : group.lengths) square += one.difference * one.difference;
      count_ += static_cast<std::int64_t>(group.lengths.size());
    }
    if (count_ > 0) deviation_ = std::sqrt(square / static_cast<double>(count_));
  }

  std::int64_t count() const { return count_; }
  double deviation() const { return deviation_; }

  /// The root of the score: Newton's steps, bisection where one leaves the bracket.
  double Solve() const {
    double low = -1;
    double high = 1;
    while (At(low).score < 0) low *= 2;
    while (At(high).score > 0) high *= 2;
    double slope = 0;
    for (int step = 0; step < 200; ++step) {
      const SlopeDerivatives at = At(slope);
      (at.score > 0 ? low : high) = slope;
      double next = slope + at.score / at.information;
      if (!(next > low && next < high)) next = (low + high) / 2;
      if (std::abs(next - slope) <= 1e-12 * (1 + std::abs(slope))) return next;
      slope = next;
    }
    return slope;
  }

  /// Standard error by the sandwich, scores added up within each group.
  double StandardError(double slope) const {
    double meat = 0;
    for (const auto& [number, group] : groups_) {
      double score = 0;
      for (const LengthCase& one : group.lengths) {
        const double x = one.difference / deviation_;
        score += (one.share - Probability(slope, x)) * x;
      }
      meat += score * score;
    }
    return std::sqrt(meat) / At(slope).information;
  }

 private:
  /// A ridge keeps the slope finite where the longer answer always wins.
  static constexpr double kRidge = 1e-5;

  SlopeDerivatives At(double slope) const {
    SlopeDerivatives at{-kRidge * slope, kRidge};
    for (const auto& [number, group] : groups_) {
      for (const LengthCase& one : group.lengths) {
        const double x = one.difference / deviation_;
        const double p = Probability(slope, x);
        at.score += (one.share - p) * x;
        at.information += p * (1 - p) * x * x;
      }
    }
    return at;
  }

  const std::map<std::uint32_t, JudgeGroup>& groups_;
  std::int64_t count_ = 0;
  double deviation_ = 0;
};

std::optional<LengthSlope> SlopeOfLengths(const JudgeSums& sums, double level) {
  const SlopeFit fit(sums.groups);
  if (fit.count() == 0 || !(fit.deviation() > 0)) return std::nullopt;
  LengthSlope slope;
  slope.slope.value = fit.Solve();
  const double margin = NormalQuantile(level) * fit.StandardError(slope.slope.value);
  slope.slope.lower = slope.slope.value - margin;
  slope.slope.upper = slope.slope.value + margin;
  slope.deviation = fit.deviation();
  slope.unit = sums.length_unit == LengthUnit::kTokens ? "tokens" : "bytes";
  slope.count = fit.count();
  slope.sampled = sums.sampled_groups < kJudgeGroups;
  return slope;
}

void Warn(const JudgeSums& sums, JudgeQualityReport& report) {
  std::vector<std::string>& warnings = report.warnings;
  if (sums.unnamed > 0) {
    warnings.push_back(std::to_string(sums.unnamed) +
                       " battles name no instruction: they count as independent of each other");
  }
  if (sums.votes_ignored > 0) {
    warnings.push_back(std::to_string(sums.votes_ignored) +
                       " votes are void or name no instruction, and were left out");
  }
  if (sums.vote_after_battle) {
    warnings.emplace_back("votes came after battles; earlier battles were not compared with them");
  }
  if (sums.votes_given > 0 && !report.votes) {
    warnings.emplace_back(
        "no vote is on an instruction and pair of contestants that the judge judged; names and "
        "instructions must be the same in both files");
  }
  if (sums.lengths_in_other_unit > 0) {
    warnings.push_back(std::to_string(sums.lengths_in_other_unit) +
                       " battles have lengths in another unit than the first, and were left out of "
                       "the length figures");
  }
  if (sums.sampled_groups < kJudgeGroups) {
    warnings.push_back("length slope and repeatability are from a sample: 1 in " +
                       std::to_string(kJudgeGroups / std::max(1U, sums.sampled_groups)) +
                       " instructions");
  }
}

}  // namespace

Result<JudgeQualityReport> ReportJudge(const JudgeSums& sums,
                                       const JudgeQualityReportOptions& options) {
  if (sums.battles == 0) return InvalidInput("no battles to report the judge's quality of");
  if (!(options.level > 0 && options.level < 1)) {
    return InvalidInput("the interval level must be between 0 and 1");
  }
  if (options.rounds < 1) return InvalidInput("judge quality needs 1 bootstrap round or more");

  const Resampled resampled = Resample(Rows(sums), options);
  JudgeQualityReport report;
  report.battles = sums.battles;
  report.games = std::llround(resampled.all[kGames]);
  report.clusters = static_cast<std::int64_t>(sums.groups.size());
  report.level = options.level;
  report.rounds = options.rounds;
  report.seed = options.seed;
  report.void_rate = Rate(resampled, kVoidGames, kGames);
  report.flip_rate = Rate(resampled, kFlips, kSwapped);
  report.first_seat_reversals = Rate(resampled, kFirstReversals, kSwapped);
  report.second_seat_reversals = Rate(resampled, kSecondReversals, kSwapped);
  report.tie_flips = Rate(resampled, kTieFlips, kSwapped);
  report.first_seat_win_rate = Rate(resampled, kFirstSeatShare, kJudgedGames);
  report.longer_win_rate = Rate(resampled, kLongerShare, kUnequalLengths);
  report.length_slope = SlopeOfLengths(sums, options.level);
  report.repeatability = Rate(resampled, kSamplePairsAlike, kSamplePairs);
  report.jury_agreement = Rate(resampled, kMemberPairsAlike, kMemberPairs);
  report.votes = Votes(resampled);
  report.votes_given = sums.votes_given;
  report.families = Families(sums, resampled);
  Warn(sums, report);
  return report;
}

}  // namespace arena::rating_internal
