#include "report/agreement_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/report_testing.h"

namespace arena {
namespace {

using testing::HasSubstr;
using testing::Not;

Agreement SampleAgreement() {
  Agreement agreement;
  agreement.common = {"alpha", "beta", kHostileName, "gamma"};
  agreement.only_board = {"a checkpoint that only we rate"};
  agreement.only_reference = {"claude-2", "x\x1b[1m"};
  agreement.pairs = 6;
  agreement.reference_pairs = 5;
  agreement.rounds = 1000;
  agreement.seed = 1;
  agreement.spearman = Figure{0.8, 0.4, 1};
  agreement.agreement_all_pairs = {0.5, 0.1666667, 0.6666667};
  agreement.agreement_reference_pairs = Figure{0.6, 0.2, 0.8};
  agreement.differentiation = {0.8333333, 0.5, 1};
  agreement.reference_differentiation = {0.8333333, 0.6, 1};
  agreement.brier = {0.1234567, 0.08, 0.2};
  agreement.disagreements = {{"alpha", kHostileName, 55.25, -12.5, true, true},
                             {"beta", "alpha", 3.125, -1, false, true},
                             {"gamma", "beta", 1, -0.5, true, false}};
  agreement.warnings = {"only 4 contestants in common"};
  return agreement;
}

TEST(AgreementReportTest, IsTheApprovedText) {
  ExpectGolden("agreement.txt", AgreementText(SampleAgreement(), {}));
  ExpectGolden("agreement.md", AgreementMarkdown(SampleAgreement()));
  ExpectGolden("agreement.json", DumpJson(AgreementToJson(SampleAgreement()), 2) + "\n");
}

TEST(AgreementReportTest, AFigureThatDoesNotExistIsNotZero) {
  const Agreement agreement = SampleAgreement();
  EXPECT_TRUE(AgreementToJson(agreement)["kendall"].is_null());
  EXPECT_THAT(AgreementText(agreement, {}), testing::ContainsRegex("Kendall tau-b +n/a"));
}

TEST(AgreementReportTest, SaysHowManyPairsItDoesNotList) {
  EXPECT_THAT(AgreementText(SampleAgreement(), {}, 1), HasSubstr("... and 2 more"));
  EXPECT_THAT(AgreementMarkdown(SampleAgreement(), 2), HasSubstr("... and 1 more"));
  EXPECT_THAT(AgreementText(SampleAgreement(), {}, 3), Not(HasSubstr("more\n")));
}

TEST(AgreementReportTest, HostileNamesStayText) {
  const std::string text = AgreementText(SampleAgreement(), {});
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
  EXPECT_THAT(AgreementMarkdown(SampleAgreement()), Not(HasSubstr("<script")));
}

TEST(AgreementReportTest, SaysWhenNothingDisagrees) {
  Agreement agreement = SampleAgreement();
  agreement.disagreements.clear();
  EXPECT_THAT(AgreementText(agreement, {}), HasSubstr("No pair is in opposite order."));
}

}  // namespace
}  // namespace arena
