#include "rating/internal/style_features.h"

#include <fmt/format.h>

#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include "base/nearest.h"
#include "base/parallel.h"

namespace arena::rating_internal {
namespace {

constexpr std::size_t kFeatures = 4;
constexpr std::size_t kRowsAtOnce = 4096;  // by one thread
constexpr std::size_t kAhead = 16;         // rows whose counts are fetched ahead
constexpr std::array<std::string_view, kFeatures> kNames = {"length", "headers", "lists", "bold"};

std::array<double, kFeatures> Counts(const StyleCounts& counts) {
  return {counts.tokens, counts.headers, counts.lists, counts.bold};
}

double Share(double a, double b, double extra) {
  const double sum = a + b + extra;
  return sum > 0 ? (a - b) / sum : 0;
}

// The feature's index by name, or an error.
Result<std::size_t> FindFeature(const std::string& name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found != kNames.end()) return static_cast<std::size_t>(found - kNames.begin());
  std::string message =
      fmt::format("there is no style feature \"{}\" (there are {})", name, fmt::join(kNames, ", "));
  if (const auto nearest = NearestName(name, kNames)) {
    message += fmt::format("; did you mean \"{}\"?", *nearest);
  }
  return InvalidInput(std::move(message));
}

Status CheckFrozen(const std::vector<StyleCoefficient>& frozen) {
  std::array<bool, kFeatures> seen{};
  for (const StyleCoefficient& coefficient : frozen) {
    ARENA_ASSIGN_OR_RETURN(const std::size_t index, FindFeature(coefficient.feature));
    if (seen[index]) {
      return InvalidInput(
          fmt::format("the frozen coefficient of \"{}\" is given twice", coefficient.feature));
    }
    seen[index] = true;
    if (!(coefficient.deviation > 0) || !std::isfinite(coefficient.deviation) ||
        !std::isfinite(coefficient.mean) || !std::isfinite(coefficient.value)) {
      return InvalidInput(
          fmt::format("the frozen coefficient of \"{}\" needs a finite value and mean and a "
                      "positive deviation",
                      coefficient.feature));
    }
  }
  return {};
}

void MeasureSpread(const std::vector<double>& column, bool subtract_mean,
                   StyleCoefficient& coefficient) {
  // Eigen's sums are vector instructions of the same width on every x86-64 processor.
  const Eigen::Map<const Eigen::ArrayXd> values(column.data(),
                                                static_cast<Eigen::Index>(column.size()));
  coefficient.mean = subtract_mean ? values.mean() : 0;
  coefficient.deviation = std::sqrt((values - coefficient.mean).square().mean());
}

}  // namespace

std::array<double, 4> StyleDifferences(const StyleRow& row, StyleNormalisation normalisation) {
  const auto a = Counts(row.a);
  const auto b = Counts(row.b);
  std::array<double, kFeatures> differences{};
  for (std::size_t f = 0; f < kFeatures; ++f) {
    switch (normalisation) {
      case StyleNormalisation::kFastChat:
        differences[f] = Share(a[f], b[f], 1);
        break;
      case StyleNormalisation::kArenaRank:
        differences[f] = Share(a[f], b[f], 0);
        break;
      case StyleNormalisation::kArenaHard:
        differences[f] =
            f == 0 ? Share(a[0], b[0], 0) : Share(a[f] / (a[0] + 1), b[f] / (b[0] + 1), 1);
        break;
    }
  }
  return differences;
}

Result<StyleColumns> MakeStyleColumns(const std::vector<StyleRow>& rows,
                                      const std::vector<std::uint32_t>& order,
                                      const StyleOptions& options, unsigned threads,
                                      std::vector<std::string>& warnings) {
  ARENA_RETURN_IF_ERROR(CheckFrozen(options.frozen));
  std::array<std::vector<double>, kFeatures> differences;
  for (auto& column : differences) column.resize(order.size());
  ParallelFor((order.size() + kRowsAtOnce - 1) / kRowsAtOnce, threads, [&](std::size_t block) {
    const std::size_t end = std::min(order.size(), (block + 1) * kRowsAtOnce);
    for (std::size_t r = block * kRowsAtOnce; r < end; ++r) {
      if (r + kAhead < end) {
        const StyleRow& soon = rows[order[r + kAhead]];
        __builtin_prefetch(&soon.a);
        __builtin_prefetch(&soon.b.bold);
      }
      const auto of_row = StyleDifferences(rows[order[r]], options.normalisation);
      for (std::size_t f = 0; f < kFeatures; ++f) differences[f][r] = of_row[f];
    }
  });
  StyleColumns style;
  style.coefficients = options.frozen;
  if (options.frozen.empty()) {
    std::array<StyleCoefficient, kFeatures> measured;
    ParallelFor(kFeatures, threads, [&](std::size_t f) {
      MeasureSpread(differences[f], options.subtract_mean, measured[f]);
    });
    for (std::size_t f = 0; f < kFeatures; ++f) {
      StyleCoefficient& coefficient = measured[f];
      coefficient.feature = kNames[f];
      if (!(coefficient.deviation > 1e-12)) {
        coefficient.deviation = 1;
        warnings.push_back(fmt::format(
            "the style feature \"{}\" is the same in every battle, so it explains nothing",
            kNames[f]));
      }
      style.coefficients.push_back(std::move(coefficient));
    }
  }
  for (const StyleCoefficient& coefficient : style.coefficients) {
    ARENA_ASSIGN_OR_RETURN(const std::size_t f, FindFeature(coefficient.feature));
    style.columns.push_back(std::move(differences[f]));  // no feature comes twice
  }
  ParallelFor(style.columns.size(), threads, [&](std::size_t c) {
    const StyleCoefficient& coefficient = style.coefficients[c];
    for (double& x : style.columns[c]) x = (x - coefficient.mean) / coefficient.deviation;
  });
  return style;
}

}  // namespace arena::rating_internal
