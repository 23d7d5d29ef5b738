#include "report/report_testing.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <limits>

#include "base/file.h"
#include "report/board_json.h"

namespace arena {

void ExpectGolden(std::string_view name, const std::string& text) {
  const std::filesystem::path path =
      std::filesystem::path(ARENA_SOURCE_DIR) / "tests" / "golden" / "report" / name;
  const char* update = std::getenv("ARENA_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    const Status written = WriteFileAtomic(path, text);
    ASSERT_TRUE(written.ok()) << written.error().message;
    return;
  }
  const Result<std::string> approved = ReadFile(path);
  ASSERT_TRUE(approved.ok()) << approved.error().message
                             << "\nrun the test with ARENA_UPDATE_GOLDEN=1 to write it";
  EXPECT_EQ(text, *approved) << "differs from " << name;
}

const std::string kHostileName =
    "evil\x1b[2J\x1b]0;owned\x07<script>alert('1')</script>|\"quoted\",=1+1\r\n\xE2\x80\xAE"
    "gnp\xFFt";

Board SmallBoard() {
  Board board;
  board.method = "bt";
  board.ci = "sandwich";
  board.cluster = "instruction";
  board.seed = 1;
  board.battles = 7914;
  board.contestants = {
      {"175b_verification", 1143.2718281, 1124.0011, 1162.5425, 1, 3957, 67.3237301, 0, 0, 0, {}},
      {"6b_verification", 1012.0, 993.9, 1030.1, 2, 3957, 52.1, 0, 0, 0, {}},
      {"175b_finetuning", 1009.25, 990.25, 1028.25, 2, 3957, 51.7, 0, 0, 0, {}},
      {"6b_finetuning", 835.4781719, 812.1, 858.8563438, 4, 3957, 28.9, 0, 0, 0, {}}};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  board.matrix.battles = {
      {0, 1319, 1319, 1319}, {1319, 0, 1319, 1319}, {1319, 1319, 0, 1319}, {1319, 1319, 1319, 0}};
  board.matrix.win_rate = {{nan, 0.62, 0.63, 0.77},
                           {0.38, nan, 0.505, 0.68},
                           {0.37, 0.495, nan, 0.69},
                           {0.23, 0.32, 0.31, nan}};
  return board;
}

Board FullBoard() {
  Board board = SmallBoard();
  board.method = "lc";
  board.ci = "bootstrap";
  board.cluster = "none";
  board.level = 0.9;
  board.seed = 18446744073709551615U;
  board.bootstrap_rounds = 3;
  board.void_battles = 12;
  board.category = "math & <code>";
  board.anchor = "6b_finetuning=1.5";
  board.contestants[1].name = kHostileName;
  board.contestants[2].name =
      "a contestant whose name is much longer than any table has space for, as checkpoints' are";
  double rate = 60;
  for (BoardRow& row : board.contestants) {
    row.rating /= 20;
    row.lower /= 20;
    row.upper /= 20;
    row.void_share = 0.0015163;
    row.win_rate_voids_lost = row.win_rate - 0.15;
    row.win_rate_voids_won = row.win_rate + 0.15;
    row.lc_win_rate = rate -= 7.5;
  }
  board.contestants[0].battles = 3956.5;
  board.style = {{"length", 0.5123456789, 0.4, 0.6, 0.01, 0.35},
                 {"headers", -0.0000001, -0.02, 0.02, 0, 1}};
  board.matrix.win_rate[0][3] = board.matrix.win_rate[3][0] =
      std::numeric_limits<double>::quiet_NaN();
  board.matrix.battles[0][3] = board.matrix.battles[3][0] = 0;
  board.warnings = {"2 contestants never met the others <b>", "warning with \x1b[31mcolour"};
  board.draws = {{57, 50.5, 50.25, 41.5}, {58.125, 50, 51, 42}, {56, 51.0000001, 50, 40}};
  return board;
}

Board LargeBoard(int count) {
  Board board = SmallBoard();
  board.contestants.clear();
  board.matrix = {};
  for (int i = 0; i < count; ++i) {
    BoardRow row;
    row.name =
        (i % 7 == 3 ? "organisation/very-long-model-name-instruct-128k-checkpoint-" : "model-") +
        std::to_string(i);
    row.rating = 1000 + 300.0 / count * (count / 2.0 - i) + 40 * std::sin(i * 0.05);
    row.lower = row.rating - 12 - 8 * std::abs(std::sin(i * 1.7));
    row.upper = row.rating + 12 + 8 * std::abs(std::cos(i * 1.3));
    row.battles = 2000 + 37 * i;
    row.win_rate = 50 + (row.rating - 1000) / 8;
    board.contestants.push_back(row);
  }
  SortAndRank(board);
  for (int i = 0; i < count; ++i) {
    auto& battles = board.matrix.battles.emplace_back();
    auto& rates = board.matrix.win_rate.emplace_back();
    for (int j = 0; j < count; ++j) {
      const bool met = i != j && (i * j + i + j) % 11 != 0;
      const auto rating = [&](int k) {
        return board.contestants[static_cast<std::size_t>(k)].rating;
      };
      battles.push_back(met ? 120 : 0);
      rates.push_back(met ? 1 / (1 + std::pow(10, (rating(j) - rating(i)) / 120))
                          : std::numeric_limits<double>::quiet_NaN());
    }
  }
  return board;
}

}  // namespace arena
