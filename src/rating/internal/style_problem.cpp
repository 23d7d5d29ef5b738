#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "rating/internal/binomial.h"
#include "rating/internal/kernels.h"
#include "rating/internal/problem.h"
#include "rating/internal/style_table.h"

namespace arena::rating_internal {
namespace {

using Piece = StyleTable::Piece;
constexpr std::size_t kAtOnce = 8;
static_assert(kAtOnce <= kStylePadding);
using PieceOfDoubles = std::array<double, StyleTable::kPiece>;

std::vector<double> Weighted(const StyleTable& table, const std::vector<std::uint16_t>& counts) {
  std::vector<double> weight(table.rows());
  for (std::size_t r = 0; r < table.rows(); ++r) weight[r] = table.weight[r] * counts[r];
  return weight;
}

class StyleLikelihood final : public Likelihood {
 public:
  StyleLikelihood(const StyleTable& table, std::vector<double> weight)
      : table_(table), weight_(std::move(weight)) {}

  std::size_t parameters() const override { return table_.parameters(); }

  double Value(std::span<const double> x) override {
    double value = 0;
    table_.ForEachPiece([&](const Piece& piece) {
      PieceOfDoubles logits;
      table_.Logits(x, piece, logits.data());
      for (std::size_t r = 0; r < piece.size(); ++r) {
        const std::size_t row = piece.begin + r;
        value += weight_[row] * (Softplus(logits[r]) - double{table_.share[row]} * logits[r]);
      }
    });
    return value;
  }

  void AddGradient(std::span<const double> x, std::span<double> gradient) override {
    table_.ForEachPiece([&](const Piece& piece) {
      PieceOfDoubles values;
      table_.Logits(x, piece, values.data());
      Logistic(values.data(), piece.size());
      for (std::size_t r = 0; r < piece.size(); ++r) {
        const std::size_t row = piece.begin + r;
        values[r] = weight_[row] * (values[r] - double{table_.share[row]});
      }
      table_.AddSum(piece, values.data(), gradient);
    });
  }

  void AddHessian(std::span<const double> x, std::span<double> hessian) override {
    table_.ForEachPiece([&](const Piece& piece) {
      PieceOfDoubles values;
      table_.Logits(x, piece, values.data());
      Logistic(values.data(), piece.size());
      for (std::size_t r = 0; r < piece.size(); ++r) {
        values[r] *= weight_[piece.begin + r] * (1 - values[r]);
      }
      table_.AddProducts(piece, values.data(), hessian);
    });
  }

  double LogitChange(std::span<const double> step) const override {
    return table_.LogitChange(step);
  }

  bool EveryContestantPlays() const override {
    return AllPlay(table_.pairs, [this](std::size_t p) {
      const double* const rows = weight_.data();
      return std::accumulate(rows + table_.first[p], rows + table_.first[p + 1], 0.0);
    });
  }

 private:
  const StyleTable& table_;
  std::vector<double> weight_;
};

// The same with gradients in single precision, whose rounding moves a minimum by some 1e-8 in log
// odds: far below what a bootstrap shows, at a fifth of the time.
class FastStyleLikelihood final : public Likelihood {
 public:
  // With each row counted counts[r] times.
  FastStyleLikelihood(const StyleTable& table, std::vector<std::uint16_t> counts)
      : table_(table), counts_(std::move(counts)), weight_(table.rows() + kStylePadding, 0) {
    for (std::size_t r = 0; r < table.rows(); ++r) {
      weight_[r] = static_cast<float>(table.weight[r] * counts_[r]);
    }
  }

  std::size_t parameters() const override { return table_.parameters(); }
  double Value(std::span<const double> x) override { return Exact().Value(x); }
  void AddHessian(std::span<const double> x, std::span<double> hessian) override {
    Exact().AddHessian(x, hessian);
  }
  double LogitChange(std::span<const double> step) const override {
    return table_.LogitChange(step);
  }

  bool EveryContestantPlays() const override {
    return AllPlay(table_.pairs, [this](std::size_t p) {
      return SumOf(&weight_[table_.first[p]], table_.first[p + 1] - table_.first[p]);
    });
  }

  Likelihood& Exact() override {
    if (!exact_) exact_.emplace(table_, Weighted(table_, counts_));
    return *exact_;
  }

  void AddGradient(std::span<const double> x, std::span<double> gradient) override {
    const std::size_t contestants = table_.pairs.contestants;
    StylePass pass;
    for (std::size_t f = 0; f < kStyleFeatures; ++f) {
      pass.coefficients[f] = static_cast<float>(x[contestants + f]);
    }
    std::vector<float> theta(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(contestants));
    table_.ForEachPiece([&](const Piece& piece) {
      alignas(64) std::array<float, StyleTable::kPiece + kStylePadding> values;
      table_.ForEachRun(piece, [&](std::size_t p, std::size_t from, std::size_t to) {
        const float difference = theta[table_.pairs.a[p]] - theta[table_.pairs.b[p]];
        // Past the run's end, where the next run or the padding follows: no loop of odd lengths.
        for (std::size_t r = from; r < to; r += kAtOnce)
          std::fill_n(&values[r], kAtOnce, difference);
      });
      std::fill_n(&values[piece.size()], kStylePadding, 0.0F);
      for (std::size_t f = 0; f < kStyleFeatures; ++f) {
        pass.features[f] = table_.features[f].data() + piece.begin;
      }
      pass.share = table_.share.data() + piece.begin;
      pass.weight = weight_.data() + piece.begin;
      StyleResiduals(pass, values.data(), piece.size());
      table_.ForEachRun(piece, [&](std::size_t p, std::size_t from, std::size_t to) {
        const double sum = double{SumOf(values.data() + from, to - from)};
        gradient[table_.pairs.a[p]] += sum;
        gradient[table_.pairs.b[p]] -= sum;
      });
    });
    for (std::size_t f = 0; f < kStyleFeatures; ++f) gradient[contestants + f] += pass.sums[f];
  }

 private:
  const StyleTable& table_;
  std::vector<std::uint16_t> counts_;
  std::vector<float> weight_;             // padded
  std::optional<StyleLikelihood> exact_;  // made when it is asked for
};

std::unique_ptr<Likelihood> MakeLikelihood(const StyleTable& table,
                                           std::vector<std::uint16_t> counts) {
  if (table.features.size() != kStyleFeatures || !table.offset.empty()) {
    return std::make_unique<StyleLikelihood>(table, Weighted(table, counts));
  }
  return std::make_unique<FastStyleLikelihood>(table, std::move(counts));
}

class StyleRegression final : public Problem {
 public:
  StyleRegression(StyleTable table, bool independent)
      : table_(std::move(table)), independent_(independent) {
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
  double total_weight() const override {
    return std::accumulate(table_.weight.begin(), table_.weight.end(), 0.0);
  }
  double units() const override { return table_.units; }

  std::unique_ptr<Likelihood> Whole() const override {
    return MakeLikelihood(table_, std::vector<std::uint16_t>(table_.rows(), 1));
  }

  std::unique_ptr<Likelihood> Resample(Rng& rng) const override {
    std::vector<std::uint16_t> counts = ResampleUnits(rng, table_.units);
    if (!table_.rows_are_units) {
      std::vector<std::uint16_t> of_rows(table_.rows());
      for (std::size_t r = 0; r < table_.rows(); ++r) of_rows[r] = counts[table_.unit[r]];
      counts.swap(of_rows);
    }
    return MakeLikelihood(table_, std::move(counts));
  }

  void AddScoreProducts(std::span<const double> x, std::span<double> products) const override {
    std::vector<double> scores(table_.rows());
    table_.ForEachPiece([&](const Piece& piece) {
      PieceOfDoubles values;
      table_.Logits(x, piece, values.data());
      Logistic(values.data(), piece.size());
      for (std::size_t r = 0; r < piece.size(); ++r) {
        const std::size_t row = piece.begin + r;
        scores[row] = table_.weight[row] * (double{table_.share[row]} - values[r]);
        values[r] = scores[row] * scores[row];
      }
      if (independent_) table_.AddProducts(piece, values.data(), products);
    });
    if (!independent_) AddClusteredProducts(scores, products);
  }

 private:
  // `score` is per row; a unit's score is the sum of its rows' before it is squared.
  void AddClusteredProducts(const std::vector<double>& score, std::span<double> products) const {
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
        const double value = score[row];
        add(table_.pairs.a[pair_of_row_[row]], value);
        add(table_.pairs.b[pair_of_row_[row]], -value);
        for (std::size_t f = 0; f < table_.features.size(); ++f) {
          add(contestants + f, value * double{table_.features[f][row]});
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

  StyleTable table_;
  bool independent_;
  std::vector<std::size_t> by_unit_;      // rows in the order of their units, where clustered
  std::vector<std::size_t> pair_of_row_;  // where clustered
};

}  // namespace

Result<StyleProblem> MakeStyleProblem(const Dataset& data, const Canonical& canonical,
                                      const RatingOptions& options, Clustering clustering,
                                      std::vector<std::string>& warnings) {
  StyleProblem result;
  result.fitted = options.style.frozen.empty();
  ARENA_ASSIGN_OR_RETURN(StyleTable table, MakeStyleTable(data, canonical, options, clustering,
                                                          result.coefficients, warnings));
  result.problem =
      std::make_unique<StyleRegression>(std::move(table), clustering == Clustering::kNone);
  return result;
}

}  // namespace arena::rating_internal
