#include <algorithm>
#include <mutex>
#include <numeric>
#include <optional>
#include <tuple>
#include <utility>

#include "rating/internal/binomial.h"
#include "rating/internal/kernels.h"
#include "rating/internal/pairs.h"
#include "rating/internal/problem.h"

namespace arena::rating_internal {
namespace {

// Writes the probability that a wins for every pair to `wins`.
void WinProbabilities(const Pairs& pairs, std::span<const double> x, std::vector<double>& wins) {
  wins.resize(pairs.size());
  for (std::size_t a = 0; a < pairs.contestants; ++a) {
    for (std::size_t p = pairs.first[a]; p < pairs.first[a + 1]; ++p) {
      wins[p] = x[a] - x[pairs.b[p]];
    }
  }
  Logistic(wins.data(), wins.size());
}

// Per pair the weight of its results, and what of it a won: all that the likelihood depends on.
struct Totals {
  std::vector<double> weight;
  std::vector<double> won;
  explicit Totals(std::size_t pairs) : weight(pairs, 0), won(pairs, 0) {}
};

class PairLikelihood final : public Likelihood {
 public:
  PairLikelihood(const Pairs& pairs, Totals totals) : pairs_(pairs), totals_(std::move(totals)) {}

  std::size_t parameters() const override { return pairs_.contestants; }

  double Value(std::span<const double> x) override {
    double value = 0;
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      const double d = x[pairs_.a[p]] - x[pairs_.b[p]];
      value += totals_.weight[p] * Softplus(d) - totals_.won[p] * d;
    }
    return value;
  }

  void AddGradient(std::span<const double> x, std::span<double> gradient) override {
    WinProbabilities(pairs_, x, wins_);
    for (std::size_t a = 0; a < pairs_.contestants; ++a) {
      double of_a = gradient[a];
      for (std::size_t p = pairs_.first[a]; p < pairs_.first[a + 1]; ++p) {
        const double excess = totals_.won[p] - totals_.weight[p] * wins_[p];
        of_a -= excess;
        gradient[pairs_.b[p]] += excess;
      }
      gradient[a] = of_a;
    }
  }

  void AddHessian(std::span<const double> x, std::span<double> hessian) override {
    WinProbabilities(pairs_, x, wins_);
    for (std::size_t p = 0; p < pairs_.size(); ++p) {
      wins_[p] = totals_.weight[p] * wins_[p] * (1 - wins_[p]);
    }
    AddPairProducts(pairs_, wins_, hessian, pairs_.contestants);
  }

  double LogitChange(std::span<const double> step) const override {
    const auto [low, high] = std::minmax_element(step.begin(), step.end());
    return *high - *low;
  }

  bool EveryContestantPlays() const override {
    return AllPlay(pairs_, [this](std::size_t p) { return totals_.weight[p]; });
  }

 private:
  const Pairs& pairs_;
  Totals totals_;
  std::vector<double> wins_;
};

// Every result is a sampling unit; equal ones are drawn together.
class IndependentPairProblem final : public Problem {
 public:
  IndependentPairProblem(const Canonical& canonical, const RatingOptions& options)
      : pairs_(CollectPairs(canonical, options)), whole_(pairs_.size()) {
    rows_.reserve(canonical.rows.size());
    for (const UniqueRow& row : canonical.rows) {
      const std::size_t pair = pairs_.Find(row.a, row.b);
      const double weight = row.weight * pairs_.factor[pair];
      rows_.push_back({pair, weight, row.share, row.count});
      whole_.weight[pair] += weight * row.count;
      whole_.won[pair] += weight * row.count * row.share;
      units_ += row.count;
    }
  }

  std::size_t parameters() const override { return pairs_.contestants; }
  double total_weight() const override {
    return std::accumulate(whole_.weight.begin(), whole_.weight.end(), 0.0);
  }
  double units() const override { return units_; }

  std::unique_ptr<Likelihood> Whole() const override {
    return std::make_unique<PairLikelihood>(pairs_, whole_);
  }

  std::unique_ptr<Likelihood> Resample(Rng& rng) const override {
    std::call_once(sampler_made_, [this] { MakeSampler(); });
    std::vector<double> counts;
    sampler_->Draw(rng, counts);
    Totals totals(pairs_.size());
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      const double weight = counts[i] * rows_[i].weight;
      totals.weight[rows_[i].pair] += weight;
      totals.won[rows_[i].pair] += weight * rows_[i].share;
    }
    return std::make_unique<PairLikelihood>(pairs_, std::move(totals));
  }

  void AddScoreProducts(std::span<const double> x, std::span<double> products) const override {
    std::vector<double> wins;
    WinProbabilities(pairs_, x, wins);
    std::vector<double> squares(pairs_.size(), 0);
    for (const Row& row : rows_) {
      const double score = row.weight * (row.share - wins[row.pair]);
      squares[row.pair] += row.count * score * score;
    }
    AddPairProducts(pairs_, squares, products, pairs_.contestants);
  }

 private:
  struct Row {
    std::size_t pair;
    double weight;  // of one result, pair weight included
    double share;
    double count;
  };

  void MakeSampler() const {
    std::vector<double> counts;
    counts.reserve(rows_.size());
    for (const Row& row : rows_) counts.push_back(row.count);
    sampler_.emplace(std::move(counts));
  }

  Pairs pairs_;
  std::vector<Row> rows_;
  Totals whole_;
  double units_ = 0;
  // Made by the first call of Resample: most problems are never resampled.
  mutable std::once_flag sampler_made_;
  mutable std::optional<Multinomial> sampler_;
};

// What one sampling unit has to say of one pair.
struct Cell {
  std::uint32_t unit = 0;
  std::uint32_t pair = 0;
  double weight = 0;
  double won = 0;
};

bool CellBefore(const Cell& x, const Cell& y) {
  return std::tie(x.pair, x.weight, x.won) < std::tie(y.pair, y.weight, y.won);
}

// By unit in time linear in the cells, then by CellBefore within each unit.
void SortCells(std::vector<Cell>& cells, std::uint32_t units) {
  std::vector<std::size_t> start(units + 1, 0);
  for (const Cell& cell : cells) ++start[cell.unit + 1];
  std::partial_sum(start.begin(), start.end(), start.begin());
  std::vector<Cell> sorted(cells.size());
  std::vector<std::size_t> next(start.begin(), start.end() - 1);
  for (const Cell& cell : cells) sorted[next[cell.unit]++] = cell;
  for (std::uint32_t unit = 0; unit < units; ++unit) {
    std::sort(sorted.begin() + static_cast<std::ptrdiff_t>(start[unit]),
              sorted.begin() + static_cast<std::ptrdiff_t>(start[unit + 1]), CellBefore);
  }
  cells.swap(sorted);
}

// Adds up cells of the same unit and pair; `cells` is sorted.
void MergeCells(std::vector<Cell>& cells) {
  std::size_t kept = 0;
  for (const Cell& cell : cells) {
    if (kept > 0 && cells[kept - 1].unit == cell.unit && cells[kept - 1].pair == cell.pair) {
      cells[kept - 1].weight += cell.weight;
      cells[kept - 1].won += cell.won;
    } else {
      cells[kept++] = cell;
    }
  }
  cells.resize(kept);
}

// Whole instructions with all their results are the sampling units.
class ClusteredPairProblem final : public Problem {
 public:
  ClusteredPairProblem(const Dataset& data, const Canonical& canonical,
                       const RatingOptions& options)
      : pairs_(CollectPairs(canonical, options)), whole_(pairs_.size()) {
    CollectCells(data, canonical);
    for (const Cell& cell : cells_) {
      whole_.weight[cell.pair] += cell.weight;
      whole_.won[cell.pair] += cell.won;
    }
    units_ = cells_.back().unit + 1;
    first_.assign(units_ + 1, 0);
    for (const Cell& cell : cells_) ++first_[cell.unit + 1];
    std::partial_sum(first_.begin(), first_.end(), first_.begin());
  }

  std::size_t parameters() const override { return pairs_.contestants; }
  double total_weight() const override {
    return std::accumulate(whole_.weight.begin(), whole_.weight.end(), 0.0);
  }
  double units() const override { return units_; }

  std::unique_ptr<Likelihood> Whole() const override {
    return std::make_unique<PairLikelihood>(pairs_, whole_);
  }

  std::unique_ptr<Likelihood> Resample(Rng& rng) const override {
    const std::vector<std::uint16_t> counts = ResampleUnits(rng, units_);
    Totals totals(pairs_.size());
    for (const Cell& cell : cells_) {
      totals.weight[cell.pair] += counts[cell.unit] * cell.weight;
      totals.won[cell.pair] += counts[cell.unit] * cell.won;
    }
    return std::make_unique<PairLikelihood>(pairs_, std::move(totals));
  }

  void AddScoreProducts(std::span<const double> x, std::span<double> products) const override {
    const std::size_t n = pairs_.contestants;
    std::vector<double> wins;
    WinProbabilities(pairs_, x, wins);
    std::vector<double> score(n, 0);
    std::vector<bool> is_touched(n, false);
    std::vector<std::size_t> touched;
    const auto add = [&](std::size_t contestant, double value) {
      if (!is_touched[contestant]) touched.push_back(contestant);
      is_touched[contestant] = true;
      score[contestant] += value;
    };
    for (std::size_t unit = 0; unit + 1 < first_.size(); ++unit) {
      for (std::size_t c = first_[unit]; c < first_[unit + 1]; ++c) {
        const Cell& cell = cells_[c];
        const double excess = cell.won - cell.weight * wins[cell.pair];
        add(pairs_.a[cell.pair], excess);
        add(pairs_.b[cell.pair], -excess);
      }
      for (const std::size_t i : touched) {
        for (const std::size_t j : touched) products[i * n + j] += score[i] * score[j];
      }
      for (const std::size_t i : touched) {
        score[i] = 0;
        is_touched[i] = false;
      }
      touched.clear();
    }
  }

 private:
  void CollectCells(const Dataset& data, const Canonical& canonical) {
    const Units units(data);
    std::vector<Cell> lone;
    data.ForEachRow([&](const ResultRow& row) {
      const std::uint32_t a = canonical.from_dataset[row.a];
      const std::uint32_t b = canonical.from_dataset[row.b];
      const double share = a < b ? double{row.share} : 1 - double{row.share};
      const std::size_t pair = pairs_.Find(std::min(a, b), std::max(a, b));
      const double weight = double{row.weight} * pairs_.factor[pair];
      const Cell cell{0, static_cast<std::uint32_t>(pair), weight, weight * share};
      if (row.cluster == 0) {
        lone.insert(lone.end(), row.count, cell);
      } else {
        cells_.push_back(cell);
        cells_.back().unit = units.OfCluster(row.cluster);
      }
    });
    std::sort(lone.begin(), lone.end(), CellBefore);
    std::uint32_t unit = units.instructions();
    for (Cell& cell : lone) cell.unit = unit++;
    SortCells(cells_, units.instructions());
    MergeCells(cells_);
    cells_.insert(cells_.end(), lone.begin(), lone.end());
  }

  Pairs pairs_;
  std::vector<Cell> cells_;         // by unit, then pair
  std::vector<std::size_t> first_;  // per unit: its first cell; one more at the end
  Totals whole_;
  std::uint32_t units_ = 0;
};

}  // namespace

std::unique_ptr<Problem> MakePairProblem(const Canonical& canonical, const RatingOptions& options) {
  return std::make_unique<IndependentPairProblem>(canonical, options);
}

std::unique_ptr<Problem> MakeClusteredPairProblem(const Dataset& data, const Canonical& canonical,
                                                  const RatingOptions& options) {
  return std::make_unique<ClusteredPairProblem>(data, canonical, options);
}

}  // namespace arena::rating_internal
