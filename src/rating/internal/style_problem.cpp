#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "rating/internal/binomial.h"
#include "rating/internal/kernels.h"
#include "rating/internal/pairs.h"
#include "rating/internal/problem.h"
#include "rating/internal/style_features.h"

namespace arena::rating_internal {
namespace {

using Array = Eigen::ArrayXd;
using ArrayView = Eigen::Map<Array>;

constexpr std::size_t kPiece = 1024;  // rows worked on at a time, so that they stay in the cache

Eigen::Index Index(std::size_t i) { return static_cast<Eigen::Index>(i); }

// The dataset's rows in an order that does not depend on the order of the battles: by pair, then by
// what distinguishes results.
struct RowOrder {
  std::vector<std::uint32_t> rows;
  std::vector<std::size_t> first;  // per pair: its first place in `rows`; one more at the end
};

auto StyleKey(const StyleCounts& s) { return std::tie(s.tokens, s.headers, s.lists, s.bold); }

RowOrder SortRows(const Dataset& data, const Canonical& canonical, const Pairs& pairs,
                  const Units& units) {
  RowOrder order;
  order.first.assign(pairs.size() + 1, 0);
  std::vector<std::uint32_t> pair_of_row;
  pair_of_row.reserve(data.rows().size());
  for (const ResultRow& row : data.rows()) {
    const std::uint32_t a = canonical.from_dataset[row.a];
    const std::uint32_t b = canonical.from_dataset[row.b];
    const std::size_t pair = pairs.Find(std::min(a, b), std::max(a, b));
    pair_of_row.push_back(static_cast<std::uint32_t>(pair));
    ++order.first[pair + 1];
  }
  std::partial_sum(order.first.begin(), order.first.end(), order.first.begin());
  std::vector<std::size_t> next(order.first.begin(), order.first.end() - 1);
  order.rows.resize(pair_of_row.size());
  for (std::uint32_t r = 0; r < pair_of_row.size(); ++r) order.rows[next[pair_of_row[r]]++] = r;
  const auto before = [&](std::uint32_t i, std::uint32_t j) {
    const ResultRow& x = data.rows()[i];
    const ResultRow& y = data.rows()[j];
    if (x.a != y.a) return canonical.from_dataset[x.a] < canonical.from_dataset[y.a];
    if (x.share != y.share) return x.share < y.share;
    if (x.weight != y.weight) return x.weight < y.weight;
    const StyleRow& u = data.styles()[i];
    const StyleRow& v = data.styles()[j];
    if (!(u.a == v.a)) return StyleKey(u.a) < StyleKey(v.a);
    if (!(u.b == v.b)) return StyleKey(u.b) < StyleKey(v.b);
    return units.OfCluster(x.cluster) < units.OfCluster(y.cluster);
  };
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    std::sort(order.rows.begin() + static_cast<std::ptrdiff_t>(order.first[p]),
              order.rows.begin() + static_cast<std::ptrdiff_t>(order.first[p + 1]), before);
  }
  return order;
}

// The regression's rows, grouped by pair, in the frame where a is the contestant whose name comes
// first.
struct Table {
  Pairs pairs;
  std::vector<std::size_t> first;  // per pair: its first row; one more at the end
  std::vector<Array> features;     // of the fitted coefficients
  std::vector<double> largest;     // per feature: its largest absolute value
  Array offset;                    // what frozen coefficients add to the logit; empty: nothing
  Array share;
  Array weight;
  std::vector<std::uint32_t> unit;  // sampling unit
  std::uint32_t units = 0;

  std::size_t rows() const { return unit.size(); }
  std::size_t parameters() const { return pairs.contestants + features.size(); }

  // A run of rows that stays in the cache.
  struct Piece {
    std::size_t begin;
    std::size_t end;
    std::size_t first_pair;  // of row `begin`
  };

  // Calls run(pair, from, to) for each pair's rows within the piece.
  template <typename Run>
  void ForEachRun(const Piece& piece, Run run) const {
    std::size_t pair = piece.first_pair;
    for (std::size_t from = piece.begin; from < piece.end; ++pair) {
      const std::size_t to = std::min(first[pair + 1], piece.end);
      if (to > from) run(pair, from, to);
      from = to;
    }
  }

  // Calls work(piece, values) for all pieces in order, `values` holding the logits at x.
  template <typename Work>
  void ForEachPiece(std::span<const double> x, Work work) const {
    double values[kPiece];
    std::size_t pair = 0;
    for (std::size_t begin = 0; begin < rows(); begin += kPiece) {
      const Piece piece{begin, std::min(begin + kPiece, rows()), pair};
      ArrayView view(values, Index(piece.end - begin));
      Logits(x, piece, view);
      work(piece, view);
      while (pair < pairs.size() && first[pair + 1] <= piece.end) ++pair;
    }
  }

  void Logits(std::span<const double> x, const Piece& piece, ArrayView& logits) const {
    if (offset.size() > 0) {
      logits = offset.segment(Index(piece.begin), logits.size());
    } else {
      logits.setZero();
    }
    for (std::size_t f = 0; f < features.size(); ++f) {
      AddScaled(x[pairs.contestants + f], features[f].data() + piece.begin, logits.data(),
                piece.end - piece.begin);
    }
    ForEachRun(piece, [&](std::size_t p, std::size_t from, std::size_t to) {
      const double difference = x[pairs.a[p]] - x[pairs.b[p]];
      logits.segment(Index(from - piece.begin), Index(to - from)) += difference;
    });
  }

  // Adds the sum over the piece's rows of value * z, z being +1 at a, -1 at b, and the features.
  void AddSum(const Piece& piece, const ArrayView& values, std::span<double> sum) const;

  // Adds the sum over the piece's rows of value * z z' to a column-major matrix, both triangles.
  void AddProducts(const Piece& piece, const ArrayView& values, std::span<double> matrix) const;
};

void Table::AddSum(const Piece& piece, const ArrayView& values, std::span<double> sum) const {
  ForEachRun(piece, [&](std::size_t p, std::size_t from, std::size_t to) {
    const double of_pair = values.segment(Index(from - piece.begin), Index(to - from)).sum();
    sum[pairs.a[p]] += of_pair;
    sum[pairs.b[p]] -= of_pair;
  });
  for (std::size_t f = 0; f < features.size(); ++f) {
    sum[pairs.contestants + f] +=
        Dot(values.data(), features[f].data() + piece.begin, piece.end - piece.begin);
  }
}

void Table::AddProducts(const Piece& piece, const ArrayView& values,
                        std::span<double> matrix) const {
  const std::size_t size = parameters();
  const std::size_t contestants = pairs.contestants;
  const auto add_both = [&](std::size_t i, std::size_t j, double value) {
    matrix[i * size + j] += value;
    matrix[j * size + i] += value;
  };
  ForEachRun(piece, [&](std::size_t p, std::size_t from, std::size_t to) {
    const double sum = values.segment(Index(from - piece.begin), Index(to - from)).sum();
    const std::size_t a = pairs.a[p];
    const std::size_t b = pairs.b[p];
    matrix[a * size + a] += sum;
    matrix[b * size + b] += sum;
    add_both(a, b, -sum);
  });
  double scaled_values[kPiece];
  ArrayView scaled(scaled_values, values.size());
  std::vector<double> cross(size);
  for (std::size_t f = 0; f < features.size(); ++f) {
    scaled = values * features[f].segment(Index(piece.begin), values.size());
    std::fill(cross.begin(), cross.end(), 0);
    AddSum(piece, scaled, cross);
    for (std::size_t i = 0; i < contestants; ++i) add_both(contestants + f, i, cross[i]);
    for (std::size_t g = 0; g < features.size(); ++g) {
      matrix[(contestants + f) * size + contestants + g] += cross[contestants + g];
    }
  }
}

class StyleLikelihood final : public Likelihood {
 public:
  StyleLikelihood(const Table& table, Array weight) : table_(table), weight_(std::move(weight)) {}

  std::size_t parameters() const override { return table_.parameters(); }

  double Value(std::span<const double> x) override {
    double value = 0;
    table_.ForEachPiece(x, [&](const Table::Piece& piece, ArrayView& logits) {
      for (Eigen::Index r = 0; r < logits.size(); ++r) {
        const Eigen::Index row = Index(piece.begin) + r;
        value += weight_[row] * (Softplus(logits[r]) - table_.share[row] * logits[r]);
      }
    });
    return value;
  }

  void AddGradient(std::span<const double> x, std::span<double> gradient) override {
    table_.ForEachPiece(x, [&](const Table::Piece& piece, ArrayView& values) {
      const Eigen::Index at = Index(piece.begin);
      const Eigen::Index size = values.size();
      Logistic(values.data(), piece.end - piece.begin);
      values = weight_.segment(at, size) * (values - table_.share.segment(at, size));
      table_.AddSum(piece, values, gradient);
    });
  }

  void AddHessian(std::span<const double> x, std::span<double> hessian) override {
    table_.ForEachPiece(x, [&](const Table::Piece& piece, ArrayView& values) {
      Logistic(values.data(), piece.end - piece.begin);
      values *= weight_.segment(Index(piece.begin), values.size()) * (1 - values);
      table_.AddProducts(piece, values, hessian);
    });
  }

  double LogitChange(std::span<const double> step) const override {
    const auto contestants = step.first(table_.pairs.contestants);
    const auto [low, high] = std::minmax_element(contestants.begin(), contestants.end());
    double change = *high - *low;
    for (std::size_t f = 0; f < table_.features.size(); ++f) {
      change += std::abs(step[contestants.size() + f]) * table_.largest[f];
    }
    return change;
  }

  bool EveryContestantPlays() const override {
    std::vector<double> played(table_.pairs.contestants, 0);
    for (std::size_t p = 0; p < table_.pairs.size(); ++p) {
      const std::size_t from = table_.first[p];
      const double sum = weight_.segment(Index(from), Index(table_.first[p + 1] - from)).sum();
      played[table_.pairs.a[p]] += sum;
      played[table_.pairs.b[p]] += sum;
    }
    return std::all_of(played.begin(), played.end(), [](double w) { return w > 0; });
  }

 private:
  const Table& table_;
  Array weight_;
};

class StyleRegression final : public Problem {
 public:
  StyleRegression(Table table, bool independent)
      : table_(std::move(table)),
        independent_(independent),
        sampler_(std::vector<double>(table_.units, 1)) {
    if (independent_) return;
    by_unit_.resize(table_.rows());
    std::iota(by_unit_.begin(), by_unit_.end(), std::size_t{0});
    std::stable_sort(by_unit_.begin(), by_unit_.end(),
                     [&](std::size_t x, std::size_t y) { return table_.unit[x] < table_.unit[y]; });
    pair_of_row_.resize(table_.rows());
    for (std::size_t p = 0; p < table_.pairs.size(); ++p) {
      for (std::size_t r = table_.first[p]; r < table_.first[p + 1]; ++r) pair_of_row_[r] = p;
    }
  }

  std::size_t parameters() const override { return table_.parameters(); }
  double total_weight() const override { return table_.weight.sum(); }
  double units() const override { return table_.units; }

  std::unique_ptr<Likelihood> Whole() const override {
    return std::make_unique<StyleLikelihood>(table_, table_.weight);
  }

  std::unique_ptr<Likelihood> Resample(Rng& rng) const override {
    std::vector<double> counts;
    sampler_.Draw(rng, counts);
    Array weight = table_.weight;
    for (std::size_t r = 0; r < table_.rows(); ++r) {
      weight[Index(r)] *= counts[table_.unit[r]];
    }
    return std::make_unique<StyleLikelihood>(table_, std::move(weight));
  }

  void AddScoreProducts(std::span<const double> x, std::span<double> products) const override {
    Array scores(Index(table_.rows()));
    table_.ForEachPiece(x, [&](const Table::Piece& piece, ArrayView& values) {
      const Eigen::Index at = Index(piece.begin);
      const Eigen::Index size = values.size();
      Logistic(values.data(), piece.end - piece.begin);
      values = table_.weight.segment(at, size) * (table_.share.segment(at, size) - values);
      scores.segment(at, size) = values;
      if (!independent_) return;
      values = values.square();
      table_.AddProducts(piece, values, products);
    });
    if (!independent_) AddClusteredProducts(scores, products);
  }

 private:
  // `score` is per row; a unit's score is the sum of its rows' before it is squared.
  void AddClusteredProducts(const Array& score, std::span<double> products) const {
    const std::size_t size = table_.parameters();
    const std::size_t contestants = table_.pairs.contestants;
    std::vector<double> sum(size, 0);
    std::vector<bool> is_touched(size, false);
    std::vector<std::size_t> touched;
    const auto add = [&](std::size_t parameter, double value) {
      if (!is_touched[parameter]) touched.push_back(parameter);
      is_touched[parameter] = true;
      sum[parameter] += value;
    };
    for (std::size_t begin = 0; begin < by_unit_.size();) {
      std::size_t end = begin;
      for (; end < by_unit_.size() && table_.unit[by_unit_[end]] == table_.unit[by_unit_[begin]];
           ++end) {
        const std::size_t row = by_unit_[end];
        const double value = score[Index(row)];
        add(table_.pairs.a[pair_of_row_[row]], value);
        add(table_.pairs.b[pair_of_row_[row]], -value);
        for (std::size_t f = 0; f < table_.features.size(); ++f) {
          add(contestants + f, value * table_.features[f][Index(row)]);
        }
      }
      for (const std::size_t i : touched) {
        for (const std::size_t j : touched) products[i * size + j] += sum[i] * sum[j];
      }
      for (const std::size_t i : touched) {
        sum[i] = 0;
        is_touched[i] = false;
      }
      touched.clear();
      begin = end;
    }
  }

  Table table_;
  bool independent_;
  Multinomial sampler_;
  std::vector<std::size_t> by_unit_;      // rows in the order of their units, where clustered
  std::vector<std::size_t> pair_of_row_;  // where clustered
};

// Fills everything but the style: rows in `order`, sampling units as `clustering` wants them.
Table MakeTable(const Dataset& data, const Canonical& canonical, Pairs pairs, RowOrder order,
                const Units& units, Clustering clustering) {
  Table table;
  const std::size_t rows = order.rows.size();
  table.share.resize(Index(rows));
  table.weight.resize(Index(rows));
  table.unit.reserve(rows);
  const bool clustered = clustering == Clustering::kInstruction;
  table.units = clustered ? units.instructions() : 0;
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    for (std::size_t r = order.first[p]; r < order.first[p + 1]; ++r) {
      const ResultRow& row = data.rows()[order.rows[r]];
      const bool flipped = canonical.from_dataset[row.a] != pairs.a[p];
      table.share[Index(r)] = flipped ? 1 - double{row.share} : double{row.share};
      table.weight[Index(r)] = double{row.weight} * pairs.factor[p];
      const bool named = clustered && row.cluster != 0;
      table.unit.push_back(named ? units.OfCluster(row.cluster) : table.units++);
    }
  }
  table.first = std::move(order.first);
  table.pairs = std::move(pairs);
  return table;
}

// Adds the columns, which are in the frame of the battles as listed.
void AddStyle(const Dataset& data, const Canonical& canonical,
              const std::vector<std::uint32_t>& order, StyleColumns& style, bool fitted,
              Table& table) {
  Array sign(Index(order.size()));
  for (std::size_t r = 0; r < order.size(); ++r) {
    const ResultRow& row = data.rows()[order[r]];
    sign[Index(r)] = canonical.from_dataset[row.a] < canonical.from_dataset[row.b] ? 1 : -1;
  }
  if (!fitted) table.offset = Array::Zero(sign.size());
  for (std::size_t f = 0; f < style.columns.size(); ++f) {
    Array column = sign * ArrayView(style.columns[f].data(), sign.size());
    if (fitted) {
      table.largest.push_back(column.abs().maxCoeff());
      table.features.push_back(std::move(column));
    } else {
      table.offset += style.coefficients[f].value * column;
    }
  }
}

}  // namespace

Result<StyleProblem> MakeStyleProblem(const Dataset& data, const Canonical& canonical,
                                      const RatingOptions& options, Clustering clustering,
                                      std::vector<std::string>& warnings) {
  Pairs pairs = CollectPairs(canonical, options);
  const Units units(data);
  RowOrder order = SortRows(data, canonical, pairs, units);
  ARENA_ASSIGN_OR_RETURN(StyleColumns style,
                         MakeStyleColumns(data.styles(), order.rows, options.style, warnings));
  StyleProblem result;
  result.fitted = options.style.frozen.empty();
  const std::vector<std::uint32_t> rows = order.rows;
  Table table = MakeTable(data, canonical, std::move(pairs), std::move(order), units, clustering);
  AddStyle(data, canonical, rows, style, result.fitted, table);
  result.problem =
      std::make_unique<StyleRegression>(std::move(table), clustering == Clustering::kNone);
  result.coefficients = std::move(style.coefficients);
  return result;
}

}  // namespace arena::rating_internal
