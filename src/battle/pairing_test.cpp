#include "battle/pairing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

const std::vector<std::string> kNames = {"alpha", "beta", "gamma"};

TEST(MakePairsTest, AllPairsOnce) {
  EXPECT_THAT(*MakePairs(kNames, {}), ElementsAre(Pair(0, 1), Pair(0, 2), Pair(1, 2)));
}

TEST(MakePairsTest, TargetMeetsItsRivals) {
  PairingOptions options{.pairing = Pairing::kTarget, .target = "beta"};
  EXPECT_THAT(*MakePairs(kNames, options), ElementsAre(Pair(1, 0), Pair(1, 2)));
  options.rivals = {"gamma", "gamma"};
  EXPECT_THAT(*MakePairs(kNames, options), ElementsAre(Pair(1, 2)));
  options.rivals = {"beta"};
  EXPECT_FALSE(MakePairs(kNames, options).ok());
}

TEST(MakePairsTest, EveryoneMeetsTheBaseline) {
  EXPECT_THAT(*MakePairs(kNames, {.pairing = Pairing::kBaseline, .baseline = "gamma"}),
              ElementsAre(Pair(2, 0), Pair(2, 1)));
}

TEST(MakePairsTest, AWrongNameSaysWhichOneWasMeant) {
  const auto pairs = MakePairs(kNames, {.pairing = Pairing::kTarget, .target = "gama"});
  ASSERT_FALSE(pairs.ok());
  EXPECT_THAT(pairs.error().message, HasSubstr("did you mean \"gamma\"?"));
  EXPECT_FALSE(MakePairs(std::vector<std::string>{"alone"}, {}).ok());
}

std::vector<Key> Draw(std::vector<Key> keys, std::size_t count, std::uint64_t seed) {
  KeySample sample(count, seed);
  for (const Key& key : keys) sample.Offer(key);
  return sample.Take();
}

TEST(KeySampleTest, DependsOnSeedNotOnOrderAndGrowsWithoutExchange) {
  std::vector<Key> keys;
  for (int i = 0; i < 1000; ++i) keys.push_back(HashBytes(std::to_string(i)));
  const auto drawn = Draw(keys, 100, 1);
  EXPECT_EQ(drawn.size(), 100U);
  std::vector<Key> reversed(keys.rbegin(), keys.rend());
  EXPECT_EQ(Draw(reversed, 100, 1), drawn);
  EXPECT_NE(Draw(keys, 100, 2), drawn);
  const auto larger = Draw(keys, 200, 1);
  EXPECT_TRUE(std::equal(drawn.begin(), drawn.end(), larger.begin()));
  EXPECT_EQ(Draw(keys, 5000, 1).size(), 1000U);
}

}  // namespace
}  // namespace arena
