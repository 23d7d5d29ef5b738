#include "rating/internal/style_table.h"

#include <bit>
#include <cmath>
#include <numeric>
#include <tuple>
#include <utility>

#include "base/parallel.h"
#include "rating/internal/kernels.h"
#include "rating/internal/style_features.h"

namespace arena::rating_internal {
namespace {

constexpr std::size_t kPairsAtOnce = 256;  // sorted by one thread

// A row of the dataset with what mostly decides its place, so that sorting stays in the cache.
struct Entry {
  // From the highest bit: whether the pair's a is the dataset's b, the share as the dataset lists
  // it, the weight. Numbers that are not negative compare as their bits do.
  std::uint64_t result = 0;
  double tokens_a = 0;
  std::uint32_t row = 0;

  Entry() = default;
  Entry(std::uint32_t index, const ResultRow& from, bool flipped, double tokens)
      : result(std::uint64_t{flipped} << 63 |
               std::uint64_t{std::bit_cast<std::uint32_t>(from.share + 0.0F)} << 32 |
               std::bit_cast<std::uint32_t>(from.weight)),
        tokens_a(tokens),
        row(index) {}
  bool flipped() const { return (result >> 63) != 0; }
  float share() const {
    return std::bit_cast<float>(static_cast<std::uint32_t>(result >> 32) & 0x7FFFFFFFU);
  }
  float weight() const { return std::bit_cast<float>(static_cast<std::uint32_t>(result)); }
};

// The rows in an order that does not depend on the order of the battles: by pair, then by what
// distinguishes results.
struct RowOrder {
  std::vector<Entry> rows;
  std::vector<std::size_t> first;  // per pair: its first place in `rows`; one more at the end
};

auto StyleKey(const StyleRow& s) {
  return std::tie(s.a.tokens, s.a.headers, s.a.lists, s.a.bold, s.b.tokens, s.b.headers, s.b.lists,
                  s.b.bold);
}

RowOrder SortRows(const Dataset& data, const Canonical& canonical, const Pairs& pairs,
                  const Units& units, unsigned threads) {
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
  for (std::uint32_t r = 0; r < pair_of_row.size(); ++r) {
    const ResultRow& row = data.rows()[r];
    const std::uint32_t pair = pair_of_row[r];
    const bool flipped = canonical.from_dataset[row.a] != pairs.a[pair];
    order.rows[next[pair]++] = {r, row, flipped, data.styles()[r].a.tokens};
  }
  const auto before = [&](const Entry& x, const Entry& y) {
    if (x.result != y.result) return x.result < y.result;
    if (x.tokens_a != y.tokens_a) return x.tokens_a < y.tokens_a;
    const auto u = StyleKey(data.styles()[x.row]);
    const auto v = StyleKey(data.styles()[y.row]);
    if (u != v) return u < v;
    return units.OfCluster(data.rows()[x.row].cluster) <
           units.OfCluster(data.rows()[y.row].cluster);
  };
  ParallelFor((pairs.size() + kPairsAtOnce - 1) / kPairsAtOnce, threads, [&](std::size_t block) {
    const std::size_t end = std::min(pairs.size(), (block + 1) * kPairsAtOnce);
    for (std::size_t p = block * kPairsAtOnce; p < end; ++p) {
      std::sort(order.rows.begin() + static_cast<std::ptrdiff_t>(order.first[p]),
                order.rows.begin() + static_cast<std::ptrdiff_t>(order.first[p + 1]), before);
    }
  });
  return order;
}

// Fills everything but the style: rows in `order`, sampling units as `clustering` wants them.
StyleTable MakeRows(const Dataset& data, Pairs pairs, RowOrder& order, const Units& units,
                    Clustering clustering) {
  StyleTable table;
  const std::size_t rows = order.rows.size();
  table.share.resize(rows + kStylePadding, 0);
  table.weight.resize(rows);
  table.unit.resize(rows);
  const bool clustered = clustering == Clustering::kInstruction;
  table.units = clustered ? units.instructions() : 0;
  table.rows_are_units = table.units == 0;
  for (std::size_t p = 0; p < pairs.size(); ++p) {
    for (std::size_t r = order.first[p]; r < order.first[p + 1]; ++r) {
      const Entry& entry = order.rows[r];
      table.share[r] = entry.flipped() ? 1 - entry.share() : entry.share();
      table.weight[r] = double{entry.weight()} * pairs.factor[p];
      const std::uint32_t cluster = clustered ? data.rows()[entry.row].cluster : 0;
      table.unit[r] = cluster != 0 ? units.OfCluster(cluster) : table.units++;
    }
  }
  table.first = std::move(order.first);
  table.pairs = std::move(pairs);
  return table;
}

// Adds the columns, which are in the frame of the battles as listed.
void AddStyle(const std::vector<Entry>& order, const StyleColumns& style, bool fitted,
              unsigned threads, StyleTable& table) {
  if (!fitted) {
    table.offset.assign(order.size(), 0);
    for (std::size_t f = 0; f < style.columns.size(); ++f) {
      for (std::size_t r = 0; r < order.size(); ++r) {
        const double value = style.coefficients[f].value * style.columns[f][r];
        table.offset[r] += order[r].flipped() ? -value : value;
      }
    }
    return;
  }
  table.features.resize(style.columns.size());
  table.largest.resize(style.columns.size());
  ParallelFor(style.columns.size(), threads, [&](std::size_t f) {
    std::vector<float>& feature = table.features[f];
    feature.assign(order.size() + kStylePadding, 0);
    float largest = 0;
    for (std::size_t r = 0; r < order.size(); ++r) {
      const auto value = static_cast<float>(style.columns[f][r]);
      feature[r] = order[r].flipped() ? -value : value;
      largest = std::max(largest, std::abs(value));
    }
    table.largest[f] = double{largest};
  });
}

double Sum(const double* values, std::size_t n) {
  double sum = 0;
  for (std::size_t i = 0; i < n; ++i) sum += values[i];
  return sum;
}

}  // namespace

double StyleTable::LogitChange(std::span<const double> step) const {
  const auto contestants = step.first(pairs.contestants);
  const auto [low, high] = std::minmax_element(contestants.begin(), contestants.end());
  double change = *high - *low;
  for (std::size_t f = 0; f < features.size(); ++f) {
    change += std::abs(step[contestants.size() + f]) * largest[f];
  }
  return change;
}

void StyleTable::Logits(std::span<const double> x, const Piece& piece, double* logits) const {
  ForEachRun(piece, [&](std::size_t p, std::size_t from, std::size_t to) {
    std::fill(logits + from, logits + to, x[pairs.a[p]] - x[pairs.b[p]]);
  });
  if (!offset.empty()) AddScaled(1, offset.data() + piece.begin, logits, piece.size());
  for (std::size_t f = 0; f < features.size(); ++f) {
    AddScaled(x[pairs.contestants + f], features[f].data() + piece.begin, logits, piece.size());
  }
}

void StyleTable::AddSum(const Piece& piece, const double* values, std::span<double> sum) const {
  ForEachRun(piece, [&](std::size_t p, std::size_t from, std::size_t to) {
    const double of_pair = Sum(values + from, to - from);
    sum[pairs.a[p]] += of_pair;
    sum[pairs.b[p]] -= of_pair;
  });
  for (std::size_t f = 0; f < features.size(); ++f) {
    sum[pairs.contestants + f] += Dot(values, features[f].data() + piece.begin, piece.size());
  }
}

void StyleTable::AddProducts(const Piece& piece, const double* values,
                             std::span<double> matrix) const {
  const std::size_t size = parameters();
  const std::size_t contestants = pairs.contestants;
  const auto add_both = [&](std::size_t i, std::size_t j, double value) {
    matrix[i * size + j] += value;
    matrix[j * size + i] += value;
  };
  ForEachRun(piece, [&](std::size_t p, std::size_t from, std::size_t to) {
    const double sum = Sum(values + from, to - from);
    const std::size_t a = pairs.a[p];
    const std::size_t b = pairs.b[p];
    matrix[a * size + a] += sum;
    matrix[b * size + b] += sum;
    add_both(a, b, -sum);
  });
  std::array<double, kPiece> scaled;
  std::vector<double> cross(size);
  for (std::size_t f = 0; f < features.size(); ++f) {
    const float* const feature = features[f].data() + piece.begin;
    for (std::size_t r = 0; r < piece.size(); ++r) scaled[r] = values[r] * double{feature[r]};
    std::fill(cross.begin(), cross.end(), 0);
    AddSum(piece, scaled.data(), cross);
    for (std::size_t i = 0; i < contestants; ++i) add_both(contestants + f, i, cross[i]);
    for (std::size_t g = 0; g < features.size(); ++g) {
      matrix[(contestants + f) * size + contestants + g] += cross[contestants + g];
    }
  }
}

Result<StyleTable> MakeStyleTable(const Dataset& data, const Canonical& canonical,
                                  const RatingOptions& options, Clustering clustering,
                                  std::vector<StyleCoefficient>& coefficients,
                                  std::vector<std::string>& warnings) {
  Pairs pairs = CollectPairs(canonical, options);
  const Units units(data);
  RowOrder order = SortRows(data, canonical, pairs, units, options.threads);
  std::vector<std::uint32_t> rows;
  rows.reserve(order.rows.size());
  for (const Entry& entry : order.rows) rows.push_back(entry.row);
  ARENA_ASSIGN_OR_RETURN(StyleColumns style, MakeStyleColumns(data.styles(), rows, options.style,
                                                              options.threads, warnings));
  StyleTable table = MakeRows(data, std::move(pairs), order, units, clustering);
  AddStyle(order.rows, style, options.style.frozen.empty(), options.threads, table);
  coefficients = std::move(style.coefficients);
  return table;
}

}  // namespace arena::rating_internal
