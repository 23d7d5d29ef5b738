#include "rating/dataset.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <tuple>
#include <utility>

#include "base/rng.h"

namespace arena {
namespace {

DatasetOptions WinnersOnly() {
  DatasetOptions options;
  options.outcome.policy = OutcomePolicy::kDisagreeTie;
  return options;
}

BattleRecord Battle(std::string_view a, std::string_view b, double share_a,
                    std::string_view instruction = "") {
  BattleRecord battle;
  battle.model_a = a;
  battle.model_b = b;
  battle.instruction = instruction;
  battle.games[0].share_a = share_a;
  return battle;
}

std::vector<ResultRow> Rows(const Dataset& data) {
  std::vector<ResultRow> rows;
  data.ForEachRow([&](const ResultRow& row) { rows.push_back(row); });
  return rows;
}

TEST(Dataset, MergesRowsThatAreAlikeWhereClustersAreNotKept) {
  DatasetOptions options = WinnersOnly();
  options.keep_clusters = false;
  Dataset data(options);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(data.Add(Battle("x", "y", 1, "q")).ok());
  ASSERT_TRUE(data.Add(Battle("y", "x", 1)).ok());
  ASSERT_TRUE(data.Add(Battle("x", "y", 0.5)).ok());
  std::map<std::tuple<std::uint32_t, std::uint32_t, float>, std::uint32_t> counts;
  for (const ResultRow& row : Rows(data)) counts[{row.a, row.b, row.share}] = row.count;
  EXPECT_EQ(Rows(data).size(), 3U);
  EXPECT_THAT(counts, testing::ElementsAre(testing::Pair(std::tuple(0U, 1U, 0.5F), 1U),
                                           testing::Pair(std::tuple(0U, 1U, 1.0F), 5U),
                                           testing::Pair(std::tuple(1U, 0U, 1.0F), 1U)));
  EXPECT_EQ(data.battles(), 7);
  EXPECT_EQ(data.clusters(), 0U);
}

TEST(Dataset, KeepsOneRowPerResultWhereInstructionsOrOrderMatter) {
  Dataset clustered(WinnersOnly());
  DatasetOptions ordered_options = WinnersOnly();
  ordered_options.keep_clusters = false;
  ordered_options.keep_order = true;
  Dataset ordered(ordered_options);
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(clustered.Add(Battle("x", "y", 1, i < 2 ? "p" : "q")).ok());
    ASSERT_TRUE(ordered.Add(Battle("x", "y", 1)).ok());
  }
  EXPECT_EQ(Rows(clustered).size(), 4U);
  EXPECT_EQ(clustered.clusters(), 2U);
  EXPECT_EQ(Rows(clustered)[0].cluster, 1U);
  EXPECT_EQ(Rows(clustered)[3].cluster, 2U);
  EXPECT_EQ(ordered.rows().size(), 4U);
}

TEST(Dataset, CountsLikeAMapWhateverTheNamesAndWeights) {
  // Names of every length class of the interning table, fractions and weights of every row kind.
  DatasetOptions options;
  options.keep_clusters = false;
  Dataset data(options);
  std::vector<std::string> names;
  for (int i = 0; i < 1500; ++i) {
    names.push_back(std::string(static_cast<std::size_t>(i % 23), 'm') + std::to_string(i));
  }
  std::map<std::tuple<std::string, std::string, float, float>, std::uint32_t> expected;
  Rng rng(5);
  for (int i = 0; i < 60'000; ++i) {
    const std::size_t range = i % 2 == 0 ? 20 : names.size();
    const std::string& a = names[rng.Below(range)];
    const std::string& b = names[rng.Below(range)];
    if (a == b) continue;
    const double share = static_cast<double>(rng.Below(5)) / 4;
    const double weight = rng.Below(3) == 0 ? 0.5 : 1;
    data.AddResult(a, b, "", share, weight);
    ++expected[{a, b, static_cast<float>(share), static_cast<float>(weight)}];
  }
  std::map<std::tuple<std::string, std::string, float, float>, std::uint32_t> counted;
  for (const ResultRow& row : Rows(data)) {
    const auto key =
        std::tuple(data.contestants()[row.a], data.contestants()[row.b], row.share, row.weight);
    EXPECT_TRUE(counted.emplace(key, row.count).second) << "a row was not merged";
  }
  EXPECT_EQ(counted, expected);
}

TEST(Dataset, CountsVoidBattlesByContestantAndAddsNoRow) {
  Dataset data(WinnersOnly());
  BattleRecord battle = Battle("x", "y", 1, "q");
  ASSERT_TRUE(data.Add(battle).ok());
  battle.games[0].is_void = true;
  ASSERT_TRUE(data.Add(battle).ok());
  EXPECT_EQ(data.battles(), 2);
  EXPECT_EQ(data.void_battles(), 1);
  EXPECT_EQ(Rows(data).size(), 1U);
  EXPECT_EQ(data.battles_by_contestant()[0], 2);
  EXPECT_EQ(data.voids_by_contestant()[1], 1);
}

TEST(Dataset, EachGameOfABattleIsARowOfTheSameInstruction) {
  DatasetOptions options;
  options.outcome.policy = OutcomePolicy::kEachGame;
  Dataset data(options);
  BattleRecord battle = Battle("x", "y", 1, "q");
  battle.game_count = 2;
  battle.games[1].share_a = 0;
  ASSERT_TRUE(data.Add(battle).ok());
  ASSERT_EQ(Rows(data).size(), 2U);
  EXPECT_EQ(Rows(data)[0].cluster, Rows(data)[1].cluster);
  EXPECT_EQ(Rows(data)[0].weight, 0.5F);
  EXPECT_EQ(data.battles(), 1);
}

// Everything that a dataset shows.
std::string Dump(const Dataset& data) {
  std::string text = fmt::format("{} battles, {} void, {}\n", data.battles(), data.void_battles(),
                                 fmt::join(data.contestants(), " "));
  for (std::size_t i = 0; i < data.contestants().size(); ++i) {
    text += fmt::format("{}/{} ", data.voids_by_contestant()[i], data.battles_by_contestant()[i]);
  }
  for (const ResultRow& row : Rows(data)) {
    text += fmt::format("\n{} {} {} {} {} {}", row.a, row.b, row.cluster, row.count, row.share,
                        row.weight);
  }
  for (const Key& key : data.cluster_keys()) text += "\n" + key.Hex();
  for (const StyleRow& style : data.styles()) text += fmt::format("\n{}", style.a.tokens);
  return text;
}

TEST(Dataset, JoinedPartsEqualTheWholeWhateverIsKept) {
  for (int kept = 0; kept < 8; ++kept) {
    DatasetOptions options;
    options.outcome.policy = OutcomePolicy::kEachGame;
    options.keep_clusters = (kept & 1) != 0;
    options.keep_style = (kept & 2) != 0;
    options.keep_order = (kept & 4) != 0;
    Rng rng(static_cast<std::uint64_t>(kept));
    Dataset whole(options);
    Dataset joined(options);
    for (int part = 0; part < 5; ++part) {
      Dataset one(options);
      const std::uint64_t battles = 200 * rng.Below(3);  // some parts are empty
      for (std::uint64_t i = 0; i < battles; ++i) {
        // Later parts bring new names and instructions.
        const std::string a = fmt::format("m{}", rng.Below(5) + static_cast<std::uint64_t>(part));
        const std::string b = fmt::format("contestant with a long name {}", rng.Below(4));
        const std::string instruction = rng.Below(3) == 0 ? "" : fmt::format("q{}", rng.Below(9));
        BattleRecord battle = Battle(a, b, static_cast<double>(rng.Below(4)) / 3, instruction);
        battle.game_count = 1 + static_cast<int>(rng.Below(2));
        battle.games[0].is_void = rng.Below(10) == 0;
        battle.games[1] = battle.games[0];
        battle.style_a = battle.style_b = StyleCounts{.tokens = rng.Uniform()};
        ASSERT_TRUE(whole.Add(battle).ok());
        ASSERT_TRUE(one.Add(battle).ok());
      }
      joined.Append(std::move(one));
    }
    EXPECT_EQ(Dump(joined), Dump(whole)) << kept;
    ASSERT_GT(whole.battles(), 0);
  }
}

TEST(Dataset, BattlesThatAreAlikeAddAsOneWithTheirNumber) {
  DatasetOptions options;
  options.outcome.policy = OutcomePolicy::kEachGame;
  Dataset one_by_one(options);
  Dataset at_once(options);
  for (const double share : {1.0, 0.5, 0.25}) {
    for (const bool is_void : {false, true}) {
      BattleRecord battle = Battle("x", "y", share);
      battle.games[0].is_void = is_void;
      for (int i = 0; i < 7; ++i) ASSERT_TRUE(one_by_one.Add(battle).ok());
      ASSERT_TRUE(at_once.Add(battle, 7).ok());
    }
  }
  EXPECT_EQ(Dump(at_once), Dump(one_by_one));
  EXPECT_EQ(at_once.battles(), 42);
}

TEST(Dataset, RefusesWhatCannotBeRated) {
  DatasetOptions options = WinnersOnly();
  Dataset data(options);
  EXPECT_THAT(data.Add(Battle("x", "x", 1)).error().message, testing::HasSubstr("with itself"));
  EXPECT_FALSE(data.Add(Battle("", "x", 1)).ok());
  options.outcome.policy = OutcomePolicy::kEachGame;
  Dataset games(options);
  EXPECT_FALSE(games.Add(Battle("x", "y", 1.5)).ok());
  options.keep_style = true;
  Dataset style(options);
  EXPECT_THAT(style.Add(Battle("x", "y", 1)).error().message, testing::HasSubstr("style counts"));
  EXPECT_TRUE(style.rows().empty());
}

}  // namespace
}  // namespace arena
