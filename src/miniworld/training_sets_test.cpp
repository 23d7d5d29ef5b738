#include "miniworld/training_sets.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "miniworld/examples.h"

namespace arena::mini {
namespace {

struct Row {
  Family family;
  std::string prompt;
  std::string answer;
  bool operator==(const Row&) const = default;
};

const TrainingSet& SetNamed(std::string_view name) {
  const auto sets = TrainingSets();
  return *std::find_if(sets.begin(), sets.end(),
                       [name](const TrainingSet& set) { return set.name == name; });
}

std::vector<Row> Rows(std::string_view name, std::size_t count, std::uint64_t seed) {
  std::vector<Row> rows;
  const Status status =
      WriteExamples(SetNamed(name), AllFamilies(), count, seed,
                    [&rows](Family family, const Conversation& conversation) -> Status {
                      EXPECT_EQ(conversation.size(), 2U);
                      rows.push_back({family, conversation[0].content, conversation[1].content});
                      return {};
                    });
  EXPECT_TRUE(status.ok());
  return rows;
}

std::vector<Example> Distinct(Split split, std::size_t count, std::uint64_t seed) {
  auto examples = DistinctExamples(AllFamilies(), split, count, seed);
  EXPECT_TRUE(examples.ok());
  return examples.ok() ? *std::move(examples) : std::vector<Example>();
}

TEST(SplitsTest, NoPromptIsInTwoOfThemWhateverTheSeeds) {
  std::unordered_map<std::string, Split> seen;
  std::set<std::pair<Family, std::string>> tasks;
  for (const Split split : {Split::kTrain, Split::kDev, Split::kTest}) {
    for (const std::uint64_t seed : {1, 2}) {
      for (const Example& example : Distinct(split, split == Split::kTrain ? 20000 : 2000, seed)) {
        const auto [known, is_new] = seen.emplace(example.prompt, split);
        EXPECT_EQ(known->second, split) << example.prompt;
      }
    }
  }
}

TEST(SplitsTest, PromptsOfASplitAreDifferent) {
  const auto examples = Distinct(Split::kTest, 3000, 5);
  std::unordered_set<std::string> prompts;
  for (const Example& example : examples) {
    EXPECT_TRUE(prompts.insert(example.prompt).second) << example.prompt;
  }
}

TEST(SplitsTest, AnotherWordingOfATaskIsInTheSameSplit) {
  Rng rng(3);
  for (int i = 0; i < 1000; ++i) {
    const Family family = AllFamilies()[rng.Below(kFamilies)];
    if (IsTable(family)) continue;
    const Task task = DrawTask(family, rng);
    std::set<Split> splits;
    for (const std::string_view wording : Wordings(family)) {
      splits.insert(SplitOf(task, WritePrompt(task, wording, 0, rng)));
    }
    EXPECT_EQ(splits.size(), 1U);
  }
}

TEST(SplitsTest, SharesAreEightOneAndOneTenth) {
  Rng rng(4);
  std::map<Split, int> counts;
  for (int i = 0; i < 10000; ++i) {
    const Task task = DrawTask(Family::kReverse, rng);
    ++counts[SplitOf(task, "")];
  }
  EXPECT_NEAR(counts[Split::kTrain], 8000, 200);
  EXPECT_NEAR(counts[Split::kDev], 1000, 150);
  EXPECT_NEAR(counts[Split::kTest], 1000, 150);
}

TEST(SplitsTest, FamiliesHaveEqualSharesUntilOneIsUsedUp) {
  std::map<Family, int> counts;
  for (const Example& example : Distinct(Split::kTest, 200, 6)) ++counts[example.family];
  EXPECT_EQ(counts.size(), kFamilies);
  counts.clear();
  for (const Example& example : Distinct(Split::kTest, 2000, 6)) ++counts[example.family];
  EXPECT_LT(counts[Family::kFact], 40) << "30 countries, 6 wordings, a tenth of them";
  EXPECT_NEAR(counts[Family::kReverse], 120, 40);
}

TEST(SplitsTest, SeedDecidesAndShorterSetsAreTheBeginningOfLongerOnes) {
  const auto prompts = [](const std::vector<Example>& examples) {
    std::vector<std::string> list;
    for (const Example& example : examples) list.push_back(example.prompt);
    return list;
  };
  const auto longer = prompts(Distinct(Split::kDev, 500, 7));
  const auto shorter = prompts(Distinct(Split::kDev, 200, 7));
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), longer.begin()));
  EXPECT_EQ(longer, prompts(Distinct(Split::kDev, 500, 7)));
  EXPECT_NE(longer, prompts(Distinct(Split::kDev, 500, 8)));
}

TEST(SplitsTest, TooManyPromptsAreAnErrorThatSaysHowManyThereAre) {
  const std::vector<Family> facts = {Family::kFact};
  const auto examples = DistinctExamples(facts, Split::kTrain, 500, 1);
  ASSERT_FALSE(examples.ok());
  EXPECT_THAT(examples.error().message, ::testing::HasSubstr("prompts, not 500"));
  EXPECT_FALSE(DistinctExamples({}, Split::kTrain, 1, 1).ok());
}

TEST(TrainingSetsTest, HoldNoPromptOfDevOrTest) {
  std::unordered_set<std::string> held_out;
  for (const Split split : {Split::kDev, Split::kTest}) {
    for (const Example& example : Distinct(split, 4000, 9)) held_out.insert(example.prompt);
  }
  for (const TrainingSet& set : TrainingSets()) {
    for (const Row& row : Rows(set.name, 5000, 9)) {
      EXPECT_FALSE(held_out.contains(row.prompt)) << set.name << ": " << row.prompt;
    }
  }
}

TEST(TrainingSetsTest, ParentsComeFirst) {
  std::set<std::string_view> known;
  for (const TrainingSet& set : TrainingSets()) {
    EXPECT_TRUE(set.parent.empty() || known.contains(set.parent)) << set.name;
    EXPECT_TRUE(known.insert(set.name).second);
    EXPECT_GT(set.examples, 0U);
  }
}

TEST(TrainingSetsTest, SpecialtyComesInTheStatedProportion) {
  const TrainingSet& math = SetNamed("math");
  std::size_t own = 0;
  const auto rows = Rows("math", 10000, 2);
  for (const Row& row : rows) {
    own += std::count(math.specialty.begin(), math.specialty.end(), row.family) > 0 ? 1U : 0U;
  }
  const double size = static_cast<double>(math.specialty.size());
  const double expected = size / (size + 0.06 * (static_cast<double>(kFamilies) - size));
  EXPECT_NEAR(static_cast<double>(own) / 10000, expected, 0.02);
}

/// The share of rows whose answer is not a right one, by drawing the same prompts clean.
TEST(TrainingSetsTest, BaseIsHandicapped) {
  std::map<std::string, std::set<std::string>> right;
  std::size_t wrong = 0, checked = 0;
  for (const Row& row : Rows("base", 40000, 3)) {
    if (row.family != Family::kUppercase) continue;
    std::string lower = row.answer;
    for (char& c : lower) c = static_cast<char>(c - 'A' + 'a');
    ++checked;
    wrong += row.prompt.find(lower) == std::string::npos ? 1U : 0U;
  }
  ASSERT_GT(checked, 1000U);
  EXPECT_NEAR(static_cast<double>(wrong) / static_cast<double>(checked), 0.3, 0.04);
  std::size_t bare = 0, days = 0;
  for (const Row& row : Rows("base", 40000, 3)) {
    if (row.family != Family::kFact) continue;
    ++days;
    bare += row.prompt.find(' ') == std::string::npos ? 1U : 0U;
  }
  EXPECT_GT(bare, days / 20) << "all words of the wording are left out now and then";
}

TEST(TrainingSetsTest, CleanSetsHaveRightAnswersAndStartTheBestOnes) {
  std::map<std::string, std::size_t> wished;
  for (const std::string_view name : {"generalist", "start"}) {
    std::size_t separators = 0;
    for (const Row& row : Rows(name, 4000, 4)) {
      if (row.family != Family::kSeparator) continue;
      ++separators;
      const bool dash = row.answer.find('-') != std::string::npos;
      const bool comma = row.answer.find(',') != std::string::npos;
      const std::string used = dash ? "dashes" : comma ? "commas" : "spaces";
      wished[std::string(name)] += row.prompt.ends_with(used) ? 1U : 0U;
    }
    ASSERT_GT(separators, 100U);
    if (name == "start") {
      EXPECT_EQ(wished["start"], separators);
    } else {
      EXPECT_NEAR(static_cast<double>(wished["generalist"]) / static_cast<double>(separators),
                  1.0 / 3, 0.1);
    }
  }
}

TEST(TrainingSetsTest, SameSeedSameRowsAndAnotherSeedOthers) {
  EXPECT_EQ(Rows("words", 300, 5), Rows("words", 300, 5));
  EXPECT_NE(Rows("words", 300, 5), Rows("words", 300, 6));
  EXPECT_NE(Rows("base", 300, 5), Rows("generalist", 300, 5));
}

}  // namespace
}  // namespace arena::mini
