#include "miniworld/write_world.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "formats/answers.h"
#include "formats/instruction_scores.h"
#include "miniworld/training_sets.h"

namespace arena::mini {
namespace {

WorldOptions SmallWorld(std::uint64_t seed) {
  WorldOptions options;
  options.seed = seed;
  options.train = 300;
  options.dev = 100;
  options.test = 100;
  options.scale = 0.01;
  options.families.assign(AllFamilies().begin(), AllFamilies().end());
  return options;
}

std::vector<std::filesystem::path> FilesUnder(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path().lexically_relative(folder));
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(WriteWorldTest, SameOptionsGiveTheSameBytes) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteWorld(SmallWorld(1), folder.path() / "a").ok());
  ASSERT_TRUE(WriteWorld(SmallWorld(1), folder.path() / "b").ok());
  ASSERT_TRUE(WriteWorld(SmallWorld(2), folder.path() / "c").ok());
  const auto names = FilesUnder(folder.path() / "a");
  EXPECT_EQ(names, FilesUnder(folder.path() / "b"));
  EXPECT_EQ(names.size(), 3U + TrainingSets().size() + 1 + 6);
  for (const auto& name : names) {
    const auto a = ReadFile(folder.path() / "a" / name), b = ReadFile(folder.path() / "b" / name);
    ASSERT_TRUE(a.ok() && b.ok());
    EXPECT_EQ(*a, *b) << name;
    const bool of_seed = name.extension() == ".jsonl" || name.filename() == "model.safetensors";
    EXPECT_NE(*a == *ReadFile(folder.path() / "c" / name), of_seed || name == "mini.json") << name;
  }
}

TEST(WriteWorldTest, FilesAreInstructionsWithReferenceAndCategory) {
  const TemporaryFolder folder;
  const auto written = WriteWorld(SmallWorld(3), folder.path());
  ASSERT_TRUE(written.ok()) << written.error().message;
  std::set<std::string> categories, prompts;
  for (const auto& [name, rows] :
       {std::pair("train.jsonl", 300), std::pair("dev.jsonl", 100), std::pair("test.jsonl", 100)}) {
    int count = 0;
    const auto report = ReadInstructions(
        InstructionFormat::kJsonl, folder.path() / name, {},
        [&](Instruction instruction) -> Status {
          ++count;
          categories.insert(instruction.category);
          EXPECT_TRUE(instruction.reference.has_value());
          EXPECT_TRUE(prompts.insert(instruction.conversation.at(0).content).second);
          return {};
        });
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_EQ(count, rows) << name;
  }
  EXPECT_EQ(categories.size(), kFamilies);
  std::size_t scored = 0;
  const auto scores = ReadInstructionScores(folder.path() / "train.jsonl", "tags",
                                            [&](const Key&, double tags) -> Status {
                                              ++scored;
                                              EXPECT_TRUE(tags >= 1 && tags <= 3) << tags;
                                              return {};
                                            });
  ASSERT_TRUE(scores.ok()) << scores.error().message;
  EXPECT_EQ(scored, 300U);
  EXPECT_TRUE(categories.contains("fact-table"));
}

TEST(WriteWorldTest, RefusesAFolderThatHoldsAWorld) {
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteWorld(SmallWorld(1), folder.path()).ok());
  const auto again = WriteWorld(SmallWorld(1), folder.path());
  ASSERT_FALSE(again.ok());
  EXPECT_THAT(again.error().message, ::testing::HasSubstr("exists already"));
}

TEST(WriteWorldTest, ScaleOutOfRangeIsAnError) {
  const TemporaryFolder folder;
  WorldOptions options = SmallWorld(1);
  options.scale = -1;
  EXPECT_FALSE(WriteWorld(options, folder.path()).ok());
}

}  // namespace
}  // namespace arena::mini
