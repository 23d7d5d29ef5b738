#include "formats/training_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/internal/test_files.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr auto kSft = TrainingTask::kFineTuning;
constexpr auto kPreferences = TrainingTask::kPreferences;
constexpr auto kPrompts = TrainingTask::kPrompts;

const Message kSystem = {Role::kSystem, "s"};
const Message kUser = {Role::kUser, "u"};
const Message kAssistant = {Role::kAssistant, "a"};

struct ReadTraining {
  std::vector<TrainingRow> rows;
  ReadReport report;
  std::string error;
};

ReadTraining ReadText(TrainingTask task, const std::string& text,
                      TrainingFormat format = TrainingFormat::kAuto,
                      const ReadOptions& options = {}) {
  ReadTraining read;
  const auto report = ReadTrainingSource(task, format, InputSource::Memory("f", text), options,
                                         [&](TrainingRow&& row) -> Status {
                                           read.rows.push_back(std::move(row));
                                           return {};
                                         });
  if (report.ok()) {
    read.report = *report;
  } else {
    read.error = report.error().message;
  }
  return read;
}

// The only row of a text.
TrainingRow ReadRow(TrainingTask task, const std::string& text,
                    TrainingFormat format = TrainingFormat::kAuto) {
  ReadTraining read = ReadText(task, text, format);
  EXPECT_EQ(read.rows.size(), 1U) << read.error;
  return read.rows.empty() ? TrainingRow() : std::move(read.rows.front());
}

std::string ErrorOf(TrainingTask task, const std::string& text,
                    TrainingFormat format = TrainingFormat::kAuto) {
  return ReadText(task, text, format).error;
}

TEST(TrainingRowsTest, EveryFormatNameIsReadBack) {
  for (const char* name : {"auto", "openai", "sharegpt", "alpaca", "trl", "openrlhf"}) {
    const auto format = ParseTrainingFormat(name);
    ASSERT_TRUE(format) << name;
    EXPECT_EQ(TrainingFormatName(*format), name);
  }
  EXPECT_FALSE(ParseTrainingFormat("Alpaca"));
}

TEST(TrainingRowsTest, ConversationsOfEveryToolBecomeTheSameTurns) {
  const Conversation whole = {kSystem, kUser, kAssistant};
  for (const char* text : {
           R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},)"
           R"({"role":"assistant","content":[{"type":"text","text":"a"}]}]})",
           R"({"conversations":[{"from":"system","value":"s"},{"from":"human","value":"u"},)"
           R"({"from":"gpt","value":"a"}]})",
           R"({"system":"s","tools":"","conversations":[{"from":"human","value":"u"},)"
           R"({"from":"gpt","value":"a"}]})",
           R"({"conversations":[{"role":"system","content":"s"},{"role":"user","content":"u"},)"
           R"({"role":"assistant","content":"a"}]})",
           R"({"system":"s","instruction":"u","input":"","output":"a","history":[]})",
           R"({"input":[{"role":"system","content":"s"},{"role":"user","content":"u"},)"
           R"({"role":"assistant","content":"a"}]})",
       }) {
    const TrainingRow row = ReadRow(kSft, text);
    EXPECT_EQ(row.answer.turns, whole) << text;
    EXPECT_THAT(row.prompt, IsEmpty());
    EXPECT_FALSE(row.is_plain);
    EXPECT_FALSE(row.answer.is_cut);
    EXPECT_THAT(row.answer.masked, IsEmpty());
  }
}

TEST(TrainingRowsTest, AlpacaHasHistoryAndInput) {
  const TrainingRow row = ReadRow(
      kSft, R"({"instruction":"i","input":"x","output":"o","history":[["u","a"],["v","b"]]})");
  EXPECT_EQ(row.answer.turns, (Conversation{kUser,
                                            kAssistant,
                                            {Role::kUser, "v"},
                                            {Role::kAssistant, "b"},
                                            {Role::kUser, "i\nx"},
                                            {Role::kAssistant, "o"}}));
}

TEST(TrainingRowsTest, PromptsAreNotLearned) {
  for (const char* text : {
           R"({"prompt":"u","completion":"a"})",
           R"({"prompt":[{"role":"user","content":"u"}],)"
           R"("completion":[{"role":"assistant","content":"a"}]})",
           R"({"prompt":[{"role":"user","content":"u"}],"completion":"a"})",
           R"({"input":"u","output":"a"})",
           R"({"input":[{"role":"user","content":"u"}],"output":"a"})",
       }) {
    const TrainingRow row = ReadRow(kSft, text);
    EXPECT_EQ(row.prompt, Conversation{kUser}) << text;
    EXPECT_EQ(row.answer.turns, Conversation{kAssistant}) << text;
  }
}

TEST(TrainingRowsTest, TextStandsAsItIs) {
  const TrainingRow row = ReadRow(kSft, R"({"text":"once upon"})");
  EXPECT_TRUE(row.is_plain);
  EXPECT_THAT(row.prompt, IsEmpty());
  EXPECT_EQ(row.answer.turns, (Conversation{{Role::kAssistant, "once upon"}}));
}

TEST(TrainingRowsTest, WeightsAndCutAnswersAreKept) {
  const TrainingRow row = ReadRow(
      kSft,
      R"({"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a","weight":0},)"
      R"({"role":"user","content":"u"},{"role":"assistant","content":"a","weight":1}],)"
      R"("finish_reason":"length"})");
  EXPECT_THAT(row.answer.masked, ElementsAre(1));
  EXPECT_TRUE(row.answer.is_cut);
  EXPECT_TRUE(ReadRow(kSft, R"({"text":"x","cut":true})").answer.is_cut);
  EXPECT_FALSE(ReadRow(kSft, R"({"text":"x","cut":false,"finish_reason":"length"})").answer.is_cut);
  EXPECT_FALSE(ReadRow(kSft, R"({"text":"x","finish_reason":"stop"})").answer.is_cut);
  EXPECT_THAT(ErrorOf(kSft, R"({"text":"x","cut":1})"), HasSubstr("\"cut\" should be true or"));
  EXPECT_THAT(ErrorOf(kSft, R"({"messages":[{"role":"assistant","content":"a","weight":2}]})"),
              HasSubstr("\"weight\" of a message should be 0 or 1"));
}

TEST(TrainingRowsTest, PreferencesOfEveryToolBecomeTheSamePair) {
  for (const char* text : {
           R"({"prompt":"u","chosen":"a","rejected":"b","margin":0.5})",
           R"({"prompt":[{"role":"user","content":"u"}],)"
           R"("chosen":[{"role":"assistant","content":"a"}],)"
           R"("rejected":[{"role":"assistant","content":"b"}],"margin":0.5})",
           R"({"prompt":"u","chosen":{"role":"assistant","content":"a"},)"
           R"("rejected":{"role":"assistant","content":"b"},"margin":0.5})",
           R"({"chosen":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}],)"
           R"("rejected":[{"role":"user","content":"u"},{"role":"assistant","content":"b"}],)"
           R"("margin":0.5})",
           R"({"prompt":"u","chosen":[{"role":"user","content":"u"},)"
           R"({"role":"assistant","content":"a"}],"rejected":[{"role":"user","content":"u"},)"
           R"({"role":"assistant","content":"b"}],"margin":0.5})",
           R"({"instruction":"u","chosen":"a","rejected":"b","margin":0.5})",
           R"({"conversations":[{"from":"human","value":"u"}],"chosen":{"from":"gpt","value":"a"},)"
           R"("rejected":{"from":"gpt","value":"b"},"margin":0.5})",
       }) {
    const TrainingRow row = ReadRow(kPreferences, text);
    EXPECT_EQ(row.prompt, Conversation{kUser}) << text;
    EXPECT_EQ(row.answer.turns, Conversation{kAssistant}) << text;
    EXPECT_EQ(row.rejected.turns, (Conversation{{Role::kAssistant, "b"}})) << text;
    EXPECT_FLOAT_EQ(row.margin, 0.5F) << text;
    EXPECT_FALSE(row.is_plain);
  }
}

TEST(TrainingRowsTest, TextsShareAPromptOfWholeWords) {
  const auto split = [](const std::string& chosen, const std::string& rejected) {
    const TrainingRow row =
        ReadRow(kPreferences, R"({"chosen":")" + chosen + R"(","rejected":")" + rejected + R"("})");
    EXPECT_TRUE(row.is_plain);
    if (row.prompt.empty()) return std::vector<std::string>();
    return std::vector<std::string>{row.prompt[0].content, row.answer.turns[0].content,
                                    row.rejected.turns[0].content};
  };
  EXPECT_THAT(split("Q: hi A: I can", "Q: hi A: I cannot"),
              ElementsAre("Q: hi A: I", " can", " cannot"));
  EXPECT_THAT(split("Q A: yes", "Q A: no"), ElementsAre("Q A:", " yes", " no"));
  // One text is the other's beginning: both answers still have words.
  EXPECT_THAT(split("Q A: yes", "Q A: yes indeed"), ElementsAre("Q A:", " yes", " yes indeed"));
  EXPECT_THAT(split("Q A: yes", "Q A: yes"), ElementsAre("Q A:", " yes", " yes"));
  EXPECT_THAT(ErrorOf(kPreferences, R"({"chosen":"yes","rejected":"no"})"),
              HasSubstr("begin differently, and there is no \"prompt\""));
}

TEST(TrainingRowsTest, ConversationsPartAtTheAssistantsTurn) {
  const auto turns = [](const char* list) {
    std::string messages;
    for (const char* c = list; *c != '\0'; ++c) {
      const std::string role = *c == 'u' || *c == 'v' ? "user" : "assistant";
      messages += (messages.empty() ? "" : ",") + std::string(R"({"role":")") + role +
                  R"(","content":")" + *c + R"("})";
    }
    return "[" + messages + "]";
  };
  const auto prompt_size = [&](const char* chosen, const char* rejected) {
    const TrainingRow row = ReadRow(
        kPreferences, R"({"chosen":)" + turns(chosen) + R"(,"rejected":)" + turns(rejected) + "}");
    EXPECT_EQ(row.answer.turns.front().role, Role::kAssistant);
    EXPECT_EQ(row.rejected.turns.front().role, Role::kAssistant);
    return row.prompt.size();
  };
  EXPECT_EQ(prompt_size("uaub", "uauc"), 3U);
  EXPECT_EQ(prompt_size("ua", "uaub"), 1U);    // one is the other's beginning
  EXPECT_EQ(prompt_size("uaub", "uavb"), 1U);  // they ask differently
  EXPECT_EQ(prompt_size("ua", "ua"), 1U);
  EXPECT_THAT(
      ErrorOf(kPreferences, R"({"chosen":)" + turns("ua") + R"(,"rejected":)" + turns("va") + "}"),
      HasSubstr("begin differently"));
  EXPECT_THAT(ErrorOf(kPreferences, R"({"prompt":"u","chosen":"a","rejected":)" + turns("a") + "}"),
              HasSubstr("should both be text, or both be messages"));
  EXPECT_THAT(ErrorOf(kPreferences, R"({"prompt":"u","chosen":)" + turns("a") + R"(,"rejected":)" +
                                        turns("au") + "}"),
              HasSubstr("should end with the assistant's turn"));
}

TEST(TrainingRowsTest, PreferencesMayBeCutOnOneSide) {
  const TrainingRow row = ReadRow(
      kPreferences, R"({"prompt":"u","chosen":[{"role":"assistant","content":"a"}],)"
                    R"("rejected":[{"role":"assistant","content":"b","finish_reason":"length"}]})");
  EXPECT_FALSE(row.answer.is_cut);
  EXPECT_TRUE(row.rejected.is_cut);
}

TEST(TrainingRowsTest, PromptsEndBeforeTheAnswer) {
  for (const char* text : {
           R"({"prompt":"u"})",
           R"({"prompt":[{"role":"user","content":"u"}],"label":"a"})",
           R"({"messages":[{"role":"user","content":"u"},{"role":"assistant","content":"a"}]})",
           R"({"conversations":[{"from":"human","value":"u"},{"from":"gpt","value":"a"}]})",
           R"({"instruction":"u","output":"a"})",
           R"({"input":"u","label":"a"})",
       }) {
    const TrainingRow row = ReadRow(kPrompts, text);
    EXPECT_EQ(row.prompt, Conversation{kUser}) << text;
    EXPECT_THAT(row.answer.turns, IsEmpty());
  }
  EXPECT_THAT(ErrorOf(kPrompts, R"({"prompt":[{"role":"assistant","content":"a"}]})"),
              HasSubstr("f:1: \"prompt\" should end before the assistant's turn"));
  EXPECT_THAT(ErrorOf(kPrompts, R"({"messages":[{"role":"assistant","content":"a"}]})"),
              HasSubstr("there is no prompt"));
}

TEST(TrainingRowsTest, AFormatNameLeavesOtherFormsOut) {
  const std::string both = R"({"messages":[{"role":"user","content":"u"}],"text":"x",)"
                           R"("instruction":"u","output":"a"})";
  EXPECT_EQ(ReadRow(kSft, both).answer.turns, Conversation{kUser});
  EXPECT_EQ(ReadRow(kSft, both, TrainingFormat::kAlpaca).answer.turns.size(), 2U);
  EXPECT_THAT(ErrorOf(kSft, both, TrainingFormat::kShareGpt),
              HasSubstr("f:1: this is no row of answers to learn: it should have "
                        "\"conversations\""));
  EXPECT_THAT(ErrorOf(kSft, R"({"question":"u"})"),
              HasSubstr("\"messages\", or \"conversations\", or \"prompt\" and \"completion\""));
  EXPECT_EQ(ErrorOf(kPreferences, both, TrainingFormat::kOpenAi),
            "the format openai has no preferences");
}

TEST(TrainingRowsTest, RowsThatAreWrongAreErrorsWithTheirPlace) {
  const std::string good = R"({"text":"x"})";
  EXPECT_THAT(ErrorOf(kSft, good + "\n" + R"({"messages":[]})"),
              HasSubstr("f:2: there are no mes"));
  EXPECT_THAT(ErrorOf(kSft, good + "\n" + R"({"messages":[{"role":"tool","content":"x"}]})"),
              HasSubstr("f:2: \"tool\" is not a role"));
  EXPECT_THAT(ErrorOf(kSft, "[" + good + ",\n" + R"({"messages":"x"}])"),
              HasSubstr("f:2: row 2: the field \"messages\" should be an array"));
  EXPECT_THAT(ErrorOf(kSft, R"({"conversations":[{"from":"observation","value":"x"}]})"),
              HasSubstr("\"observation\" is no one who speaks"));
  EXPECT_THAT(ErrorOf(kSft, R"({"text":"x","tools":[{"name":"f"}]})"),
              HasSubstr("tools are not supported"));
  EXPECT_THAT(ErrorOf(kSft, R"({"instruction":"u","output":null})"),
              HasSubstr("\"output\" is null"));
  EXPECT_THAT(ErrorOf(kSft, R"({"input":"u"})"), HasSubstr("and no \"output\""));
  EXPECT_THAT(ErrorOf(kSft, R"({"instruction":"u","output":"a","history":[["x"]]})"),
              HasSubstr("a list of [user, assistant] pairs"));
  EXPECT_THAT(ErrorOf(kSft, R"({"system":"s","conversations":[{"from":"system","value":"t"}]})"),
              HasSubstr("two system prompts"));
  EXPECT_THAT(ErrorOf(kPreferences, R"({"prompt":"u","chosen":"a","rejected":"b","margin":"1"})"),
              HasSubstr("\"margin\" should be a number"));
  EXPECT_THAT(ErrorOf(kPreferences, R"({"prompt":"u","chosen":"a","rejected":"b","margin":1e39})"),
              HasSubstr("a finite number"));
}

TEST(TrainingRowsTest, BadRowsAreSkippedWhereThatIsAskedFor) {
  const ReadTraining read = ReadText(kSft, "{\"text\":\"x\"}\n{}\n{\"text\":\"y\"}\n",
                                     TrainingFormat::kAuto, {.skip_bad_rows = true});
  ASSERT_EQ(read.rows.size(), 2U);
  EXPECT_EQ(read.rows[1].number, 3);
  EXPECT_EQ(read.rows[1].place, "f:3");
  EXPECT_EQ(read.report.bad_rows, 1);
  EXPECT_THAT(read.report.problems, ElementsAre(HasSubstr("f:2: ")));
}

TEST(TrainingRowsTest, CompressedFilesAndArraysAreReadAsTheyAre) {
  const TestDirectory files;
  const std::string array = "[{\"text\":\"x\"},\n {\"text\":\"y\"}]";
  for (const auto& file : {files.Write("a.json", array), files.Write("b.json.gz", Gzip(array)),
                           files.Write("c.json.zst", Zstd(array))}) {
    std::vector<std::int64_t> numbers;
    const auto report =
        ReadTrainingRows(kSft, TrainingFormat::kAuto, file, {}, [&](TrainingRow&& row) -> Status {
          numbers.push_back(row.number);
          return {};
        });
    ASSERT_TRUE(report.ok()) << report.error().message;
    EXPECT_THAT(numbers, ElementsAre(1, 2));
  }
}

}  // namespace
}  // namespace arena
