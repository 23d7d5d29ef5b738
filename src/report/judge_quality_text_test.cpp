#include "report/judge_quality_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/report_testing.h"

namespace arena {
namespace {

using testing::HasSubstr;
using testing::Not;

JudgeQualityReport SampleReport() {
  JudgeQualityReport report;
  report.battles = 7914;
  report.games = 15828;
  report.clusters = 1319;
  report.rounds = 1000;
  report.seed = 1;
  report.void_rate = JudgeRate{{0.0015, 0.001, 0.002}, 15828};
  report.flip_rate = JudgeRate{{0.129, 0.12, 0.14}, 7902};
  report.first_seat_reversals = JudgeRate{{0.08, 0.07, 0.09}, 7902};
  report.second_seat_reversals = JudgeRate{{0.029, 0.02, 0.04}, 7902};
  report.tie_flips = JudgeRate{{0.02, 0.01, 0.03}, 7902};
  report.first_seat_win_rate = JudgeRate{{0.5255, 0.52, 0.53}, 15804};
  report.longer_win_rate = JudgeRate{{0.68, 0.66, 0.7}, 7000};
  report.length_slope = LengthSlope{{0.4321, 0.4, 0.47}, 123.456, "tokens", 7000, true};
  VoteAgreement votes;
  votes.accuracy = JudgeRate{{0.66, 0.64, 0.68}, 2400};
  votes.decided_accuracy = JudgeRate{{0.85, 0.83, 0.87}, 1500};
  votes.kappa = Figure{0.47, 0.44, 0.5};
  votes.cases = {{{900, 100, 80}, {150, 300, 120}, {70, 130, 550}}};
  report.votes = votes;
  report.votes_given = 2500;
  FamilyPreference family;
  family.family = "gpt\x1b[31m";
  family.win_rate = {{0.872, 0.85, 0.89}, 1200};
  family.versus_votes = JudgeRate{{0.05, 0.02, 0.08}, 600};
  report.families = {family};
  report.warnings = {"votes came late: \x1b[2J"};
  return report;
}

TEST(JudgeQualityTextTest, IsTheApprovedText) {
  ExpectGolden("judge_quality.txt", JudgeQualityText(SampleReport(), {}));
  ExpectGolden("judge_quality.json", DumpJson(JudgeQualityToJson(SampleReport()), 2) + "\n");
}

TEST(JudgeQualityTextTest, FiguresWithoutACaseAreLeftOut) {
  JudgeQualityReport report;
  report.battles = 3;
  report.void_rate = JudgeRate{{0, 0, 0}, 6};
  const std::string text = JudgeQualityText(report, {});
  EXPECT_THAT(text, HasSubstr("void games"));
  EXPECT_THAT(text, Not(HasSubstr("flip")));
  EXPECT_THAT(text, Not(HasSubstr("vote")));
  const Json json = JudgeQualityToJson(report);
  EXPECT_TRUE(json["flip_rate"].is_null());
  EXPECT_TRUE(json["votes"].is_null());
  EXPECT_EQ(json["void_rate"]["count"], 6);
}

TEST(JudgeQualityTextTest, HostileTextStaysText) {
  EXPECT_EQ(JudgeQualityText(SampleReport(), {}).find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace arena
