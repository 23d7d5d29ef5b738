#include "rating/judge_quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"

namespace arena {
namespace {

using testing::HasSubstr;

/// A battle that owns its texts. Shares are A's.
struct OwnedBattle {
  std::string instruction = "q";
  std::string judge = "judge";
  std::string a = "a";
  std::string b = "b";
  std::vector<double> shares = {1};
  double length_a = -1;
  double length_b = -1;
  bool void_first = false;

  BattleRecord Record() const {
    BattleRecord record;
    record.instruction = instruction;
    record.judge = judge;
    record.model_a = a;
    record.model_b = b;
    record.game_count = static_cast<int>(shares.size());
    for (std::size_t g = 0; g < shares.size(); ++g) {
      record.games[g].share_a = shares[g];
      record.games[g].a_first = g == 0;
    }
    record.games[0].is_void = void_first;
    if (length_a >= 0) {
      record.style_a = StyleCounts{.tokens = length_a};
      record.style_b = StyleCounts{.tokens = length_b};
    }
    return record;
  }

  OwnedBattle Swapped() const {
    OwnedBattle swapped = *this;
    std::swap(swapped.a, swapped.b);
    std::swap(swapped.length_a, swapped.length_b);
    for (double& share : swapped.shares) share = 1 - share;
    return swapped;
  }

  BattleRecord SwappedRecord(OwnedBattle& storage) const {
    storage = Swapped();
    BattleRecord record = storage.Record();
    for (GameOutcome& game : record.games) game.a_first = !game.a_first;
    return record;
  }
};

Result<JudgeQualityReport> ReportOf(const std::vector<OwnedBattle>& battles,
                                    JudgeQualityConfig config = {},
                                    const std::vector<OwnedBattle>& votes = {}) {
  JudgeQuality quality(std::move(config));
  for (const OwnedBattle& vote : votes) quality.AddVote(vote.Record());
  for (const OwnedBattle& battle : battles) quality.Add(battle.Record());
  return quality.Report({.rounds = 200});
}

TEST(JudgeQualityTest, RecordsWithoutSeatsSayNothingAboutSeats) {
  JudgeQuality quality;
  OwnedBattle battle;
  battle.shares = {1, 0};
  BattleRecord record = battle.Record();
  record.seats_known = false;
  quality.Add(record);
  const auto report = quality.Report({.rounds = 10});
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->games, 2);
  EXPECT_FALSE(report->first_seat_win_rate.has_value());
  EXPECT_FALSE(report->flip_rate.has_value());
}

TEST(JudgeQualityTest, FlipsAreSplitIntoReversalsAndTies) {
  // a wins both; first seat wins both; second seat wins both; win then tie; two ties.
  const auto report = ReportOf({{.instruction = "1", .shares = {1, 1}},
                                {.instruction = "2", .shares = {1, 0}},
                                {.instruction = "3", .shares = {0, 1}},
                                {.instruction = "4", .shares = {1, 0.5}},
                                {.instruction = "5", .shares = {0.5, 0.5}}});
  ASSERT_TRUE(report.ok());
  EXPECT_NEAR(report->flip_rate->figure.value, 3.0 / 5, 1e-12);
  EXPECT_NEAR(report->first_seat_reversals->figure.value, 1.0 / 5, 1e-12);
  EXPECT_NEAR(report->second_seat_reversals->figure.value, 1.0 / 5, 1e-12);
  EXPECT_NEAR(report->tie_flips->figure.value, 1.0 / 5, 1e-12);
  EXPECT_EQ(report->flip_rate->count, 5);
  EXPECT_EQ(report->clusters, 5);
  // First seat's shares: 1,0 1,1 0,0 1,0.5 0.5,0.5.
  EXPECT_NEAR(report->first_seat_win_rate->figure.value, 5.5 / 10, 1e-12);
  EXPECT_EQ(report->first_seat_win_rate->count, 10);
}

TEST(JudgeQualityTest, VoidGamesAreARateAndNeverATie) {
  const auto report = ReportOf({{.instruction = "1", .shares = {1, 1}, .void_first = true},
                                {.instruction = "2", .shares = {1, 1}}});
  ASSERT_TRUE(report.ok());
  EXPECT_NEAR(report->void_rate->figure.value, 0.25, 1e-12);
  EXPECT_EQ(report->void_rate->count, 4);
  EXPECT_EQ(report->flip_rate->count, 1);
  EXPECT_EQ(report->flip_rate->figure.value, 0);
  EXPECT_EQ(report->first_seat_win_rate->count, 3);
}

TEST(JudgeQualityTest, FiguresWithoutCasesAreAbsent) {
  const auto report = ReportOf({{.shares = {1}}});
  ASSERT_TRUE(report.ok());
  EXPECT_FALSE(report->flip_rate.has_value());
  EXPECT_FALSE(report->length_slope.has_value());
  EXPECT_FALSE(report->longer_win_rate.has_value());
  EXPECT_FALSE(report->repeatability.has_value());
  EXPECT_FALSE(report->votes.has_value());
  EXPECT_TRUE(report->families.empty());
  EXPECT_FALSE(JudgeQuality().Report().ok());
}

TEST(JudgeQualityTest, LengthSlopeOfTwoKindsOfBattleIsTheLogitOfTheShare) {
  // With differences of +-10 only, the slope per deviation (10) is logit of the longer's share.
  std::vector<OwnedBattle> battles;
  for (int i = 0; i < 40; ++i) {
    const bool longer_wins = i % 4 != 0;
    const bool a_longer = i % 8 < 4;
    battles.push_back({.instruction = std::to_string(i),
                       .shares = {longer_wins == a_longer ? 1.0 : 0.0},
                       .length_a = a_longer ? 30.0 : 20.0,
                       .length_b = a_longer ? 20.0 : 30.0});
  }
  const auto report = ReportOf(battles);
  ASSERT_TRUE(report.ok() && report->length_slope.has_value());
  EXPECT_NEAR(report->longer_win_rate->figure.value, 0.75, 1e-12);
  EXPECT_NEAR(report->length_slope->slope.value, std::log(3.0), 1e-5);
  EXPECT_EQ(report->length_slope->deviation, 10);
  EXPECT_EQ(report->length_slope->unit, "tokens");
  // Independent cases: standard error of a logit is 1 / sqrt(n p (1-p)).
  const double margin = 1.959964 / std::sqrt(40 * 0.75 * 0.25);
  EXPECT_NEAR(report->length_slope->slope.upper - report->length_slope->slope.value, margin, 1e-4);
}

TEST(JudgeQualityTest, LengthSlopeOfSimulatedJudgeIsCovered) {
  constexpr double kTrue = 0.7;
  int covered = 0;
  for (std::uint64_t run = 0; run < 100; ++run) {
    Rng rng(11, run);
    JudgeQuality quality;
    double square = 0;
    std::vector<OwnedBattle> battles;
    for (int i = 0; i < 300; ++i) {
      const double x = 200 * rng.Uniform() - 100;
      square += x * x / 300;
      const double p = 1 / (1 + std::exp(-kTrue * x / 57.735));
      battles.push_back({.instruction = std::to_string(i),
                         .shares = {rng.Uniform() < p ? 1.0 : 0.0},
                         .length_a = 200 + x,
                         .length_b = 200});
      quality.Add(battles.back().Record());
    }
    const auto report = quality.Report({.rounds = 1});
    ASSERT_TRUE(report.ok());
    const Figure& slope = report->length_slope->slope;
    const double truth = kTrue * std::sqrt(square) / 57.735;
    covered += slope.lower <= truth && truth <= slope.upper ? 1 : 0;
  }
  EXPECT_GE(covered, 88);
}

TEST(JudgeQualityTest, LongerAlwaysWinningHasAFiniteSlope) {
  const auto report = ReportOf({{.instruction = "1", .length_a = 20, .length_b = 10},
                                {.instruction = "2", .length_a = 30, .length_b = 10}});
  ASSERT_TRUE(report.ok() && report->length_slope.has_value());
  EXPECT_TRUE(std::isfinite(report->length_slope->slope.value));
  EXPECT_GT(report->length_slope->slope.value, 3);
}

TEST(JudgeQualityTest, LengthsOfTextsAreUsedWhereTheSourceCountedNone) {
  OwnedBattle one{.instruction = "1"};
  OwnedBattle two{.instruction = "2", .shares = {0}};
  JudgeQuality quality;
  for (const OwnedBattle* battle : {&one, &two}) {
    BattleRecord record = battle->Record();
    record.text_a = "long text";
    record.text_b = "text";
    quality.Add(record);
  }
  const auto report = quality.Report({.rounds = 10});
  ASSERT_TRUE(report.ok() && report->length_slope.has_value());
  EXPECT_EQ(report->length_slope->unit, "bytes");
  EXPECT_EQ(report->length_slope->deviation, 5);
  EXPECT_NEAR(report->length_slope->slope.value, 0, 1e-9);
}

TEST(JudgeQualityTest, AgreementWithVotesByHand) {
  const std::vector<OwnedBattle> votes = {{.instruction = "1", .shares = {1}},
                                          {.instruction = "2", .shares = {0}},
                                          {.instruction = "3", .shares = {0.5}},
                                          {.instruction = "4", .shares = {1}},
                                          {.instruction = "9", .shares = {1}}};
  // win/win, win/loss, tie (games disagree)/tie, tie/win; 5 has no vote.
  const auto report = ReportOf({{.instruction = "1", .shares = {1, 1}},
                                {.instruction = "2", .shares = {1, 1}},
                                {.instruction = "3", .shares = {1, 0}},
                                {.instruction = "4", .shares = {0.5, 0.5}},
                                {.instruction = "5", .shares = {1, 1}}},
                               {}, votes);
  ASSERT_TRUE(report.ok() && report->votes.has_value());
  EXPECT_EQ(report->votes_given, 5);
  EXPECT_EQ(report->votes->accuracy.count, 4);
  EXPECT_NEAR(report->votes->accuracy.figure.value, 0.5, 1e-12);
  EXPECT_EQ(report->votes->decided_accuracy.count, 2);
  EXPECT_NEAR(report->votes->decided_accuracy.figure.value, 0.5, 1e-12);
  // Judge: 2 wins 2 ties; votes: 2 wins 1 tie 1 loss; expected = (2*2 + 2*1 + 0*1) / 16 = 3/8.
  ASSERT_TRUE(report->votes->kappa.has_value());
  EXPECT_NEAR(report->votes->kappa->value, (0.5 - 0.375) / 0.625, 1e-12);
  EXPECT_EQ(report->votes->cases[0][2], 1);
  EXPECT_EQ(report->votes->cases[1][0], 1);
}

TEST(JudgeQualityTest, VotesMatchWhicheverContestantIsListedFirst) {
  const OwnedBattle battle{.instruction = "1", .shares = {1, 1}};
  const auto report = ReportOf({battle}, {}, {OwnedBattle{.instruction = "1"}.Swapped()});
  ASSERT_TRUE(report.ok() && report->votes.has_value());
  EXPECT_EQ(report->votes->accuracy.figure.value, 1);
  EXPECT_FALSE(report->votes->kappa.has_value());  // one label throughout
}

TEST(JudgeQualityTest, SeveralVotesOnABattleAllCount) {
  const auto report =
      ReportOf({{.shares = {1, 1}}}, {}, {{.shares = {1}}, {.shares = {1}}, {.shares = {0}}});
  ASSERT_TRUE(report.ok() && report->votes.has_value());
  EXPECT_EQ(report->votes->accuracy.count, 3);
  EXPECT_NEAR(report->votes->accuracy.figure.value, 2.0 / 3, 1e-12);
}

TEST(JudgeQualityTest, VotesThatMatchNothingOrComeLateAreWarnedOf) {
  JudgeQuality quality;
  const OwnedBattle battle;
  const OwnedBattle vote{.instruction = "other"};
  quality.Add(battle.Record());
  quality.AddVote(vote.Record());
  const auto report = quality.Report({.rounds = 10});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->warnings.size(), 2U);
  EXPECT_THAT(report->warnings[0], HasSubstr("votes came after"));
  EXPECT_THAT(report->warnings[1], HasSubstr("no vote is on"));
}

TEST(JudgeQualityTest, SelfPreferenceIsMeasuredAgainstVotesAndOtherJudges) {
  JudgeQualityConfig config;
  config.contestant_families = {{"a", "red"}, {"a2", "red"}, {"b", "blue"}};
  config.judge_families = {{"red-judge", "red"}};
  const auto battle = [](std::string instruction, std::string judge, double share,
                         std::string opponent = "b") {
    return OwnedBattle{.instruction = std::move(instruction),
                       .judge = std::move(judge),
                       .b = std::move(opponent),
                       .shares = {share}};
  };
  // Own: 1, 1, 0.5. Others on the same two instructions: 1, 0. Battles within the family and a
  // judge of another family on an instruction that the own judge did not see do not count.
  const auto report =
      ReportOf({battle("1", "red-judge", 1), battle("2", "red-judge", 1),
                battle("3", "red-judge", 0.5), battle("1", "someone", 1), battle("2", "someone", 0),
                battle("4", "someone", 0), battle("5", "red-judge", 0, "a2")},
               config, {battle("1", "voter", 1), battle("2", "voter", 0), battle("2", "voter", 1)});
  ASSERT_TRUE(report.ok());
  ASSERT_EQ(report->families.size(), 1U);
  const FamilyPreference& red = report->families[0];
  EXPECT_EQ(red.family, "red");
  EXPECT_EQ(red.win_rate.count, 3);
  EXPECT_NEAR(red.win_rate.figure.value, 2.5 / 3, 1e-12);
  EXPECT_EQ(red.versus_votes->count, 2);
  EXPECT_NEAR(red.versus_votes->figure.value, (0 + 0.5) / 2, 1e-12);
  EXPECT_EQ(red.versus_other_judges->count, 2);
  EXPECT_NEAR(red.versus_other_judges->figure.value, (0 + 1) / 2.0, 1e-12);
}

TEST(JudgeQualityTest, AFairJudgeShowsNoSelfPreference) {
  JudgeQualityConfig config;
  config.contestant_families = {{"a", "red"}};
  config.default_judge_family = "red";
  Rng rng(5);
  std::vector<OwnedBattle> battles;
  std::vector<OwnedBattle> votes;
  for (int i = 0; i < 2000; ++i) {
    OwnedBattle one{.instruction = std::to_string(i), .shares = {rng.Uniform() < 0.8 ? 1.0 : 0.0}};
    votes.push_back(one);
    one.shares = {rng.Uniform() < 0.8 ? 1.0 : 0.0};
    battles.push_back(i % 2 == 0 ? one : one.Swapped());
  }
  const auto report = ReportOf(battles, config, votes);
  ASSERT_TRUE(report.ok());
  const Figure& delta = report->families.at(0).versus_votes->figure;
  EXPECT_NEAR(report->families[0].win_rate.figure.value, 0.8, 0.03);
  EXPECT_LT(delta.lower, 0);
  EXPECT_GT(delta.upper, 0);
}

TEST(JudgeQualityTest, RepeatabilityComparesSamplesOfTheSameGame) {
  // Game with a first: win, win, loss -> 1 of 3 pairs alike; the other seat order: tie, tie.
  const auto report = ReportOf({{.shares = {1, 0.5}}, {.shares = {1, 0.5}}, {.shares = {0}}});
  ASSERT_TRUE(report.ok() && report->repeatability.has_value());
  EXPECT_EQ(report->repeatability->count, 4);
  EXPECT_NEAR(report->repeatability->figure.value, 2.0 / 4, 1e-12);
}

TEST(JudgeQualityTest, OpinionsBehindAGameCountAsPairs) {
  JudgeQuality quality;
  BattleRecord battle;
  battle.instruction = "q";
  battle.model_a = "a";
  battle.model_b = "b";
  battle.games[0].share_a = 1;
  quality.Add(battle);
  // Three samples of one game: 1 of 3 pairs alike; two of another: alike. A jury of three: none.
  quality.AddOpinions("q", {{2, 1, 0}, {}});
  quality.AddOpinions("r", {{0, 0, 2}, {1, 1, 1}});
  quality.AddOpinions("s", {{1, 0, 0}, {}});
  const auto report = quality.Report();
  ASSERT_TRUE(report.ok() && report->repeatability && report->jury_agreement);
  EXPECT_EQ(report->repeatability->count, 4);
  EXPECT_NEAR(report->repeatability->figure.value, 2.0 / 4, 1e-12);
  EXPECT_EQ(report->jury_agreement->count, 3);
  EXPECT_EQ(report->jury_agreement->figure.value, 0);
  EXPECT_EQ(report->battles, 1);
}

std::vector<OwnedBattle> RandomBattles(std::uint64_t seed, int count) {
  Rng rng(seed);
  std::vector<OwnedBattle> battles;
  for (int i = 0; i < count; ++i) {
    const auto share = [&rng] { return static_cast<double>(rng.Below(3)) / 2; };
    battles.push_back({.instruction = std::to_string(rng.Below(40)),
                       .a = rng.Below(2) == 0 ? "a" : "c",
                       .shares = {share(), share()},
                       .length_a = 10 + 100 * rng.Uniform(),
                       .length_b = 10 + 100 * rng.Uniform(),
                       .void_first = rng.Below(10) == 0});
  }
  return battles;
}

void ExpectAlike(const std::optional<JudgeRate>& x, const std::optional<JudgeRate>& y) {
  ASSERT_TRUE(x.has_value() && y.has_value());
  EXPECT_EQ(x->count, y->count);
  EXPECT_NEAR(x->figure.value, y->figure.value, 1e-9);
  EXPECT_NEAR(x->figure.lower, y->figure.lower, 1e-9);
  EXPECT_NEAR(x->figure.upper, y->figure.upper, 1e-9);
}

TEST(JudgeQualityTest, NeitherListingOrderNorRowOrderNorThreadsChangeTheReport) {
  const std::vector<OwnedBattle> battles = RandomBattles(3, 400);
  const std::vector<OwnedBattle> votes = RandomBattles(4, 300);
  JudgeQualityConfig config;
  config.contestant_families = {{"a", "red"}, {"b", "blue"}};
  config.default_judge_family = "red";
  JudgeQuality plain(config);
  JudgeQuality turned(config);
  for (const OwnedBattle& vote : votes) plain.AddVote(vote.Record());
  for (const OwnedBattle& battle : battles) plain.Add(battle.Record());
  OwnedBattle storage;
  for (auto it = votes.rbegin(); it != votes.rend(); ++it) {
    turned.AddVote(it->SwappedRecord(storage));
  }
  for (auto it = battles.rbegin(); it != battles.rend(); ++it) {
    turned.Add(it->SwappedRecord(storage));
  }
  const auto x = plain.Report({.rounds = 100, .threads = 1});
  const auto y = turned.Report({.rounds = 100, .threads = 4});
  ASSERT_TRUE(x.ok() && y.ok());
  ExpectAlike(x->flip_rate, y->flip_rate);
  ExpectAlike(x->first_seat_reversals, y->first_seat_reversals);
  ExpectAlike(x->first_seat_win_rate, y->first_seat_win_rate);
  ExpectAlike(x->longer_win_rate, y->longer_win_rate);
  ExpectAlike(x->void_rate, y->void_rate);
  ExpectAlike(x->repeatability, y->repeatability);
  ExpectAlike(x->votes->accuracy, y->votes->accuracy);
  ExpectAlike(x->families.at(0).versus_votes, y->families.at(0).versus_votes);
  EXPECT_NEAR(x->votes->kappa->upper, y->votes->kappa->upper, 1e-9);
  EXPECT_NEAR(x->length_slope->slope.value, y->length_slope->slope.value, 1e-9);
  EXPECT_NEAR(x->length_slope->slope.lower, y->length_slope->slope.lower, 1e-9);
}

TEST(JudgeQualityTest, IntervalsGrowWhenBattlesOnAnInstructionGoTogether) {
  // Each instruction's ten battles all flip or all do not: 40 independent cases, not 400.
  std::vector<OwnedBattle> together;
  std::vector<OwnedBattle> apart;
  for (int i = 0; i < 400; ++i) {
    OwnedBattle battle{.instruction = std::to_string(i / 10),
                       .shares = {1, (i / 10) % 2 == 0 ? 1.0 : 0.0}};
    together.push_back(battle);
    battle.instruction = std::to_string(i);
    apart.push_back(battle);
  }
  const auto x = ReportOf(together);
  const auto y = ReportOf(apart);
  ASSERT_TRUE(x.ok() && y.ok());
  const double wide = x->flip_rate->figure.upper - x->flip_rate->figure.lower;
  const double narrow = y->flip_rate->figure.upper - y->flip_rate->figure.lower;
  // Binomial widths: 2 * 1.96 * 0.5 / sqrt(40) and / sqrt(400).
  EXPECT_NEAR(wide, 0.310, 0.06);
  EXPECT_NEAR(narrow, 0.098, 0.03);
}

TEST(JudgeQualityTest, TheSampleIsBoundedAndKeepsWholeInstructions) {
  JudgeQualityConfig config;
  config.sample_limit = 1000;
  JudgeQuality quality(config);
  Rng rng(10);
  for (int i = 0; i < 20000; ++i) {
    const double x = 100 * rng.Uniform() - 50;
    const OwnedBattle battle{.instruction = std::to_string(i),
                             .shares = {rng.Uniform() < 1 / (1 + std::exp(-x / 29)) ? 1.0 : 0.0},
                             .length_a = 100 + x,
                             .length_b = 100};
    quality.Add(battle.Record());
  }
  const auto report = quality.Report({.rounds = 10});
  ASSERT_TRUE(report.ok() && report->length_slope.has_value());
  EXPECT_LE(report->length_slope->count, 1000);
  EXPECT_TRUE(report->length_slope->sampled);
  EXPECT_THAT(report->warnings.back(), HasSubstr("from a sample"));
  EXPECT_GT(report->length_slope->count, 100);
  EXPECT_GT(report->longer_win_rate->count, 19990);  // the sums are of all battles
}

TEST(JudgeQualityTest, BattlesWithoutInstructionCountAsIndependent) {
  std::vector<OwnedBattle> battles(50, OwnedBattle{.instruction = "", .shares = {1, 0}});
  const auto report = ReportOf(battles);
  ASSERT_TRUE(report.ok());
  EXPECT_GT(report->clusters, 40);
  EXPECT_FALSE(report->repeatability.has_value());
  EXPECT_THAT(report->warnings.at(0), HasSubstr("name no instruction"));
}

}  // namespace
}  // namespace arena
