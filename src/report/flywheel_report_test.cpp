#include "report/flywheel_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/report_testing.h"

namespace arena {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

FlywheelReport SampleReport() {
  FlywheelReport report;
  report.seed = 7;
  report.test_prompts = 1024;
  report.judge = "reference";
  report.version = "1.2.3";
  report.status.rivals = {{"heron", StageRating{1040, 1020, 1060}},
                          {kHostileName, StageRating{960, 940, 980}}};
  StageStatus start{.name = "SFT-I0",
                    .done = true,
                    .rating = StageRating{830, 800, 860},
                    .exact_match = 0.25,
                    .parts = {{"train", 1.5}, {"evaluate", 0.5}}};
  start.seconds = 2;
  StageStatus dpo{.name = "DPO-I1",
                  .done = true,
                  .fell = false,
                  .target = "SFT-I0",
                  .rating = StageRating{900, 870, 930},
                  .exact_match = 0.4};
  dpo.control = ControlStatus{"DPO-I1 control", StageRating{880, 850, 910}, 0.35};
  dpo.instructions = 1000;
  dpo.selected = 600;
  dpo.battles = 6000;
  dpo.test_battles = 3072;
  dpo.seconds = 9;
  dpo.parts = {
      {"battle", 4}, {"select", 1}, {"train", 3}, {"train control", 0.5}, {"evaluate", 0.5}};
  StageStatus last{.name = "PPO-I1"};
  report.status.stages = {start, dpo, last};
  report.stages.resize(3);
  StageDetails& details = report.stages[1];
  details.difficulty = 2.5;
  details.difficulty_selected = 3.25;
  details.battles = {{"SFT-I0", "heron", 3000, 300, 900, 1800, 0, 500}};
  details.answers_from = {{"heron", 450}, {kHostileName, 150}};
  details.curves = {{"DPO-I1", "loss", {{1, 0.7}, {2, 0.6}, {3, 0.45}}}};
  details.examples = {{"add", "2 + 2 <b>|", "5", 3, "heron", "4", 10}};
  report.exact_match = {{"heron", 0.5}, {"SFT-I0", 0.25}, {"DPO-I1", 0.4}};
  report.exact = {{"heron", {{"add", 1}, {"plural", 0}}},
                  {"SFT-I0", {{"add", 0.5}, {"plural", 0}}},
                  {"DPO-I1", {{"add", 0.75}, {"plural", 0.125}}}};
  report.totals = {9072, 5, 5, 60, 71};
  report.board = SmallBoard();
  return report;
}

TEST(FlywheelReportTest, MarkdownIsAsApproved) {
  ExpectGolden("flywheel.md", FlywheelMarkdown(SampleReport()));
}

TEST(FlywheelReportTest, PageIsAsApproved) {
  ExpectGolden("flywheel.html", FlywheelHtml(SampleReport()));
}

TEST(FlywheelReportTest, TextOfTheDataIsEscaped) {
  const std::string page = FlywheelHtml(SampleReport());
  EXPECT_THAT(page, HasSubstr("2 + 2 &lt;b&gt;|"));
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, Not(HasSubstr("<script")));
}

TEST(FlywheelReportTest, ARunThatHasJustBegunHasAReport) {
  FlywheelReport report;
  report.status.stages = {{.name = "SFT-I0"}, {.name = "SFT-I1"}};
  report.status.rivals = {{"heron", std::nullopt}};
  report.stages.resize(2);
  EXPECT_THAT(FlywheelHtml(report), HasSubstr("No battle has been played yet."));
  EXPECT_THAT(FlywheelMarkdown(report), HasSubstr("0 of 2"));
}

}  // namespace
}  // namespace arena
