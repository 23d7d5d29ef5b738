#include "rating/internal/board_building.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/math/distributions/normal.hpp>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "base/nearest.h"

namespace arena::rating_internal {
namespace {

constexpr std::size_t kMaxNamesInWarning = 5;

// A stable sort by `member` (of values below `values`) in linear time.
void SortBy(std::uint32_t UniqueRow::*member, std::size_t values, std::vector<UniqueRow>& rows,
            std::vector<UniqueRow>& scratch) {
  std::vector<std::size_t> next(values + 1, 0);
  for (const UniqueRow& row : rows) ++next[row.*member + 1];
  std::partial_sum(next.begin(), next.end(), next.begin());
  scratch.resize(rows.size());
  for (const UniqueRow& row : rows) scratch[next[row.*member]++] = row;
  rows.swap(scratch);
}

bool SamePair(const UniqueRow& x, const UniqueRow& y) { return x.a == y.a && x.b == y.b; }

bool SameResult(const UniqueRow& x, const UniqueRow& y) {
  return SamePair(x, y) && x.share == y.share && x.weight == y.weight;
}

// Sorts by (a, b, share, weight) and adds up rows that are alike.
void SortAndMerge(std::vector<UniqueRow>& rows, std::size_t contestants) {
  std::vector<UniqueRow> scratch;
  SortBy(&UniqueRow::b, contestants, rows, scratch);
  SortBy(&UniqueRow::a, contestants, rows, scratch);
  for (auto begin = rows.begin(); begin != rows.end();) {
    const auto end = std::find_if(begin, rows.end(),
                                  [&](const UniqueRow& row) { return !SamePair(row, *begin); });
    std::sort(begin, end, [](const UniqueRow& x, const UniqueRow& y) {
      return x.share < y.share || (x.share == y.share && x.weight < y.weight);
    });
    begin = end;
  }
  std::size_t kept = 0;
  for (const UniqueRow& row : rows) {
    if (kept > 0 && SameResult(rows[kept - 1], row)) {
      rows[kept - 1].count += row.count;
    } else {
      rows[kept++] = row;
    }
  }
  rows.resize(kept);
}

// Counts wins, ties and losses of weight 1, which are nearly all rows of most inputs, without
// sorting them.
class PlainRows {
 public:
  explicit PlainRows(std::size_t contestants) : contestants_(contestants) {
    if (contestants <= kMaxContestants) counts_.assign(contestants * contestants * 3, 0);
  }

  // False: not such a row.
  bool Count(const UniqueRow& row) {
    const double outcome = 2 * row.share;
    if (counts_.empty() || row.weight != 1 || (outcome != 0 && outcome != 1 && outcome != 2)) {
      return false;
    }
    counts_[(row.a * contestants_ + row.b) * 3 + static_cast<std::size_t>(outcome)] += row.count;
    return true;
  }

  // In order, each once.
  void AppendTo(std::vector<UniqueRow>& rows) const {
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] == 0) continue;
      const std::size_t pair = i / 3;
      rows.push_back({static_cast<std::uint32_t>(pair / contestants_),
                      static_cast<std::uint32_t>(pair % contestants_),
                      static_cast<double>(i % 3) / 2, 1, counts_[i]});
    }
  }

 private:
  static constexpr std::size_t kMaxContestants = 512;  // 6 MB of counts
  std::size_t contestants_;
  std::vector<double> counts_;
};

// Sums over a contestant's results.
struct Tally {
  double weight = 0;
  double won = 0;
};

std::vector<Tally> TallyResults(const Canonical& canonical) {
  std::vector<Tally> tally(canonical.size());
  for (const UniqueRow& row : canonical.rows) {
    const double weight = row.weight * row.count;
    tally[row.a].weight += weight;
    tally[row.a].won += weight * row.share;
    tally[row.b].weight += weight;
    tally[row.b].won += weight * (1 - row.share);
  }
  return tally;
}

BoardRow MakeRow(const Dataset& data, const Canonical& canonical, std::size_t i,
                 const Estimate& estimate, const Tally& tally) {
  BoardRow row;
  row.name = canonical.names[i];
  row.rating = estimate.rating;
  row.lower = estimate.lower;
  row.upper = estimate.upper;
  const std::uint32_t index = canonical.to_dataset[i];
  const auto all = static_cast<double>(data.battles_by_contestant()[index]);
  const auto voids = static_cast<double>(data.voids_by_contestant()[index]);
  row.battles = all - voids;
  const double share = tally.won / tally.weight;
  row.win_rate = 100 * share;
  row.void_share = voids / all;
  row.win_rate_voids_lost = 100 * share * row.battles / all;
  row.win_rate_voids_won = 100 * (share * row.battles + voids) / all;
  return row;
}

void SetRanks(std::vector<BoardRow>& rows) {
  std::vector<double> lower;
  for (const BoardRow& row : rows) lower.push_back(row.lower);
  std::sort(lower.begin(), lower.end());
  for (BoardRow& row : rows) {
    const auto above = std::upper_bound(lower.begin(), lower.end(), row.upper);
    row.rank = 1 + static_cast<int>(lower.end() - above);
  }
}

WinMatrix MakeMatrix(const Canonical& canonical, const std::vector<std::size_t>& place) {
  const std::size_t n = canonical.size();
  WinMatrix matrix;
  matrix.battles.assign(n, std::vector<double>(n, 0));
  matrix.win_rate = matrix.battles;
  for (const UniqueRow& row : canonical.rows) {
    const std::size_t a = place[row.a];
    const std::size_t b = place[row.b];
    const double weight = row.weight * row.count;
    matrix.battles[a][b] += weight;
    matrix.battles[b][a] += weight;
    matrix.win_rate[a][b] += weight * row.share;
    matrix.win_rate[b][a] += weight * (1 - row.share);
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < n; ++j) {
      const double battles = matrix.battles[i][j];
      matrix.win_rate[i][j] =
          battles > 0 ? matrix.win_rate[i][j] / battles : std::numeric_limits<double>::quiet_NaN();
    }
  }
  return matrix;
}

std::string ListNames(const std::vector<std::string>& names) {
  const std::size_t shown = std::min(names.size(), kMaxNamesInWarning);
  std::string text = fmt::format(
      "{}", fmt::join(names.begin(), names.begin() + static_cast<std::ptrdiff_t>(shown), ", "));
  if (shown < names.size()) text += fmt::format(" and {} more", names.size() - shown);
  return text;
}

void WarnOfVoid(const Dataset& data, Board& board) {
  std::vector<std::string> left_out;
  for (std::size_t i = 0; i < data.contestants().size(); ++i) {
    const bool all_void = data.battles_by_contestant()[i] == data.voids_by_contestant()[i];
    if (all_void) left_out.push_back(data.contestants()[i]);
  }
  if (left_out.empty()) return;
  std::sort(left_out.begin(), left_out.end());
  board.warnings.push_back(fmt::format(
      "not on the board, because every battle of theirs is void: {}", ListNames(left_out)));
}

}  // namespace

Result<Canonical> Canonicalise(const Dataset& data) {
  if (data.battles() == data.void_battles()) {
    return InvalidInput(
        data.battles() == 0
            ? std::string("there are no battles to rate")
            : fmt::format("all {} battles are void, so there is nothing to rate", data.battles()));
  }
  Canonical canonical;
  const std::vector<std::string>& names = data.contestants();
  for (std::uint32_t i = 0; i < names.size(); ++i) {
    if (data.battles_by_contestant()[i] > data.voids_by_contestant()[i]) {
      canonical.to_dataset.push_back(i);
    }
  }
  std::sort(canonical.to_dataset.begin(), canonical.to_dataset.end(),
            [&](std::uint32_t x, std::uint32_t y) { return names[x] < names[y]; });
  canonical.from_dataset.assign(names.size(), kNotRated);
  for (std::uint32_t i = 0; i < canonical.to_dataset.size(); ++i) {
    canonical.from_dataset[canonical.to_dataset[i]] = i;
    canonical.names.push_back(names[canonical.to_dataset[i]]);
  }
  std::vector<UniqueRow> rows;
  PlainRows plain(canonical.size());
  data.ForEachRow([&](const ResultRow& row) {
    UniqueRow unique{canonical.from_dataset[row.a], canonical.from_dataset[row.b],
                     double{row.share}, double{row.weight}, static_cast<double>(row.count)};
    if (unique.a > unique.b) {
      std::swap(unique.a, unique.b);
      unique.share = 1 - unique.share;
    }
    if (!plain.Count(unique)) rows.push_back(unique);
  });
  const bool are_all_plain = rows.empty();
  plain.AppendTo(rows);
  if (!are_all_plain) SortAndMerge(rows, canonical.size());
  canonical.rows = std::move(rows);
  return canonical;
}

Result<std::uint32_t> FindContestant(const Canonical& canonical, std::string_view name,
                                     std::string_view what) {
  const auto found = std::lower_bound(canonical.names.begin(), canonical.names.end(), name);
  if (found != canonical.names.end() && *found == name) {
    return static_cast<std::uint32_t>(found - canonical.names.begin());
  }
  std::string message = fmt::format("the {} \"{}\" has no judged battle", what, name);
  const std::vector<std::string_view> known(canonical.names.begin(), canonical.names.end());
  if (const auto nearest = NearestName(name, known)) {
    message += fmt::format("; did you mean \"{}\"?", *nearest);
  }
  return InvalidInput(std::move(message));
}

Status CheckOptions(const Dataset& data, const RatingOptions& options) {
  const auto positive = [](double x) { return x > 0 && std::isfinite(x); };
  const auto not_negative = [](double x) { return x >= 0 && std::isfinite(x); };
  if (!(options.level > 0 && options.level < 1)) {
    return InvalidInput(
        fmt::format("the interval's level is {}: between 0 and 1, please", options.level));
  }
  if (options.interval == IntervalMethod::kBootstrap && options.bootstrap_rounds < 2) {
    return InvalidInput(fmt::format("{} bootstrap rounds give no interval: at least 2, please",
                                    options.bootstrap_rounds));
  }
  if (!positive(options.scale) || !(options.base > 1) || !std::isfinite(options.base) ||
      !std::isfinite(options.center)) {
    return InvalidInput("a rating scale needs scale > 0, base > 1 and a finite center");
  }
  if (options.anchor && !std::isfinite(options.anchor->second)) {
    return InvalidInput("the anchor's rating is not a finite number");
  }
  if (!options.anchor_group.empty() &&
      (options.anchor || options.method != RatingMethod::kBradleyTerry)) {
    return InvalidInput("a group of anchors is for Bradley-Terry, and not beside an anchor");
  }
  if (!not_negative(options.ridge) || !not_negative(options.style.ridge_on_style)) {
    return InvalidInput("a ridge is negative or not finite");
  }
  if (options.reweight_pairs && !positive(options.reweight_floor)) {
    return InvalidInput("the floor of the pair-count reweighting is not positive");
  }
  if (options.clustering == Clustering::kInstruction && !data.options().keep_clusters) {
    return InvalidInput(
        "intervals clustered by instruction need a dataset that keeps its clusters");
  }
  if (options.style.enabled && !data.options().keep_style) {
    return InvalidInput("style control needs a dataset that keeps the style counts");
  }
  return {};
}

double NormalQuantile(double level) {
  return boost::math::quantile(boost::math::normal_distribution<double>(), 0.5 + level / 2);
}

double Quantile(std::span<const double> ascending, double q) {
  const double position = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  if (below + 1 >= ascending.size()) return ascending.back();
  const double fraction = position - static_cast<double>(below);
  return ascending[below] + fraction * (ascending[below + 1] - ascending[below]);
}

std::vector<Estimate> SummariseDraws(const std::vector<std::vector<double>>& draws, double level) {
  std::vector<Estimate> estimates(draws.empty() ? 0 : draws.front().size());
  std::vector<double> values(draws.size());
  for (std::size_t i = 0; i < estimates.size(); ++i) {
    for (std::size_t round = 0; round < draws.size(); ++round) values[round] = draws[round][i];
    std::sort(values.begin(), values.end());
    estimates[i] = {Quantile(values, 0.5), Quantile(values, (1 - level) / 2),
                    Quantile(values, (1 + level) / 2)};
  }
  return estimates;
}

double GaugeShift(std::span<const double> ratings, std::optional<std::uint32_t> anchor,
                  const RatingOptions& options) {
  if (anchor) return options.anchor->second - ratings[*anchor];
  const double sum = std::accumulate(ratings.begin(), ratings.end(), 0.0);
  return options.center - sum / static_cast<double>(ratings.size());
}

double PointsPerLogit(const RatingOptions& options) {
  return options.scale / std::log(options.base);
}

Board BuildBoard(const Dataset& data, const Canonical& canonical, const RatingOptions& options,
                 std::string method, const std::vector<Estimate>& estimates,
                 std::vector<std::vector<double>> draws) {
  Board board;
  board.method = std::move(method);
  const bool bootstrap = options.interval == IntervalMethod::kBootstrap;
  board.ci = bootstrap ? "bootstrap" : "sandwich";
  board.cluster = options.clustering == Clustering::kInstruction ? "instruction" : "none";
  board.level = options.level;
  board.seed = options.seed;
  board.bootstrap_rounds = bootstrap ? options.bootstrap_rounds : 0;
  board.battles = data.battles() - data.void_battles();
  board.void_battles = data.void_battles();
  if (options.anchor) {
    board.anchor = fmt::format("{}={}", options.anchor->first, options.anchor->second);
  } else if (!options.anchor_group.empty()) {
    board.anchor =
        fmt::format("mean of {}={}", fmt::join(options.anchor_group, ", "), options.center);
  }
  std::vector<std::size_t> order(canonical.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  // Canonical indices are in the order of names, so a stable sort breaks ties by name.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
    return estimates[x].rating > estimates[y].rating;
  });
  const std::vector<Tally> tally = TallyResults(canonical);
  std::vector<std::size_t> place(canonical.size());
  for (std::size_t p = 0; p < order.size(); ++p) {
    place[order[p]] = p;
    board.contestants.push_back(
        MakeRow(data, canonical, order[p], estimates[order[p]], tally[order[p]]));
  }
  SetRanks(board.contestants);
  board.matrix = MakeMatrix(canonical, place);
  board.draws = std::move(draws);
  for (std::vector<double>& round : board.draws) {
    std::vector<double> sorted;
    sorted.reserve(order.size());
    for (const std::size_t i : order) sorted.push_back(round[i]);
    round = std::move(sorted);
  }
  WarnOfVoid(data, board);
  return board;
}

Clustering EffectiveClustering(const Dataset& data, const RatingOptions& options,
                               std::vector<std::string>& warnings) {
  if (options.clustering == Clustering::kNone || data.clusters() > 0) return options.clustering;
  warnings.emplace_back(
      "no battle names its instruction, so intervals take battles as independent");
  return Clustering::kNone;
}

}  // namespace arena::rating_internal
