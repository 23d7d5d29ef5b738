#include "rating/presets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace arena {
namespace {

using testing::HasSubstr;

TEST(Presets, OursIsTheDefault) {
  const auto options = PresetOptions("arena");
  ASSERT_TRUE(options.ok());
  const RatingOptions defaults;
  EXPECT_EQ(options->interval, defaults.interval);
  EXPECT_EQ(options->clustering, Clustering::kInstruction);
  EXPECT_EQ(options->ridge, defaults.ridge);
}

TEST(Presets, EachHasAUniqueNameASummaryAndUsableOptions) {
  for (const Preset& preset : Presets()) {
    EXPECT_FALSE(preset.summary.empty()) << preset.name;
    EXPECT_EQ(FindPreset(preset.name)->name, preset.name);
  }
}

TEST(Presets, UnknownNamesAreErrorsThatNameTheNearest) {
  EXPECT_THAT(PresetOptions("fastcat").error().message, HasSubstr("did you mean \"fastchat\""));
}

TEST(Presets, FastChatAnchorsMixtralWhereItTakesPartAndElseTheMean) {
  RatingOptions options = *PresetOptions("fastchat");
  Dataset without{DatasetOptions{}};
  Dataset with{DatasetOptions{}};
  for (int i = 0; i < 30; ++i) {
    without.AddResult("x", "y", "", i % 3 == 0 ? 0 : 1, 1);
    with.AddResult("x", "mixtral-8x7b-instruct-v0.1", "", i % 3 == 0 ? 0 : 1, 1);
  }
  const auto anchored = Rate(with, options);
  ASSERT_TRUE(anchored.ok());
  EXPECT_EQ(anchored->contestants[1].name, "mixtral-8x7b-instruct-v0.1");
  EXPECT_NEAR(anchored->contestants[1].rating, 1114, 1e-9);
  EXPECT_NEAR(anchored->contestants[0].rating, 1114 + 400 * std::log10(2.0), 40);
  const auto centred = Rate(without, options);
  ASSERT_TRUE(centred.ok());
  EXPECT_NEAR(centred->contestants[0].rating + centred->contestants[1].rating, 2000, 1e-6);
  EXPECT_THAT(centred->warnings, testing::Contains(HasSubstr("mixtral")));
}

TEST(Presets, ArenaRankReproducesItsSandwichOfReweightedPairs) {
  // V = H^-1 S H^-1 by hand for one pair: with weight w = 1/max(n, 50) and share s of n = 80 games,
  // H = n w s(1-s) and S = n w^2 s(1-s) for the difference, half of which each contestant moves.
  RatingOptions options = *PresetOptions("arena-rank");
  Dataset data{DatasetOptions{}};
  for (int i = 0; i < 80; ++i) data.AddResult("x", "y", "", i < 60 ? 1 : 0, 1);
  const auto board = Rate(data, options);
  ASSERT_TRUE(board.ok());
  const double points = 400 / std::log(10.0);
  const double half = 1.959963984540054 * points / 2 / std::sqrt(80 * 0.75 * 0.25);
  EXPECT_NEAR(board->contestants[0].upper - board->contestants[0].rating, half, 1e-2);
  EXPECT_NEAR(board->contestants[0].rating, 1000 + points * std::log(3.0) / 2, 1e-2);
}

}  // namespace
}  // namespace arena
