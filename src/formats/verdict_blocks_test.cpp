#include "formats/verdict_blocks.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/rng.h"
#include "formats/internal/test_files.h"

namespace arena {
namespace {

// Writes down what arrives, block after block.
class Transcript final : public BattleBlocks {
 public:
  std::unique_ptr<BattleBlock> Open() override { return std::make_unique<Block>(); }
  Status Close(std::unique_ptr<BattleBlock> block) override {
    const Block& closed = static_cast<Block&>(*block);
    text += closed.text;
    for (const auto& [line, times] : closed.times_of) times_of[line] += times;
    ++blocks;
    return {};
  }

  bool merges() const override { return merge; }

  bool merge = false;
  std::string text;
  std::map<std::string, std::uint64_t> times_of;  ///< of each line without an instruction
  int blocks = 0;

 private:
  struct Block final : BattleBlock {
    Status Add(const BattleRecord& battle, std::uint32_t times) override {
      if (battle.model_a == "refused") return InvalidInput("the block refuses it");
      std::string line = fmt::format("{} {} {} {}\n", battle.model_a, battle.model_b,
                                     battle.instruction, battle.games[0].share_a);
      text += line;
      if (battle.instruction.empty()) times_of[std::move(line)] += times;
      return {};
    }
    std::string text;
    std::map<std::string, std::uint64_t> times_of;
  };
};

// `rows` rows of about 40 bytes; 60,000 make blocks, 100 do not.
std::string Votes(int rows) {
  Rng rng(3);
  std::string text = "model_a,model_b,winner,prompt\n";
  for (int i = 0; i < rows; ++i) {
    text += fmt::format("model-{},rival-{},{},what is {}?\n", rng.Below(50), rng.Below(50),
                        rng.Below(2) == 0 ? "model_a" : "tie", i);
  }
  return text;
}

struct Outcome {
  std::string text;
  std::map<std::string, std::uint64_t> times_of;
  int blocks = 0;
  std::string error;
  ReadReport report;
};

Outcome ReadOn(unsigned threads, const std::filesystem::path& file, bool skip_bad_rows = false,
               bool merge = false) {
  Transcript transcript;
  transcript.merge = merge;
  VerdictOptions options;
  options.read.skip_bad_rows = skip_bad_rows;
  const auto report =
      ReadVerdictsInBlocks(VerdictFormat::kLmsys, std::vector{file}, options, threads, transcript);
  Outcome outcome{
      std::move(transcript.text), std::move(transcript.times_of), transcript.blocks, "", {}};
  if (report.ok()) {
    outcome.report = *report;
  } else {
    outcome.error = report.error().message;
  }
  return outcome;
}

TEST(VerdictBlocks, GiveTheSameBattlesInTheSameOrderForEveryNumberOfThreads) {
  const TestDirectory directory;
  const auto file = directory.Write("votes.csv", Votes(120'000));
  const Outcome one = ReadOn(1, file);
  EXPECT_EQ(one.blocks, 1);
  EXPECT_EQ(one.report.rows, 120'000);
  for (const unsigned threads : {2U, 3U, 8U}) {
    const Outcome many = ReadOn(threads, file);
    EXPECT_GT(many.blocks, 1);
    EXPECT_TRUE(many.text == one.text) << threads;
    EXPECT_EQ(many.report.rows, one.report.rows);
  }
}

TEST(VerdictBlocks, NumberLinesFromTheStartOfTheFile) {
  const TestDirectory directory;
  std::string votes = Votes(120'000);
  votes += "a,b,nobody,what?\n";
  for (int i = 0; i < 5; ++i) votes += "a,b\n";
  const auto file = directory.Write("votes.csv", votes);
  const Outcome stopped = ReadOn(4, file);
  EXPECT_THAT(stopped.error, testing::HasSubstr("votes.csv:120002: unknown winner \"nobody\""));
  EXPECT_EQ(stopped.error, ReadOn(1, file).error);
  const Outcome skipped = ReadOn(4, file, true);
  const Outcome expected = ReadOn(1, file, true);
  EXPECT_EQ(skipped.report.bad_rows, 6);
  EXPECT_EQ(skipped.report.problems, expected.report.problems);
  EXPECT_TRUE(skipped.text == expected.text);
}

TEST(VerdictBlocks, ReturnTheFirstErrorOfTheFile) {
  const TestDirectory directory;
  std::string votes = Votes(120'000);
  votes.insert(votes.find('\n', votes.size() / 2) + 1, "refused,b,tie,what?\n");
  votes += "a,b,nobody,what?\n";
  const auto file = directory.Write("votes.csv", votes);
  for (const unsigned threads : {1U, 4U})
    EXPECT_EQ(ReadOn(threads, file).error, "the block refuses it");
}

TEST(VerdictBlocks, AQuoteHidesNewlinesFromTheCutter) {
  const TestDirectory directory;
  std::string votes = Votes(120'000);
  // A field that spans several blocks, each line of which looks like a row.
  std::string field = "\"";
  while (field.size() < 3'000'000) field += "\na,b,tie,what?";
  votes.insert(votes.find('\n', votes.size() / 2) + 1, "quoted,b,tie," + field + "\"\n");
  const auto file = directory.Write("votes.csv", votes);
  const Outcome one = ReadOn(1, file);
  const Outcome many = ReadOn(4, file);
  EXPECT_EQ(one.error, "");
  EXPECT_EQ(many.report.rows, 120'001);
  EXPECT_GT(many.blocks, 1);
  EXPECT_TRUE(many.text == one.text);
}

// Rows of nothing but votes, with two names and one winner out of few.
std::string PlainVotes(int rows) {
  Rng rng(4);
  std::string text = "turn,model_b,winner,model_a\n";
  for (int i = 0; i < rows; ++i) {
    text += fmt::format("{},rival-{},{},model-{}{}\n", rng.Below(3), rng.Below(20),
                        rng.Below(2) == 0 ? "model_a" : "tie (bothbad)", rng.Below(20),
                        rng.Below(9) == 0 ? "\r" : "");
  }
  return text;
}

TEST(VerdictBlocks, CountVotesThatAreAlikeWhereTheyMayBeMerged) {
  const TestDirectory directory;
  const auto file = directory.Write("votes.csv", PlainVotes(120'000));
  const Outcome one = ReadOn(1, file);
  const Outcome merged = ReadOn(2, file, false, true);
  EXPECT_EQ(one.report.rows, 120'000);
  EXPECT_EQ(merged.report.rows, 120'000);
  EXPECT_EQ(merged.times_of, one.times_of);
  EXPECT_LT(merged.text.size(), one.text.size() / 4);
  EXPECT_TRUE(ReadOn(2, file).text == one.text) << "counted without leave";
}

TEST(VerdictBlocks, CountedVotesKeepErrorsAndWhatIsNoPlainVote) {
  const TestDirectory directory;
  std::string votes = PlainVotes(60'000);
  votes += "\n1,b,tie,a\n\r\n1,b,nobody,a\n1,a,tie,a\n1,b,tie\n1,,tie,a\n";
  for (int i = 0; i < 60'000; ++i) votes += fmt::format("turn {},b,tie,a\n", i);  // all different
  votes += PlainVotes(60'000).substr(PlainVotes(0).size());
  votes += "1,last,tie,without a newline";
  const auto file = directory.Write("votes.csv", votes);
  EXPECT_EQ(ReadOn(2, file, false, true).error, ReadOn(1, file).error);
  EXPECT_THAT(ReadOn(2, file, false, true).error,
              testing::HasSubstr("votes.csv:60005: unknown winner \"nobody\""));
  const Outcome expected = ReadOn(1, file, true);
  for (const unsigned threads : {2U, 5U}) {
    const Outcome merged = ReadOn(threads, file, true, true);
    EXPECT_EQ(merged.report.rows, expected.report.rows);
    EXPECT_EQ(merged.report.problems, expected.report.problems);
    EXPECT_EQ(merged.times_of, expected.times_of);
  }
  EXPECT_EQ(expected.report.bad_rows, 4);
}

TEST(VerdictBlocks, ABadRowAmongCountedVotesIsReportedAndTheRestIsRead) {
  const TestDirectory directory;
  const std::string more = PlainVotes(60'000).substr(PlainVotes(0).size());
  const auto file = directory.Write("votes.csv", PlainVotes(60'000) + "1,b,nobody,a\n" + more);
  const Outcome expected = ReadOn(1, file, true);
  EXPECT_EQ(expected.report.bad_rows, 1);
  const Outcome merged = ReadOn(2, file, true, true);
  EXPECT_EQ(merged.report.rows, expected.report.rows);
  EXPECT_EQ(merged.report.problems, expected.report.problems);
  EXPECT_EQ(merged.times_of, expected.times_of);
}

TEST(VerdictBlocks, SmallAndCompressedFilesAreOneBlock) {
  const TestDirectory directory;
  EXPECT_EQ(ReadOn(4, directory.Write("small.csv", Votes(100))).blocks, 1);
  const Outcome packed = ReadOn(4, directory.Write("votes.csv.gz", Gzip(Votes(120'000))));
  EXPECT_EQ(packed.blocks, 1);
  EXPECT_EQ(packed.report.rows, 120'000);
}

}  // namespace
}  // namespace arena
