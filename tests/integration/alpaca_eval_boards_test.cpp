// Boards from the AlpacaEval verdicts of eight models.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

constexpr char kResults[] = ARENA_SOURCE_DIR "/../shared/data/alpaca-eval/results";

class AlpacaEvalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kResults)) {
      GTEST_SKIP() << "the AlpacaEval results are not at " << kResults;
    }
  }

  static std::map<std::string, Json> Rank(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"rank", "--format", "alpaca-eval", "--json"};
    for (const auto& entry : std::filesystem::directory_iterator(kResults)) {
      arguments.push_back(entry.path().string());
    }
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult rank = RunArena(arguments);
    EXPECT_EQ(rank.exit_code, 0) << rank.err;
    std::map<std::string, Json> rows;
    const Json board = ParseJson(rank.out).value_or(Json());
    for (const Json& row : board["contestants"]) rows[row["name"]] = row;
    return rows;
  }
};

const std::map<std::string, double> kWinRates = {
    {"text_davinci_003", 1.96},   {"falcon-7b-instruct", 2.15}, {"alpaca-7b", 2.59},
    {"chatglm2-6b", 2.76},        {"vicuna-7b", 4.16},          {"vicuna-13b", 5.83},
    {"gpt-3.5-turbo-0301", 9.62}, {"claude-2", 17.19}};

TEST_F(AlpacaEvalTest, WinRatesAreThePublishedOnes) {
  for (const std::string method : {"winrate", "bt"}) {
    const auto rows = Rank({"--method", method});
    for (const auto& [name, win_rate] : kWinRates) {
      ASSERT_TRUE(rows.contains(name)) << name;
      EXPECT_NEAR(rows.at(name)["win_rate"].get<double>(), win_rate, 0.005) << name;
      EXPECT_LT(rows.at(name)["lower"], rows.at(name)["rating"]);
      EXPECT_GT(rows.at(name)["upper"], rows.at(name)["rating"]);
    }
  }
}

TEST_F(AlpacaEvalTest, LengthControlRaisesTheShortWindedAndKeepsTheOrderOfTheBest) {
  const auto rows = Rank({"--method", "lc"});
  // Every one of the eight answers in fewer characters than the baseline.
  for (const auto& [name, win_rate] : kWinRates) {
    const double lc = rows.at(name)["lc_win_rate"];
    EXPECT_GT(lc, win_rate) << name;
    EXPECT_LT(rows.at(name)["lower"], lc);
    EXPECT_GT(rows.at(name)["upper"], lc);
  }
  EXPECT_GT(rows.at("claude-2")["lc_win_rate"], rows.at("gpt-3.5-turbo-0301")["lc_win_rate"]);
}

TEST_F(AlpacaEvalTest, BootstrapAndSandwichAreNearEachOther) {
  const auto sandwich = Rank({"--ci", "sandwich"});
  const auto bootstrap = Rank({"--ci", "bootstrap", "--bootstrap", "400"});
  for (const auto& [name, win_rate] : kWinRates) {
    const auto width = [&](const std::map<std::string, Json>& rows) {
      return rows.at(name)["upper"].get<double>() - rows.at(name)["lower"].get<double>();
    };
    EXPECT_NEAR(width(bootstrap) / width(sandwich), 1.0, 0.25) << name;
  }
}

}  // namespace
}  // namespace arena
