// Style control: features, fits against a second method, and what they are for.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "base/rng.h"
#include "rating/internal/style_features.h"
#include "rating/rate.h"

namespace arena {
namespace {

using testing::HasSubstr;

struct Vote {
  std::string a;
  std::string b;
  double share = 0.5;
  StyleCounts style_a;
  StyleCounts style_b;
  std::string instruction;
};

StyleCounts DrawStyle(Rng& rng, double length) {
  return {std::floor(length * (0.5 + rng.Uniform())), static_cast<double>(rng.Below(5)),
          static_cast<double>(rng.Below(12)), static_cast<double>(rng.Below(9))};
}

// Votes that like length and lists; contestant i writes answers of mean length 100 + 60 i.
std::vector<Vote> DrawVotes(std::uint64_t seed, int count, int contestants,
                            const std::vector<double>& skill, double ties = 0.1) {
  Rng rng(seed);
  std::vector<Vote> votes;
  for (int i = 0; i < count; ++i) {
    const auto a = rng.Below(static_cast<std::uint64_t>(contestants));
    auto b = rng.Below(static_cast<std::uint64_t>(contestants) - 1);
    if (b >= a) ++b;
    Vote vote;
    vote.a = "m" + std::to_string(a);
    vote.b = "m" + std::to_string(b);
    vote.style_a = DrawStyle(rng, 100 + 60 * static_cast<double>(a));
    vote.style_b = DrawStyle(rng, 100 + 60 * static_cast<double>(b));
    const auto x = rating_internal::StyleDifferences({vote.style_a, vote.style_b},
                                                     StyleNormalisation::kFastChat);
    const double logit = skill[a] - skill[b] + 2 * x[0] + 0.8 * x[2];
    vote.share = rng.Uniform() < ties ? 0.5 : (rng.Uniform() < 1 / (1 + std::exp(-logit)) ? 1 : 0);
    vote.instruction = "q" + std::to_string(i / 8);
    votes.push_back(vote);
  }
  return votes;
}

Dataset Collect(const std::vector<Vote>& votes) {
  DatasetOptions options;
  options.outcome.policy = OutcomePolicy::kEachGame;
  options.keep_style = true;
  Dataset data(options);
  for (const Vote& vote : votes) {
    BattleRecord battle;
    battle.model_a = vote.a;
    battle.model_b = vote.b;
    battle.instruction = vote.instruction;
    battle.games[0].share_a = vote.share;
    battle.style_a = vote.style_a;
    battle.style_b = vote.style_b;
    EXPECT_TRUE(data.Add(battle).ok());
  }
  return data;
}

RatingOptions LogOddsWithStyle() {
  RatingOptions options;
  options.scale = 1;
  options.base = std::exp(1.0);
  options.center = 0;
  options.style.enabled = true;
  return options;
}

const BoardRow& Find(const Board& board, const std::string& name) {
  return *std::find_if(board.contestants.begin(), board.contestants.end(),
                       [&](const BoardRow& row) { return row.name == name; });
}

TEST(StyleDifferences, FollowTheThreeNormalisations) {
  const StyleRow row{{300, 2, 6, 0}, {99, 0, 4, 0}};
  const auto fastchat = rating_internal::StyleDifferences(row, StyleNormalisation::kFastChat);
  EXPECT_NEAR(fastchat[0], 201.0 / 400, 1e-15);
  EXPECT_NEAR(fastchat[1], 2.0 / 3, 1e-15);
  EXPECT_NEAR(fastchat[3], 0, 1e-15);
  const auto arena_rank = rating_internal::StyleDifferences(row, StyleNormalisation::kArenaRank);
  EXPECT_NEAR(arena_rank[0], 201.0 / 399, 1e-15);
  EXPECT_NEAR(arena_rank[1], 1, 1e-15);
  EXPECT_EQ(arena_rank[3], 0);
  const auto arena_hard = rating_internal::StyleDifferences(row, StyleNormalisation::kArenaHard);
  EXPECT_NEAR(arena_hard[0], 201.0 / 399, 1e-15);
  const double lists_a = 6.0 / 301;
  const double lists_b = 4.0 / 100;
  EXPECT_NEAR(arena_hard[2], (lists_a - lists_b) / (lists_a + lists_b + 1), 1e-15);
}

// The penalised likelihood's gradient, written out, at what the board claims to be its maximum.
void ExpectStationary(const std::vector<Vote>& votes, const RatingOptions& options) {
  const auto board = Rate(Collect(votes), options);
  ASSERT_TRUE(board.ok()) << board.error().message;
  std::map<std::string, double> slope;
  for (const BoardRow& row : board->contestants) slope[row.name] = -options.ridge * row.rating;
  std::array<double, 4> style_slope{};
  for (std::size_t f = 0; f < 4; ++f) {
    style_slope[f] = -options.style.ridge_on_style * board->style[f].value;
  }
  for (const Vote& vote : votes) {
    auto x = rating_internal::StyleDifferences({vote.style_a, vote.style_b},
                                               options.style.normalisation);
    double logit = Find(*board, vote.a).rating - Find(*board, vote.b).rating;
    for (std::size_t f = 0; f < 4; ++f) {
      x[f] = (x[f] - board->style[f].mean) / board->style[f].deviation;
      logit += board->style[f].value * x[f];
    }
    const double excess = vote.share - 1 / (1 + std::exp(-logit));
    slope[vote.a] += excess;
    slope[vote.b] -= excess;
    for (std::size_t f = 0; f < 4; ++f) style_slope[f] += excess * x[f];
  }
  // The likelihood is concave, so a point without slope is its maximum.
  for (const auto& [name, value] : slope) EXPECT_NEAR(value, 0, 1e-5) << name;
  for (const double value : style_slope) EXPECT_NEAR(value, 0, 1e-5);
}

TEST(StyleControl, FitsTheMaximumOfThePenalisedLikelihood) {
  const std::vector<Vote> votes = DrawVotes(1, 1500, 6, {0, 0.2, 0.4, -0.3, 0.1, -0.4});
  for (const auto normalisation : {StyleNormalisation::kFastChat, StyleNormalisation::kArenaRank,
                                   StyleNormalisation::kArenaHard}) {
    for (const double ridge : {0.0, 0.5}) {
      RatingOptions options = LogOddsWithStyle();
      options.style.normalisation = normalisation;
      options.style.ridge_on_style = ridge;
      options.style.subtract_mean = ridge > 0;
      options.ridge = ridge > 0 ? 0.1 : 1e-5;
      ExpectStationary(votes, options);
    }
  }
}

TEST(StyleControl, RecoversSkillThatLengthHides) {
  // Equal skill, but later contestants write more and so win more.
  const std::vector<Vote> votes = DrawVotes(2, 20'000, 6, std::vector<double>(6, 0), 0);
  RatingOptions options = LogOddsWithStyle();
  const auto controlled = Rate(Collect(votes), options);
  options.style.enabled = false;
  const auto plain = Rate(Collect(votes), options);
  EXPECT_GT(Find(*plain, "m5").rating - Find(*plain, "m0").rating, 0.5);
  for (const BoardRow& row : controlled->contestants) EXPECT_NEAR(row.rating, 0, 0.12) << row.name;
  const StyleCoefficient& length = controlled->style[0];
  EXPECT_EQ(length.feature, "length");
  EXPECT_LT(length.lower, 2 * length.deviation);
  EXPECT_GT(length.upper, 2 * length.deviation);
  const StyleCoefficient& bold = controlled->style[3];
  EXPECT_LT(std::abs(bold.value), 0.1);
}

TEST(StyleControl, SandwichAndBootstrapAgree) {
  const Dataset data = Collect(DrawVotes(3, 3000, 5, {0, 0.3, -0.2, 0.1, 0.5}));
  for (const Clustering clustering : {Clustering::kInstruction, Clustering::kNone}) {
    RatingOptions options = LogOddsWithStyle();
    options.clustering = clustering;
    const auto sandwich = Rate(data, options);
    options.interval = IntervalMethod::kBootstrap;
    options.bootstrap_rounds = 1000;
    const auto bootstrap = Rate(data, options);
    for (const BoardRow& row : sandwich->contestants) {
      const BoardRow& twin = Find(*bootstrap, row.name);
      EXPECT_NEAR((twin.upper - twin.lower) / (row.upper - row.lower), 1, 0.15) << row.name;
    }
    for (std::size_t f = 0; f < 4; ++f) {
      const StyleCoefficient& x = sandwich->style[f];
      const StyleCoefficient& y = bootstrap->style[f];
      EXPECT_NEAR((y.upper - y.lower) / (x.upper - x.lower), 1, 0.15) << x.feature;
      EXPECT_NEAR(x.value, y.value, 0.1 * (x.upper - x.lower)) << x.feature;
    }
  }
}

TEST(StyleControl, FrozenCoefficientsGiveTheBoardThatTheyCameFrom) {
  const Dataset data = Collect(DrawVotes(4, 3000, 5, {0, 0.3, -0.2, 0.1, 0.5}));
  RatingOptions options = LogOddsWithStyle();
  const auto fitted = Rate(data, options);
  options.style.frozen = fitted->style;
  const auto frozen = Rate(data, options);
  ASSERT_TRUE(frozen.ok());
  for (const BoardRow& row : fitted->contestants) {
    EXPECT_NEAR(Find(*frozen, row.name).rating, row.rating, 1e-8);
  }
  EXPECT_EQ(frozen->style[0].value, fitted->style[0].value);
  // Half of the features may be frozen alone; the others then do not count.
  options.style.frozen.resize(2);
  EXPECT_TRUE(Rate(data, options).ok());
  options.style.frozen[0].feature = "lenght";
  EXPECT_THAT(Rate(data, options).error().message, HasSubstr("did you mean \"length\""));
  options.style.frozen[0] = options.style.frozen[1];
  EXPECT_THAT(Rate(data, options).error().message, HasSubstr("given twice"));
}

TEST(StyleControl, SidesDoNotMatterUnlessThePeersMeanIsSubtracted) {
  std::vector<Vote> votes = DrawVotes(5, 2000, 5, {0, 0.3, -0.2, 0.1, 0.5});
  // Longer answers listed first: the mean difference is then far from 0.
  for (Vote& vote : votes) {
    if (vote.style_a.tokens >= vote.style_b.tokens) continue;
    std::swap(vote.a, vote.b);
    std::swap(vote.style_a, vote.style_b);
    vote.share = 1 - vote.share;
  }
  std::vector<Vote> swapped = votes;
  for (std::size_t i = 0; i < swapped.size(); i += 2) {
    std::swap(swapped[i].a, swapped[i].b);
    std::swap(swapped[i].style_a, swapped[i].style_b);
    swapped[i].share = 1 - swapped[i].share;
  }
  RatingOptions options = LogOddsWithStyle();
  const auto before = Rate(Collect(votes), options);
  const auto after = Rate(Collect(swapped), options);
  for (const BoardRow& row : before->contestants) {
    EXPECT_NEAR(Find(*after, row.name).rating, row.rating, 1e-9);
    EXPECT_NEAR(Find(*after, row.name).lower, row.lower, 1e-9);
  }
  options.style.subtract_mean = true;
  EXPECT_GT(std::abs(Find(*Rate(Collect(votes), options), "m0").rating -
                     Find(*Rate(Collect(swapped), options), "m0").rating),
            1e-3);
}

TEST(StyleControl, TheOrderOfTheBattlesAndTheThreadsChangeNotOneBit) {
  const std::vector<Vote> votes = DrawVotes(6, 1000, 5, {0, 0.3, -0.2, 0.1, 0.5});
  std::vector<Vote> shuffled = votes;
  Rng rng(1);
  std::shuffle(shuffled.begin(), shuffled.end(), rng);
  for (const Clustering clustering : {Clustering::kInstruction, Clustering::kNone}) {
    for (const IntervalMethod interval : {IntervalMethod::kSandwich, IntervalMethod::kBootstrap}) {
      RatingOptions options = LogOddsWithStyle();
      options.clustering = clustering;
      options.interval = interval;
      options.bootstrap_rounds = 10;
      options.threads = 1;
      const auto x = Rate(Collect(votes), options);
      options.threads = 3;
      const auto y = Rate(Collect(shuffled), options);
      for (std::size_t i = 0; i < x->contestants.size(); ++i) {
        EXPECT_EQ(x->contestants[i].rating, y->contestants[i].rating);
        EXPECT_EQ(x->contestants[i].lower, y->contestants[i].lower);
      }
      EXPECT_EQ(x->draws, y->draws);
      EXPECT_EQ(x->style[0].value, y->style[0].value);
    }
  }
}

TEST(StyleControl, AFeatureThatNeverVariesIsNamedAndExplainsNothing) {
  std::vector<Vote> votes = DrawVotes(7, 500, 4, {0, 0.3, -0.2, 0.1});
  for (Vote& vote : votes) vote.style_a.bold = vote.style_b.bold = 3;
  const auto board = Rate(Collect(votes), LogOddsWithStyle());
  EXPECT_THAT(board->warnings, testing::Contains(HasSubstr("\"bold\"")));
  EXPECT_EQ(board->style[3].value, 0);
  EXPECT_EQ(board->style[3].upper, 0);
}

}  // namespace
}  // namespace arena
