#include "rating/agreement.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <numbers>
#include <numeric>

#include "base/nearest.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "rating/internal/board_building.h"

namespace arena {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();

/// Ratings with intervals, of the common contestants in their order.
struct Ratings {
  std::vector<double> rating;
  std::vector<double> lower;
  std::vector<double> upper;

  std::size_t size() const { return rating.size(); }
  /// +1: i above j with confidence, -1: below, 0: the intervals overlap.
  int Separates(std::size_t i, std::size_t j) const {
    if (lower[i] > upper[j]) return 1;
    return lower[j] > upper[i] ? -1 : 0;
  }
};

/// A board restricted to the common contestants, and how its ratings vary.
struct Side {
  Ratings ratings;
  std::vector<double> deviation;           ///< standard deviation of each rating, from its interval
  std::vector<std::vector<double>> draws;  ///< [round][common contestant]; empty: none
};

enum FigureIndex {
  kSpearman,
  kKendall,
  kAllPairs,
  kReferencePairs,
  kDifferentiation,
  kReferenceDifferentiation,
  kBrier,
  kFigureCount
};
using Figures = std::array<double, kFigureCount>;

/// Square matrix of pairs, row-major.
class PairMatrix {
 public:
  explicit PairMatrix(std::size_t n) : n_(n), values_(n * n, 0.0) {}
  double& at(std::size_t i, std::size_t j) { return values_[i * n_ + j]; }
  double at(std::size_t i, std::size_t j) const { return values_[i * n_ + j]; }

 private:
  std::size_t n_;
  std::vector<double> values_;
};

double NormalCdf(double z) { return 0.5 * std::erfc(-z / std::numbers::sqrt2); }

/// P(i above j) when the gap of the ratings is normal; a gap without variance is certain.
double ProbabilityAbove(double gap, double deviation) {
  if (deviation > 0) return NormalCdf(gap / deviation);
  return gap > 0 ? 1.0 : gap < 0 ? 0.0 : 0.5;
}

Status CheckBoard(const Board& board, std::string_view what) {
  for (const BoardRow& row : board.contestants) {
    if (!std::isfinite(row.rating) || !std::isfinite(row.lower) || !std::isfinite(row.upper)) {
      return InvalidInput(
          fmt::format("the {}'s row of '{}' has a rating or bound that is not a finite number",
                      what, row.name));
    }
    if (row.lower > row.upper) {
      return InvalidInput(
          fmt::format("the {}'s row of '{}' has its lower bound {} above its upper {}", what,
                      row.name, row.lower, row.upper));
    }
  }
  for (const auto& draw : board.draws) {
    if (draw.size() != board.contestants.size()) {
      return InvalidInput(fmt::format("the {} has bootstrap draws of {} contestants and {} rows",
                                      what, draw.size(), board.contestants.size()));
    }
  }
  if (!(board.level > 0 && board.level < 1)) {
    return InvalidInput(fmt::format("the {}'s interval level is {}; it must be between 0 and 1",
                                    what, board.level));
  }
  return {};
}

/// Name -> row.
Result<std::map<std::string_view, std::size_t>> IndexByName(const Board& board,
                                                            std::string_view what) {
  std::map<std::string_view, std::size_t> index;
  for (std::size_t i = 0; i < board.contestants.size(); ++i) {
    if (!index.emplace(board.contestants[i].name, i).second) {
      return InvalidInput(fmt::format("the {} names '{}' twice", what, board.contestants[i].name));
    }
  }
  return index;
}

Side Restrict(const Board& board, const std::map<std::string_view, std::size_t>& index,
              const std::vector<std::string>& common) {
  const double width = 2 * rating_internal::NormalQuantile(board.level);
  Side side;
  std::vector<std::size_t> rows;
  for (const std::string& name : common) {
    const std::size_t r = index.at(name);
    const BoardRow& row = board.contestants[r];
    rows.push_back(r);
    side.ratings.rating.push_back(row.rating);
    side.ratings.lower.push_back(row.lower);
    side.ratings.upper.push_back(row.upper);
    side.deviation.push_back((row.upper - row.lower) / width);
  }
  for (const auto& draw : board.draws) {
    std::vector<double>& restricted = side.draws.emplace_back();
    for (const std::size_t r : rows) restricted.push_back(draw[r]);
  }
  return side;
}

/// Ranks from 1, equal values sharing their mean rank.
std::vector<double> MidRanks(const std::vector<double>& values) {
  std::vector<std::size_t> order(values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t i, std::size_t j) { return values[i] < values[j]; });
  std::vector<double> ranks(values.size());
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
    for (std::size_t k = begin; k < end; ++k) {
      ranks[order[k]] = (static_cast<double>(begin + end) + 1) / 2;
    }
  }
  return ranks;
}

double Spearman(const std::vector<double>& x, const std::vector<double>& y) {
  const std::vector<double> rank_x = MidRanks(x);
  const std::vector<double> rank_y = MidRanks(y);
  const double mean = (static_cast<double>(x.size()) + 1) / 2;
  double xx = 0;
  double yy = 0;
  double xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (rank_x[i] - mean) * (rank_x[i] - mean);
    yy += (rank_y[i] - mean) * (rank_y[i] - mean);
    xy += (rank_x[i] - mean) * (rank_y[i] - mean);
  }
  return xx > 0 && yy > 0 ? xy / std::sqrt(xx * yy) : kUndefined;
}

int Sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : 0; }

/// All figures; `above(i, j)` is the board's probability that i is above j.
template <typename Above>
Figures Compute(const Ratings& board, const Ratings& reference, const Above& above) {
  double pairs = 0;
  double concordance = 0;
  double untied_board = 0;
  double untied_reference = 0;
  double score = 0;
  double separated_board = 0;
  double separated_reference = 0;
  double brier = 0;
  for (std::size_t i = 0; i < board.size(); ++i) {
    for (std::size_t j = i + 1; j < board.size(); ++j) {
      const int order_board = Sign(board.rating[i] - board.rating[j]);
      const int order_reference = Sign(reference.rating[i] - reference.rating[j]);
      const int sure_board = board.Separates(i, j);
      const int sure_reference = reference.Separates(i, j);
      const double error = above(i, j) - (order_reference + 1) / 2.0;
      pairs += 1;
      concordance += order_board * order_reference;
      untied_board += std::abs(order_board);
      untied_reference += std::abs(order_reference);
      score += sure_board * sure_reference;
      separated_board += std::abs(sure_board);
      separated_reference += std::abs(sure_reference);
      brier += error * error;
    }
  }
  Figures figures;
  figures[kSpearman] = Spearman(board.rating, reference.rating);
  figures[kKendall] = untied_board > 0 && untied_reference > 0
                          ? concordance / std::sqrt(untied_board * untied_reference)
                          : kUndefined;
  figures[kAllPairs] = score / pairs;
  figures[kReferencePairs] = separated_reference > 0 ? score / separated_reference : kUndefined;
  figures[kDifferentiation] = separated_board / pairs;
  figures[kReferenceDifferentiation] = separated_reference / pairs;
  figures[kBrier] = brier / pairs;
  return figures;
}

/// P(i above j) by the share of the draws, or by the intervals where there are no draws.
PairMatrix Probabilities(const Side& side) {
  const std::size_t n = side.ratings.size();
  PairMatrix above(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      if (side.draws.empty()) {
        above.at(i, j) = ProbabilityAbove(side.ratings.rating[i] - side.ratings.rating[j],
                                          std::hypot(side.deviation[i], side.deviation[j]));
        continue;
      }
      double won = 0;
      for (const auto& draw : side.draws) won += (Sign(draw[i] - draw[j]) + 1) / 2.0;
      above.at(i, j) = won / static_cast<double>(side.draws.size());
    }
  }
  return above;
}

/// Standard deviation of the gap of every pair.
PairMatrix GapDeviations(const Side& side) {
  const std::size_t n = side.ratings.size();
  PairMatrix deviations(n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = i + 1; j < n; ++j) {
      if (side.draws.empty()) {
        deviations.at(i, j) = std::hypot(side.deviation[i], side.deviation[j]);
        continue;
      }
      const double rounds = static_cast<double>(side.draws.size());
      double mean = 0;
      for (const auto& draw : side.draws) mean += (draw[i] - draw[j]) / rounds;
      double square = 0;
      for (const auto& draw : side.draws) square += std::pow(draw[i] - draw[j] - mean, 2);
      deviations.at(i, j) = std::sqrt(square / rounds);
    }
  }
  return deviations;
}

/// Box-Muller; two uniforms each time, so that the stream does not depend on what came before.
double StandardNormal(Rng& rng) {
  const double radius = std::sqrt(-2 * std::log(1 - rng.Uniform()));
  return radius * std::cos(2 * std::numbers::pi * rng.Uniform());
}

/// The ratings as they might have come out, their intervals moved along.
Ratings Redraw(const Side& side, Rng& rng) {
  Ratings drawn = side.ratings;
  const std::vector<double>* round =
      side.draws.empty() ? nullptr : &side.draws[rng.Below(side.draws.size())];
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    const double shift =
        round != nullptr ? (*round)[i] - drawn.rating[i] : side.deviation[i] * StandardNormal(rng);
    drawn.rating[i] += shift;
    drawn.lower[i] += shift;
    drawn.upper[i] += shift;
  }
  return drawn;
}

/// One figure with its percentile interval, or nothing where its value is undefined.
std::optional<Figure> WithInterval(FigureIndex which, const Figures& value,
                                   const std::vector<Figures>& rounds, double level) {
  if (std::isnan(value[which])) return std::nullopt;
  std::vector<double> drawn = {};
  for (const Figures& round : rounds) {
    if (!std::isnan(round[which])) drawn.push_back(round[which]);
  }
  Figure figure{value[which], value[which], value[which]};
  if (drawn.empty()) return figure;
  std::sort(drawn.begin(), drawn.end());
  figure.lower = std::min(figure.value, rating_internal::Quantile(drawn, (1 - level) / 2));
  figure.upper = std::max(figure.value, rating_internal::Quantile(drawn, (1 + level) / 2));
  return figure;
}

void SplitNames(const std::map<std::string_view, std::size_t>& board,
                const std::map<std::string_view, std::size_t>& reference, Agreement& result) {
  for (const auto& [name, row] : board) {
    (reference.contains(name) ? result.common : result.only_board).emplace_back(name);
  }
  for (const auto& [name, row] : reference) {
    if (!board.contains(name)) result.only_reference.emplace_back(name);
  }
}

Error TooFewCommon(const Agreement& result) {
  std::string message = fmt::format(
      "the two boards share {} contestant{}; agreement needs two or more. Names must be spelled "
      "alike in both",
      result.common.size(), result.common.size() == 1 ? "" : "s");
  const std::vector<std::string_view> candidates(result.only_reference.begin(),
                                                 result.only_reference.end());
  for (const std::string& name : result.only_board) {
    if (const auto nearest = NearestName(name, candidates)) {
      return InvalidInput(
          fmt::format("{} (is '{}' the reference's '{}'?)", message, name, *nearest));
    }
  }
  return InvalidInput(message);
}

void ListDisagreements(const Ratings& board, const Ratings& reference, Agreement& result) {
  for (std::size_t i = 0; i < board.size(); ++i) {
    for (std::size_t j = 0; j < board.size(); ++j) {
      const double board_gap = board.rating[i] - board.rating[j];
      const double reference_gap = reference.rating[i] - reference.rating[j];
      if (!(board_gap > 0 && reference_gap < 0)) continue;
      result.disagreements.push_back({result.common[i], result.common[j], board_gap, reference_gap,
                                      board.Separates(i, j) != 0, reference.Separates(i, j) != 0});
    }
  }
  const auto both = [](const PairDisagreement& d) {
    return d.board_separates && d.reference_separates;
  };
  std::stable_sort(result.disagreements.begin(), result.disagreements.end(),
                   [&](const PairDisagreement& x, const PairDisagreement& y) {
                     if (both(x) != both(y)) return both(x);
                     return x.reference_gap < y.reference_gap;
                   });
}

void WarnOfCertainty(const Side& side, std::string_view what, Agreement& result) {
  const auto width = std::max_element(side.deviation.begin(), side.deviation.end());
  if (*width > 0) return;
  result.warnings.push_back(fmt::format(
      "the {} has no intervals: its order counts as certain, and every pair with unequal ratings "
      "as separated by it",
      what));
}

std::vector<Figures> Bootstrap(const Side& board, const Side& reference,
                               const AgreementOptions& options) {
  const PairMatrix deviations = GapDeviations(board);
  std::vector<Figures> rounds(static_cast<std::size_t>(options.rounds));
  ParallelFor(rounds.size(), options.threads, [&](std::size_t round) {
    Rng rng(options.seed, round);
    const Ratings drawn_board = Redraw(board, rng);
    const Ratings drawn_reference = Redraw(reference, rng);
    rounds[round] = Compute(drawn_board, drawn_reference, [&](std::size_t i, std::size_t j) {
      return ProbabilityAbove(drawn_board.rating[i] - drawn_board.rating[j], deviations.at(i, j));
    });
  });
  return rounds;
}

void FillFigures(const Side& board, const Side& reference, const AgreementOptions& options,
                 Agreement& result) {
  const PairMatrix above = Probabilities(board);
  const Figures value = Compute(board.ratings, reference.ratings,
                                [&](std::size_t i, std::size_t j) { return above.at(i, j); });
  const std::vector<Figures> rounds = Bootstrap(board, reference, options);
  const auto figure = [&](FigureIndex which) {
    return WithInterval(which, value, rounds, options.level);
  };
  result.spearman = figure(kSpearman);
  result.kendall = figure(kKendall);
  result.agreement_all_pairs = *figure(kAllPairs);
  result.agreement_reference_pairs = figure(kReferencePairs);
  result.differentiation = *figure(kDifferentiation);
  result.reference_differentiation = *figure(kReferenceDifferentiation);
  result.brier = *figure(kBrier);
  const auto n = static_cast<std::int64_t>(result.common.size());
  result.pairs = n * (n - 1) / 2;
  result.reference_pairs =
      std::llround(value[kReferenceDifferentiation] * static_cast<double>(result.pairs));
}

}  // namespace

Result<Agreement> CompareBoards(const Board& board, const Board& reference,
                                const AgreementOptions& options) {
  if (!(options.level > 0 && options.level < 1)) {
    return InvalidInput("the interval level must be between 0 and 1");
  }
  if (options.rounds < 1) return InvalidInput("agreement needs 1 bootstrap round or more");
  ARENA_RETURN_IF_ERROR(CheckBoard(board, "board"));
  ARENA_RETURN_IF_ERROR(CheckBoard(reference, "reference"));
  ARENA_ASSIGN_OR_RETURN(const auto board_index, IndexByName(board, "board"));
  ARENA_ASSIGN_OR_RETURN(const auto reference_index, IndexByName(reference, "reference"));

  Agreement result;
  result.level = options.level;
  result.rounds = options.rounds;
  result.seed = options.seed;
  SplitNames(board_index, reference_index, result);
  if (result.common.size() < 2) return TooFewCommon(result);

  const Side board_side = Restrict(board, board_index, result.common);
  const Side reference_side = Restrict(reference, reference_index, result.common);
  WarnOfCertainty(board_side, "board", result);
  WarnOfCertainty(reference_side, "reference", result);
  FillFigures(board_side, reference_side, options, result);
  if (!result.spearman) {
    result.warnings.emplace_back(
        "a board rates all common contestants alike: rank correlations are not defined");
  }
  if (!result.agreement_reference_pairs) {
    result.warnings.emplace_back(
        "the reference separates no pair: agreement over its separated pairs is not defined");
  }
  ListDisagreements(board_side.ratings, reference_side.ratings, result);
  return result;
}

}  // namespace arena
