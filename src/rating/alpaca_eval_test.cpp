// Win rates and length-controlled win rates of AlpacaEval's published verdicts.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/file.h"
#include "base/json.h"
#include "rating/length_control.h"

namespace arena {
namespace {

struct Known {
  double win_rate;  ///< as published
  /// Without the side tables, by a program of its own: Newton's method in plain Python.
  double lc_win_rate;
  /// As published, with the side tables. Not reached without them: see LengthControlOptions.
  std::optional<double> published_lc_win_rate;
};

const std::map<std::string, Known>& KnownFigures() {
  static const std::map<std::string, Known> figures = {
      {"text_davinci_003", {1.96, 10.47, std::nullopt}},
      {"falcon-7b-instruct", {2.15, 6.43, 4.04}},
      {"alpaca-7b", {2.59, 19.83, 5.88}},
      {"chatglm2-6b", {2.76, 6.30, 4.36}},
      {"vicuna-7b", {4.16, 9.28, 6.28}},
      {"vicuna-13b", {5.83, 14.07, 9.22}},
      {"claude-2", {17.19, 36.79, 28.16}},
      {"gpt-3.5-turbo-0301", {9.62, 31.46, 18.09}}};
  return figures;
}

double Characters(const std::string& utf8) {
  double count = 0;
  for (const char c : utf8) count += (static_cast<unsigned char>(c) & 0xC0U) != 0x80U ? 1 : 0;
  return count;
}

void AddFile(const std::filesystem::path& path, Dataset& data) {
  const auto text = ReadFile(path);
  ASSERT_TRUE(text.ok()) << text.error().message;
  const auto rows = ParseJson(*text);
  ASSERT_TRUE(rows.ok()) << rows.error().message;
  for (const Json& row : *rows) {
    const auto instruction = row["instruction"].get<std::string>();
    const auto baseline = row["generator_1"].get<std::string>();
    const auto model = row["generator_2"].get<std::string>();
    BattleRecord record;
    record.instruction = instruction;
    record.model_a = baseline;
    record.model_b = model;
    record.games[0].share_a = 2 - row["preference"].get<double>();
    record.style_a = StyleCounts{.tokens = Characters(row["output_1"].get<std::string>())};
    record.style_b = StyleCounts{.tokens = Characters(row["output_2"].get<std::string>())};
    ASSERT_TRUE(data.Add(record).ok());
  }
}

class AlpacaEvalTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto folder = std::filesystem::path(ARENA_SOURCE_DIR) / ".." / "shared" / "data" /
                        "alpaca-eval" / "results";
    if (!std::filesystem::exists(folder)) {
      GTEST_SKIP() << "needs AlpacaEval's annotations under ../shared/data/alpaca-eval/results";
    }
    for (const auto& [name, known] : KnownFigures()) {
      AddFile(folder / (name + ".annotations.json"), data_);
    }
  }

  Dataset data_{{.outcome = {.policy = OutcomePolicy::kEachGame}, .keep_style = true}};
};

TEST_F(AlpacaEvalTest, WinRatesAreThePublishedAndTheFitIsTheSecondMethods) {
  const auto board = RateLengthControlled(data_, {});
  ASSERT_TRUE(board.ok()) << board.error().message;
  ASSERT_EQ(board->contestants.size(), 9U);
  EXPECT_EQ(board->contestants[0].name, "gpt4_1106_preview");
  for (std::size_t i = 1; i < board->contestants.size(); ++i) {
    const BoardRow& row = board->contestants[i];
    const Known& known = KnownFigures().at(row.name);
    EXPECT_NEAR(row.win_rate, known.win_rate, 0.006) << row.name;
    EXPECT_NEAR(*row.lc_win_rate, known.lc_win_rate, 0.03) << row.name;
    EXPECT_LT(row.lower, row.rating);
    EXPECT_GT(row.upper, row.rating);
    if (known.published_lc_win_rate) {
      EXPECT_GT(*row.lc_win_rate, *known.published_lc_win_rate) << row.name;
      EXPECT_LT(*row.lc_win_rate, *known.published_lc_win_rate + 14) << row.name;
    }
  }
}

TEST_F(AlpacaEvalTest, BothPenaltiesGiveTheSameFigures) {
  const auto ridge = FitLengthControl(data_, {});
  const auto lasso = FitLengthControl(data_, {}, {.fit = LengthControlFit::kCrossValidatedLasso});
  ASSERT_TRUE(ridge.ok() && lasso.ok());
  for (std::size_t m = 0; m < ridge->size(); ++m) {
    EXPECT_NEAR(ridge->at(m).lc_win_rate, lasso->at(m).lc_win_rate, 0.3) << ridge->at(m).name;
  }
}

}  // namespace
}  // namespace arena
