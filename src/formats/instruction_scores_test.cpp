#include "formats/instruction_scores.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "core/conversation.h"
#include "formats/internal/test_files.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

struct Scores {
  std::map<Key, double> of;
  std::string error;
};

Scores Read(const TestDirectory& directory, std::string_view text) {
  Scores scores;
  const auto report = ReadInstructionScores(directory.Write("scores.jsonl", text), "difficulty",
                                            [&](const Key& key, double score) -> Status {
                                              scores.of[key] = score;
                                              return {};
                                            });
  if (!report.ok()) scores.error = report.error().message;
  return scores;
}

TEST(InstructionScoresTest, RowsNameTheirInstructionInThreeWays) {
  const TestDirectory directory;
  const Key named = MakeInstruction("by key").key;
  const Scores scores = Read(directory, R"({"key": ")" + named.Hex() + R"(", "difficulty": 3}
{"prompt": "by prompt", "difficulty": 4.5}
{"prompt": ["first", "second"], "difficulty": 5}
{"messages": [{"role": "user", "content": "by messages"}], "difficulty": 6}
{"prompt": "without"}
)");
  EXPECT_EQ(scores.error, "");
  const std::map<Key, double> expected = {
      {named, 3},
      {MakeInstruction("by prompt").key, 4.5},
      {ConversationKey({{Role::kUser, "first"}, {Role::kUser, "second"}}), 5},
      {MakeInstruction("by messages").key, 6}};
  EXPECT_EQ(scores.of, expected);
}

TEST(InstructionScoresTest, BadRowsAreErrorsWithTheirLine) {
  const TestDirectory directory;
  EXPECT_THAT(Read(directory, "{\"prompt\": \"a\", \"difficulty\": \"hard\"}\n").error,
              HasSubstr("scores.jsonl:1"));
  EXPECT_THAT(Read(directory, "{\"difficulty\": 1}\n").error, HasSubstr("prompt"));
  EXPECT_THAT(Read(directory, "{\"key\": \"12\", \"difficulty\": 1}\n").error,
              HasSubstr("32 hexadecimal digits"));
  EXPECT_THAT(Read(directory, "{\"prompt\": \"a\"}\n").error,
              HasSubstr("no row has the number \"difficulty\""));
}

TEST(GuessInstructionFormatTest, GoesByTheFirstRow) {
  const TestDirectory directory;
  const auto guess = [&](std::string_view name, std::string_view text) {
    const auto format = GuessInstructionFormat(directory.Write(name, text));
    return format.ok() ? std::string(InstructionFormatName(*format)) : format.error().message;
  };
  EXPECT_EQ(guess("a.csv", "prompt\nx\n"), "csv");
  EXPECT_EQ(guess("a.jsonl", R"({"messages": []})"), "openai");
  EXPECT_EQ(guess("a.jsonl", R"({"question_id": 1, "turns": ["x"]})"), "fastchat");
  EXPECT_EQ(guess("a.jsonl", R"({"question_id": 1, "turns": [{"content": "x"}]})"), "arena-hard");
  EXPECT_EQ(guess("a.jsonl", R"({"uid": "1", "prompt": "x"})"), "arena-hard");
  EXPECT_EQ(guess("a.jsonl", R"({"prompt": "x"})"), "jsonl");
  EXPECT_EQ(guess("a.json", R"([{"instruction": "x"}])"), "alpaca-eval");
  EXPECT_EQ(guess("a.jsonl", R"({"question": "x"})"), "gsm8k");
  EXPECT_THAT(guess("a.jsonl", R"({"text": "x"})"), HasSubstr("first row"));
  EXPECT_THAT(guess("a.jsonl", ""), HasSubstr("first row"));
  EXPECT_THAT(GuessInstructionFormat(directory.path() / "none.jsonl").error().message,
              HasSubstr("none.jsonl"));
}

}  // namespace
}  // namespace arena
