#include "rating/next_games.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace arena {
namespace {

constexpr double kPrior = 0.01;

Status CheckPlayed(const PlayedGames& played) {
  const std::size_t size = played.strengths.size();
  if (size < 2) return InvalidInput("choosing games needs two contestants or more");
  bool fits = played.games.size() == size;
  for (std::size_t i = 0; fits && i < size; ++i) {
    fits = played.games[i].size() == size && std::isfinite(played.strengths[i]);
    for (std::size_t j = 0; fits && j < size; ++j) {
      const double games = played.games[i][j];
      fits = std::isfinite(games) && games >= 0 && games == played.games[j][i];
    }
  }
  if (!played.left.empty()) {
    fits = fits && played.left.size() == size &&
           std::all_of(played.left.begin(), played.left.end(),
                       [size](const auto& row) { return row.size() == size; });
  }
  if (!fits) {
    return InvalidInput(
        "choosing games needs a finite strength for each contestant and a symmetric table of "
        "games");
  }
  return {};
}

/// Of one game: p (1 - p).
double Information(const PlayedGames& played, std::size_t i, std::size_t j) {
  const double p = 1 / (1 + std::exp(played.strengths[j] - played.strengths[i]));
  return p * (1 - p);
}

/// Covariance of the strengths that sum to zero. (n, n)
Eigen::MatrixXd Covariance(const PlayedGames& played) {
  const std::size_t size = played.strengths.size();
  const auto n = static_cast<Eigen::Index>(size);
  // Ones over n make the matrix regular along (1, ..., 1), where games say nothing.
  const Eigen::MatrixXd ones = Eigen::MatrixXd::Constant(n, n, 1.0 / static_cast<double>(size));
  Eigen::MatrixXd information = kPrior * Eigen::MatrixXd::Identity(n, n) + ones;
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = i + 1; j < size; ++j) {
      const double weight = played.games[i][j] * Information(played, i, j);
      const auto a = static_cast<Eigen::Index>(i);
      const auto b = static_cast<Eigen::Index>(j);
      information(a, a) += weight;
      information(b, b) += weight;
      information(a, b) -= weight;
      information(b, a) -= weight;
    }
  }
  return information.llt().solve(Eigen::MatrixXd::Identity(n, n)) - ones / (1 + kPrior);
}

/// How the covariance changes by one game: by -step * column * column' (Sherman and Morrison).
struct Update {
  Eigen::VectorXd column;
  double step = 0;
};

Update UpdateBy(const Eigen::MatrixXd& covariance, const NextGame& game, double information) {
  const auto a = static_cast<Eigen::Index>(game.a);
  const auto b = static_cast<Eigen::Index>(game.b);
  Update update;
  update.column = covariance.col(a) - covariance.col(b);
  update.step = information / (1 + information * (update.column(a) - update.column(b)));
  return update;
}

double ErrorSum(const Eigen::VectorXd& variances) {
  return variances.cwiseMax(0).cwiseSqrt().sum();
}

}  // namespace

Result<double> MeanStandardError(const PlayedGames& played) {
  ARENA_RETURN_IF_ERROR(CheckPlayed(played));
  return ErrorSum(Covariance(played).diagonal()) / static_cast<double>(played.strengths.size());
}

Result<std::vector<NextGame>> ChooseNextGames(const PlayedGames& played, std::size_t count) {
  ARENA_RETURN_IF_ERROR(CheckPlayed(played));
  const std::size_t size = played.strengths.size();
  Eigen::MatrixXd covariance = Covariance(played);
  auto left = played.left;
  std::vector<NextGame> chosen;
  chosen.reserve(count);
  while (chosen.size() < count) {
    NextGame best;
    Update best_update;
    double best_sum = HUGE_VAL;
    const Eigen::VectorXd variances = covariance.diagonal();
    for (std::size_t a = 0; a < size; ++a) {
      for (std::size_t b = a + 1; b < size; ++b) {
        if (!left.empty() && left[a][b] < 1) continue;
        Update update = UpdateBy(covariance, {a, b}, Information(played, a, b));
        const double sum =
            ErrorSum(variances - update.step * update.column.cwiseProduct(update.column));
        if (sum >= best_sum) continue;
        best_sum = sum;
        best = {a, b};
        best_update = std::move(update);
      }
    }
    if (best_sum == HUGE_VAL) break;  // no game is left
    if (!left.empty()) left[best.a][best.b] -= 1;
    covariance -= best_update.step * best_update.column * best_update.column.transpose();
    chosen.push_back(best);
  }
  return chosen;
}

}  // namespace arena
