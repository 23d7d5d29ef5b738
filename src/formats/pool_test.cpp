#include "formats/pool.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "formats/internal/test_files.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

struct ReadItems {
  std::vector<PoolItem> items;
  ReadReport report;
  std::string error;
};

ReadItems ReadText(const std::string& name, const std::string& text, bool skip_bad_rows = false) {
  ReadItems read;
  const auto report = ReadPoolSource(InputSource::Memory(name, text), 7, {.rows = {skip_bad_rows}},
                                     [&](const PoolItem& item) -> Status {
                                       read.items.push_back(item);
                                       return {};
                                     });
  if (report.ok()) {
    read.report = *report;
  } else {
    read.error = report.error().message;
  }
  return read;
}

PoolItem ReadRow(const std::string& row) {
  const ReadItems read = ReadText("pool.jsonl", row + "\n");
  EXPECT_EQ(read.error, "");
  return read.items.empty() ? PoolItem() : read.items[0];
}

const Message kAsked{Role::kUser, "ask"};
const Message kAnswered{Role::kAssistant, "tell"};

TEST(PoolTest, AScoreHasTheNameThatIsAskedForAndKnownColumnsAreKept) {
  const auto scores = [](const std::string& name, const std::string& text) {
    std::string seen;
    const auto report =
        ReadPoolSource(InputSource::Memory(name, text), 0, {.rows = {}, .score_column = "quality"},
                       [&](const PoolItem& item) -> Status {
                         seen += item.score ? fmt::format("quality {};", *item.score) : "none;";
                         for (const InstructionScore& score : item.scores) {
                           seen += fmt::format("{} {};", score.name, score.value);
                         }
                         return {};
                       });
    return report.ok() ? seen : report.error().message;
  };
  EXPECT_EQ(scores("a.jsonl", R"({"prompt":"ask","quality":2,"score":9,"ifd":0.5,"tags":["a"]})"
                              "\n"
                              R"({"prompt":"ask","length":7})"
                              "\n"),
            "quality 2;ifd 0.5;none;length 7;");
  EXPECT_EQ(scores("a.csv", "prompt,quality,tags,ifd\nask,-1.5,\"a, b\",0.25\nask,,,\n"),
            "quality -1.5;ifd 0.25;none;");
  EXPECT_THAT(scores("a.csv", "prompt,quality\nask,nan\n"), testing::HasSubstr("not a number"));
}

TEST(PoolTest, EveryShapeOfConversationIsRead) {
  const Conversation both = {kAsked, kAnswered};
  for (
      const char* row : {
          R"({"messages":[{"role":"user","content":"ask"},{"role":"assistant","content":"tell"}]})",
          R"({"conversations":[{"from":"human","value":"ask"},{"from":"gpt","value":"tell"}]})",
          R"({"conversation":[{"content":"ask","role":"user"},{"content":"tell","role":"assistant"}]})",
          R"({"instruction":"ask","input":"","output":"tell"})",
          R"({"instruction":"ask","instances":[{"input":"","output":"tell"},{"input":"x"}]})",
          R"({"prompt":"ask","completion":"tell"})",
          R"({"prompt":[{"role":"user","content":"ask"}],"response":"tell"})",
          R"({"question":"ask","answer":"tell"})",
      }) {
    EXPECT_EQ(ReadRow(row).conversation, both) << row;
  }
  const Conversation turns = {kAsked, {Role::kUser, "more"}};
  EXPECT_EQ(ReadRow(R"({"question_id":1,"turns":["ask","more"]})").conversation, turns);
  EXPECT_EQ(
      ReadRow(R"({"question_id":1,"turns":[{"content":"ask"},{"content":"more"}]})").conversation,
      turns);
  EXPECT_EQ(ReadRow(R"({"text":"ask"})").conversation, Conversation{kAsked});
}

TEST(PoolTest, AlpacasInputAndHistoryAreKept) {
  const PoolItem item =
      ReadRow(R"({"instruction":"do","input":"this","output":"tell","system":"be good",)"
              R"("history":[["ask","tell"]]})");
  EXPECT_EQ(
      item.conversation,
      (Conversation{
          {Role::kSystem, "be good"}, kAsked, kAnswered, {Role::kUser, "do\n\nthis"}, kAnswered}));
  EXPECT_EQ(PromptText(item.conversation), "ask\ndo\n\nthis");
}

TEST(PoolTest, IdCategoryScoreAndFlagsAreRead) {
  const PoolItem item = ReadRow(
      R"({"conversation_id":"c9","source":"web","score":3.5,"redacted":true,"toxic":false,)"
      R"("conversation":[{"role":"user","content":"ask"}],"openai_moderation":[)"
      R"({"flagged":true,"categories":{"violence":true,"hate":false}},{"flagged":false}]})");
  EXPECT_EQ(item.file, 7U);
  EXPECT_EQ(item.line, 1);
  EXPECT_EQ(item.id, "c9");
  EXPECT_EQ(item.category, "web");
  EXPECT_EQ(item.score, 3.5);
  ASSERT_THAT(item.flags, SizeIs(2));
  EXPECT_EQ(item.flags[0].name, "openai_moderation");
  EXPECT_EQ(item.flags[0].detail, "violence");
  EXPECT_EQ(item.flags[1].name, "redacted");
}

TEST(PoolTest, TablesAndPlainTextAreRead) {
  const ReadItems table = ReadText("pool.csv", "question,output,id\nask,tell,4\n\"a\nb\",,5\n");
  ASSERT_THAT(table.items, SizeIs(2)) << table.error;
  EXPECT_EQ(table.items[0].conversation, (Conversation{kAsked, kAnswered}));
  EXPECT_EQ(table.items[1].conversation, (Conversation{{Role::kUser, "a\nb"}}));
  EXPECT_EQ(table.items[1].line, 3);
  const ReadItems text = ReadText("pool.txt", "ask\n \nmore\n");
  ASSERT_THAT(text.items, SizeIs(2));
  EXPECT_EQ(text.items[1].conversation, (Conversation{{Role::kUser, "more"}}));
  EXPECT_EQ(text.items[1].line, 3);
  EXPECT_THAT(ReadText("pool.csv", "a,b\n1,2\n").error,
              HasSubstr("no column is called prompt, instruction, question or text"));
}

// Each bad row stops the reading with its place, or is counted and left out.
TEST(PoolTest, BadRowsAreReportedWithFileAndLine) {
  const std::string good = R"({"prompt":"ask"})"
                           "\n";
  const struct {
    std::string row, problem;
  } cases[] = {
      {R"({"messages":[]})", "the conversation is empty"},
      {R"({"messages":[{"role":"assistant","content":"x"}]})",
       "an answer stands where a question should"},
      {R"({"conversations":[{"from":"human","value":"x"},{"from":"gpt","value":"y"},{"from":"gpt","value":"z"}]})",
       "an answer stands where a question should"},
      {R"({"messages":[{"role":"user","content":"x"},{"role":"system","content":"y"}]})",
       "a system message stands after the first message"},
      {R"({"messages":[{"role":"system","content":"x"}]})", "asks nothing"},
      {R"({"prompt":""})", "a question is empty"},
      {R"({"conversations":[{"from":"alien","value":"x"}]})", "\"alien\" is not a speaker"},
      {R"({"promt":"x"})", "none of the fields that hold a conversation is here"},
      {"{\"prompt\":\"\xff\"}", "not valid JSON"},
      {std::string("{\"prompt\":\"a\0b\"}", 16), "not valid JSON"},
      {R"(["prompt"])", "should be a JSON object"},
  };
  for (const auto& [row, problem] : cases) {
    const std::string text = good + row + "\n" + good;
    EXPECT_THAT(ReadText("pool.jsonl", text).error, HasSubstr("pool.jsonl:2: ")) << row;
    EXPECT_THAT(ReadText("pool.jsonl", text).error, HasSubstr(problem)) << row;
    const ReadItems lenient = ReadText("pool.jsonl", text, true);
    EXPECT_THAT(lenient.items, SizeIs(2)) << row;
    EXPECT_EQ(lenient.report.bad_rows, 1) << row;
    EXPECT_THAT(lenient.report.problems, ElementsAre(HasSubstr(problem))) << row;
  }
}

TEST(PoolTest, InvalidBytesInTablesAndTextAreReported) {
  EXPECT_THAT(ReadText("pool.txt", "good\nbad \xc3\x28\n").error,
              HasSubstr("pool.txt:2: the line is not valid UTF-8"));
  EXPECT_THAT(ReadText("pool.csv", "prompt\nbad \xc3\x28\n").error,
              HasSubstr("pool.csv:2: the row is not valid UTF-8"));
}

TEST(PoolTest, ARowOfAHundredMegabytesIsSkippedAndTheRestIsRead) {
  const std::string huge(std::size_t{100} << 20, 'x');
  const ReadItems json = ReadText("pool.jsonl",
                                  R"({"prompt":"a"})"
                                  "\n{\"prompt\":\"" +
                                      huge + "\"}\n{\"prompt\":\"b\"}\n",
                                  true);
  EXPECT_THAT(json.items, SizeIs(2));
  EXPECT_THAT(json.report.problems, ElementsAre(HasSubstr("pool.jsonl:2: the line is longer")));
  EXPECT_THAT(ReadText("pool.txt", "a\n" + huge + "\nb\n", true).items, SizeIs(2));
}

TEST(PoolTest, DirectoriesAreListedInOrderAndCompressedFilesRead) {
  const TestDirectory files;
  std::filesystem::create_directory(files.path() / "b");
  files.Write("b/late.jsonl.gz", Gzip("{\"prompt\":\"one\"}\n"));
  files.Write("b/early.txt.zst", Zstd("two\n"));
  files.Write("a.jsonl", "{\"prompt\":\"three\"}\n");
  files.Write("notes.md", "not an item\n");
  const std::vector<std::filesystem::path> inputs = {files.path()};
  const auto listed = ListPoolFiles(inputs);
  ASSERT_TRUE(listed.ok());
  EXPECT_THAT(*listed, ElementsAre(files.path() / "a.jsonl", files.path() / "b/early.txt.zst",
                                   files.path() / "b/late.jsonl.gz"));
  std::vector<std::string> texts;
  std::vector<std::uint32_t> numbers;
  const auto report = ReadPool(*listed, {}, [&](const PoolItem& item) -> Status {
    texts.push_back(PromptText(item.conversation));
    numbers.push_back(item.file);
    return {};
  });
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->rows, 3);
  EXPECT_THAT(texts, ElementsAre("three", "two", "one"));
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2));
  const std::vector<std::filesystem::path> unknown = {files.path() / "notes.md"};
  EXPECT_THAT(ListPoolFiles(unknown).error().message, HasSubstr("says no kind of file"));
  const std::vector<std::filesystem::path> missing = {files.path() / "none.jsonl"};
  EXPECT_EQ(ListPoolFiles(missing).error().code, ErrorCode::kNotFound);
  std::filesystem::create_directory(files.path() / "empty");
  const std::vector<std::filesystem::path> empty = {files.path() / "empty"};
  EXPECT_THAT(ListPoolFiles(empty).error().message, HasSubstr("is in this directory"));
}

}  // namespace
}  // namespace arena
