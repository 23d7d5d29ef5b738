#include "rating/elo.h"

#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "base/parallel.h"
#include "base/rng.h"
#include "rating/internal/board_building.h"

namespace arena {
namespace {

using rating_internal::Canonical;

using Order = std::vector<std::uint32_t>;  ///< indices of rows, in the order of play

class EloReplay {
 public:
  EloReplay(const Dataset& data, const Canonical& canonical, const RatingOptions& options,
            std::optional<std::uint32_t> anchor)
      : data_(data), canonical_(canonical), options_(options), anchor_(anchor) {}

  std::vector<double> Play(const Order& order) const {
    const double points_per_logit = rating_internal::PointsPerLogit(options_);
    std::vector<double> ratings(canonical_.size(), options_.elo_init);
    for (const std::uint32_t index : order) {
      const ResultRow& row = data_.rows()[index];
      double& a = ratings[canonical_.from_dataset[row.a]];
      double& b = ratings[canonical_.from_dataset[row.b]];
      const double expected = 1 / (1 + std::exp((b - a) / points_per_logit));
      const double change = options_.elo_k * static_cast<double>(row.weight) *
                            (static_cast<double>(row.share) - expected);
      a += change;
      b -= change;
    }
    if (anchor_) {
      const double shift = rating_internal::GaugeShift(ratings, anchor_, options_);
      for (double& rating : ratings) rating += shift;
    }
    return ratings;
  }

 private:
  const Dataset& data_;
  const Canonical& canonical_;
  const RatingOptions& options_;
  const std::optional<std::uint32_t> anchor_;
};

/// The rows of each instruction, those without one being alone.
std::vector<Order> RowsByUnit(const Dataset& data, Clustering clustering) {
  const std::vector<ResultRow>& rows = data.rows();
  std::vector<Order> units(clustering == Clustering::kInstruction ? data.clusters() : 0);
  for (std::uint32_t i = 0; i < rows.size(); ++i) {
    if (clustering == Clustering::kInstruction && rows[i].cluster > 0) {
      units[rows[i].cluster - 1].push_back(i);
    } else {
      units.push_back({i});
    }
  }
  return units;
}

void Shuffle(Order& order, Rng& rng) {
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.Below(i)]);
}

/// draws[round][contestant].
std::vector<std::vector<double>> Bootstrap(const Dataset& data, const EloReplay& replay,
                                           const RatingOptions& options, Clustering clustering) {
  std::vector<std::vector<double>> draws(static_cast<std::size_t>(options.bootstrap_rounds));
  if (clustering == Clustering::kNone) {
    // Drawing rows one by one is a random order already.
    ParallelFor(draws.size(), options.threads, [&](std::size_t round) {
      Rng rng(options.seed, round);
      Order order(data.rows().size());
      for (std::uint32_t& row : order) row = static_cast<std::uint32_t>(rng.Below(order.size()));
      draws[round] = replay.Play(order);
    });
    return draws;
  }
  const std::vector<Order> units = RowsByUnit(data, clustering);
  ParallelFor(draws.size(), options.threads, [&](std::size_t round) {
    Rng rng(options.seed, round);
    Order order;
    order.reserve(data.rows().size());
    for (std::size_t draw = 0; draw < units.size(); ++draw) {
      const Order& unit = units[rng.Below(units.size())];
      order.insert(order.end(), unit.begin(), unit.end());
    }
    Shuffle(order, rng);
    draws[round] = replay.Play(order);
  });
  return draws;
}

}  // namespace

Result<Board> RateElo(const Dataset& data, const RatingOptions& options) {
  RatingOptions shown = options;
  shown.interval = IntervalMethod::kBootstrap;
  ARENA_RETURN_IF_ERROR(rating_internal::CheckOptions(data, shown));
  if (!(options.elo_k > 0) || !std::isfinite(options.elo_k) || !std::isfinite(options.elo_init)) {
    return InvalidInput("Elo needs a positive K and a finite initial rating");
  }
  if (!data.options().keep_order) {
    return InvalidInput(
        "online Elo needs the order of the battles; build the dataset with it kept");
  }
  ARENA_ASSIGN_OR_RETURN(const Canonical canonical, rating_internal::Canonicalise(data));
  std::optional<std::uint32_t> anchor;
  if (options.anchor) {
    ARENA_ASSIGN_OR_RETURN(
        anchor, rating_internal::FindContestant(canonical, options.anchor->first, "anchor"));
  }
  std::vector<std::string> warnings;
  const Clustering clustering = rating_internal::EffectiveClustering(data, options, warnings);

  const EloReplay replay(data, canonical, options, anchor);
  std::vector<std::vector<double>> draws = Bootstrap(data, replay, options, clustering);
  std::vector<rating_internal::Estimate> estimates =
      rating_internal::SummariseDraws(draws, options.level);
  if (options.interval == IntervalMethod::kSandwich) {
    Order order(data.rows().size());
    std::iota(order.begin(), order.end(), 0U);
    const std::vector<double> replayed = replay.Play(order);
    for (std::size_t i = 0; i < replayed.size(); ++i) estimates[i].rating = replayed[i];
    warnings.emplace_back(
        "online Elo has no sandwich interval: the bounds are by bootstrap over random orders");
  }
  warnings.emplace_back(
      "online Elo depends on the order of the battles; Bradley-Terry (bt) does not");

  shown.clustering = clustering;
  Board board =
      rating_internal::BuildBoard(data, canonical, shown, "elo", estimates, std::move(draws));
  board.warnings.insert(board.warnings.end(), warnings.begin(), warnings.end());
  return board;
}

}  // namespace arena
