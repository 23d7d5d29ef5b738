#include "judge/category_judge.h"

#include <gtest/gtest.h>

#include "judge/reference_judge.h"

namespace arena {
namespace {

std::unique_ptr<Judge> Reference(ReferenceMatch match) {
  return std::move(*MakeReferenceJudge({.match = match}));
}

std::unique_ptr<Judge> ByCategory(ReferenceMatch choice) {
  std::map<std::string, std::unique_ptr<Judge>, std::less<>> judges;
  judges.emplace("choice", Reference(choice));
  return MakeCategoryJudge(std::move(judges), Reference(ReferenceMatch::kNumeric));
}

double FirstScore(Judge& judge, const std::string& category, const std::string& answer) {
  Instruction instruction = MakeInstruction("?");
  instruction.category = category;
  instruction.reference = category == "choice" ? "B" : "18";
  return judge.Play({instruction, {answer}, {"?"}})->verdict.score_first;
}

TEST(CategoryJudgeTest, EachCategoryHasItsJudgeAndTheRestTheOther) {
  const auto judge = ByCategory(ReferenceMatch::kChoice);
  EXPECT_EQ(FirstScore(*judge, "choice", "Answer: B"), 10);
  EXPECT_EQ(FirstScore(*judge, "arithmetic", "Answer: 18"), 10);
  EXPECT_EQ(FirstScore(*judge, "arithmetic", "Answer: B"), 1);
}

TEST(CategoryJudgeTest, AChangeOfOneJudgeChangesTheKey) {
  EXPECT_NE(ByCategory(ReferenceMatch::kChoice)->identity().key(),
            ByCategory(ReferenceMatch::kText)->identity().key());
  EXPECT_EQ(ByCategory(ReferenceMatch::kChoice)->identity().key(),
            ByCategory(ReferenceMatch::kChoice)->identity().key());
}

}  // namespace
}  // namespace arena
