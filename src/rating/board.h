// A leaderboard: what a rating gives and what reports show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace arena {

struct BoardRow {
  std::string name;
  double rating = 0;
  double lower = 0;  ///< bounds of the interval at Board::level
  double upper = 0;
  int rank = 0;           ///< 1 + number of contestants whose lower bound is above my upper bound
  double battles = 0;     ///< battles taken part in, void ones excluded
  double win_rate = 0;    ///< (wins + ties/2) / battles, in percent
  double void_share = 0;  ///< of this contestant's battles, in [0, 1]
  double win_rate_voids_lost = 0;     ///< the win rate with void battles counted as losses
  double win_rate_voids_won = 0;      ///< ... as wins
  std::optional<double> lc_win_rate;  ///< length-controlled, in percent (method lc)
};

/// A style coefficient, per standard deviation of its feature, in units of log odds.
struct StyleCoefficient {
  std::string feature;  ///< "length", "headers", "lists", "bold"
  double value = 0;
  double lower = 0;
  double upper = 0;
  double mean = 0;  ///< of the feature before the z-score; with `deviation` it freezes a fit
  double deviation = 1;
};

/// Win shares of row contestants against column contestants, in board order.
struct WinMatrix {
  std::vector<std::vector<double>> battles;  ///< counts
  std::vector<std::vector<double>>
      win_rate;  ///< of the row against the column, 0..1; NaN: never met
};

struct Board {
  std::string method;   ///< "bt", "elo", "winrate", "lc"
  std::string ci;       ///< "sandwich", "bootstrap"
  std::string cluster;  ///< "instruction" or "none"
  double level = 0.95;
  std::uint64_t seed = 0;
  int bootstrap_rounds = 0;  ///< 0 with the sandwich
  std::int64_t battles = 0;  ///< used, void ones excluded
  std::int64_t void_battles = 0;
  std::string category;               ///< empty: all
  std::string anchor;                 ///< NAME=RATING, or empty: the mean is 1000
  std::vector<BoardRow> contestants;  ///< best first
  std::vector<StyleCoefficient> style;
  WinMatrix matrix;
  std::vector<std::string> warnings;
  /// Bootstrap draws [round][contestant in board order]; empty with the sandwich.
  std::vector<std::vector<double>> draws;
};

}  // namespace arena
