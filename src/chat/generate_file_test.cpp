// With the real arena-lm beside this program.
#include "chat/generate_file.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "chat/local_testing.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

constexpr int kRows = 10;

class GenerateFileTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    models_ = std::make_unique<TemporaryFolder>();
    testing::WriteSmallModel(*models_ / "model");
    model_ = testing::MustLoad(testing::SmallOptions(*models_ / "model", 2));
  }
  static void TearDownTestSuite() {
    model_.reset();
    models_.reset();
  }

  void SetUp() override { testing::Write(folder_ / "in.jsonl", Input(kRows)); }

  static std::string InputRow(int i) {
    return fmt::format(
               R"({{"id":{},"messages":[{{"role":"user","content":"Question {}?"}}],"z":1.5}})", i,
               i) +
           "\n";
  }
  static std::string Input(int rows) {
    std::string text;
    for (int i = 0; i < rows; ++i) text += InputRow(i);
    return text;
  }

  /// Ten rows in units of four: two whole ones and a smaller one.
  GenerateFileOptions Options(const std::string& output = "out.jsonl") const {
    GenerateFileOptions options;
    options.input = folder_ / "in.jsonl";
    options.output = folder_ / output;
    options.sampling.temperature = 1;
    options.max_new_tokens = 12;
    options.unit = 4;
    options.workers = 2;
    return options;
  }
  static Result<GenerateFileReport> Run(const GenerateFileOptions& options) {
    return GenerateFile(*model_, options, [](std::int64_t, std::int64_t) {});
  }
  GenerateFileReport MustRun(const GenerateFileOptions& options) const {
    auto report = Run(options);
    EXPECT_TRUE(report.ok()) << report.error().message;
    return report.value_or(GenerateFileReport());
  }
  static std::string ErrorOf(const GenerateFileOptions& options) {
    const auto report = Run(options);
    EXPECT_FALSE(report.ok());
    return report.ok() ? "" : report.error().message;
  }
  std::string Read(const std::string& name) const {
    return ReadFile(folder_ / name).value_or("(no file)");
  }
  static std::vector<Json> Rows(const std::string& text) {
    std::vector<Json> rows;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find('\n', begin);
      rows.push_back(ParseJson(text.substr(begin, end - begin)).value_or(Json()));
      begin = end == std::string::npos ? text.size() : end + 1;
    }
    return rows;
  }

  static inline std::unique_ptr<TemporaryFolder> models_;
  static inline std::unique_ptr<LocalModel> model_;
  TemporaryFolder folder_;
};

TEST_F(GenerateFileTest, APromptIsAQuestion) {
  testing::Write(folder_ / "in.jsonl", "{\"id\":1,\"prompt\":\"Question 0?\"}\n");
  EXPECT_EQ(MustRun(Options("prompt.jsonl")).rows, 1);
  testing::Write(folder_ / "in.jsonl", InputRow(0));
  MustRun(Options("messages.jsonl"));
  const Json row = Rows(Read("prompt.jsonl")).at(0);
  EXPECT_EQ(row.at("prompt"), "Question 0?");
  EXPECT_EQ(row.at("messages"), Rows(Read("messages.jsonl")).at(0).at("messages"));
}

TEST_F(GenerateFileTest, RowsKeepTheirOrderAndGetTheirAnswer) {
  const GenerateFileReport report = MustRun(Options());
  EXPECT_EQ(report.rows, kRows);
  EXPECT_EQ(report.kept, 0);
  EXPECT_EQ(report.failed + report.skipped, 0);
  const auto rows = Rows(Read("out.jsonl"));
  const auto asked = Rows(Input(kRows));
  ASSERT_EQ(rows.size(), asked.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i]["messages"].size(), 2U);
    EXPECT_EQ(rows[i]["messages"][1]["role"], "assistant");
    Json without = rows[i];
    without["messages"].erase(1);
    EXPECT_EQ(without, asked[i]);
  }
}

TEST_F(GenerateFileTest, GreedyAnswersAreTheModels) {
  GenerateFileOptions options = Options();
  options.sampling.temperature = 0;
  options.details = true;
  MustRun(options);
  const auto rows = Rows(Read("out.jsonl"));
  ASSERT_EQ(rows.size(), std::size_t{kRows});
  for (int i = 0; i < kRows; ++i) {
    ChatRequest request;
    request.conversation = {{Role::kUser, fmt::format("Question {}?", i)}};
    request.max_new_tokens = 12;
    const auto reply = model_->AskAndWait(request);
    ASSERT_TRUE(reply.ok());
    const Json& row = rows[static_cast<std::size_t>(i)];
    EXPECT_EQ(row["messages"][1]["content"], reply->text);
    EXPECT_EQ(row["finish_reason"], ChatEndName(reply->end));
    EXPECT_EQ(row["usage"]["prompt_tokens"], reply->prompt_tokens);
    EXPECT_EQ(row["usage"]["completion_tokens"], reply->completion_tokens);
  }
}

TEST_F(GenerateFileTest, ATornOutputIsContinuedToTheSameBytes) {
  MustRun(Options());
  const std::string whole = Read("out.jsonl");
  std::vector<std::size_t> ends;  // of lines
  for (std::size_t at = whole.find('\n'); at != std::string::npos; at = whole.find('\n', at + 1)) {
    ends.push_back(at + 1);
  }
  ASSERT_EQ(ends.size(), std::size_t{kRows});
  struct Tear {
    std::size_t bytes;
    std::int64_t kept;
  };
  const std::vector<Tear> tears = {{0, 0},                 // before the first unit
                                   {ends[0] / 2, 0},       // in the first line
                                   {ends[1], 0},           // in the first unit, between lines
                                   {ends[3] - 1, 0},       // a unit whose last newline is missing
                                   {ends[3], 4},           // between units
                                   {ends[5] + 7, 4},       // in a line of the second unit
                                   {ends[8], 8},           // in the last, smaller unit
                                   {whole.size() - 3, 8},  // in the last line
                                   {whole.size(), 10}};    // not at all
  for (const Tear& tear : tears) {
    testing::Write(folder_ / "out.jsonl", whole.substr(0, tear.bytes));
    const GenerateFileReport report = MustRun(Options());
    EXPECT_EQ(report.kept, tear.kept) << tear.bytes;
    EXPECT_EQ(report.rows, kRows) << tear.bytes;
    EXPECT_EQ(Read("out.jsonl"), whole) << tear.bytes;
  }
}

TEST_F(GenerateFileTest, RowsAddedToTheInputGiveTheBytesOfOneRun) {
  MustRun(Options());
  testing::Write(folder_ / "in.jsonl", Input(kRows + 3));
  EXPECT_EQ(MustRun(Options()).kept, 8);  // rows 9 and 10 have another unit now
  MustRun(Options("anew.jsonl"));
  EXPECT_EQ(Read("out.jsonl"), Read("anew.jsonl"));
}

TEST_F(GenerateFileTest, WorkersDoNotChangeABit) {
  MustRun(Options());
  const auto one = testing::MustLoad(testing::SmallOptions(*models_ / "model", 1));
  GenerateFileOptions options = Options("one.jsonl");
  options.workers = 1;
  ASSERT_TRUE(GenerateFile(*one, options, [](std::int64_t, std::int64_t) {}).ok());
  EXPECT_EQ(Read("one.jsonl"), Read("out.jsonl"));
  EXPECT_EQ(Read("one.jsonl.run.json"), Read("out.jsonl.run.json"));
}

TEST_F(GenerateFileTest, AnOutputOfOtherSettingsIsRefusedAndLeftAlone) {
  MustRun(Options());
  const std::string whole = Read("out.jsonl");
  std::vector<GenerateFileOptions> others(12, Options());
  others[0].sampling.seed = 2;
  others[1].sampling.temperature = 0.5;
  others[2].sampling.top_k = 3;
  others[3].sampling.top_p = 0.9;
  others[4].sampling.min_p = 0.1;
  others[5].sampling.repetition_penalty = 1.1;
  others[6].max_new_tokens = 13;
  others[7].stop = {"x"};
  others[8].unit = 5;
  others[9].fast = true;
  others[10].max_batch = 3;  // what runs together decides the last bits
  others[11].cache_mb = 3;
  for (const GenerateFileOptions& options : others) {
    EXPECT_THAT(ErrorOf(options), HasSubstr("other settings"));
    EXPECT_EQ(Read("out.jsonl"), whole);
  }
  others[0].overwrite = true;
  EXPECT_EQ(MustRun(others[0]).kept, 0);
  EXPECT_NE(Read("out.jsonl"), whole);
  GenerateFileOptions back = Options();
  back.overwrite = true;
  MustRun(back);
  EXPECT_EQ(Read("out.jsonl"), whole);
}

TEST_F(GenerateFileTest, AnOutputOfOtherRowsIsRefused) {
  MustRun(Options());
  std::string other = Input(kRows);
  other.replace(other.find("Question 2?"), 11, "Question X?");
  testing::Write(folder_ / "in.jsonl", other);
  EXPECT_THAT(ErrorOf(Options()), HasSubstr("row 3 of"));
  testing::Write(folder_ / "in.jsonl", Input(kRows - 1));
  EXPECT_THAT(ErrorOf(Options()), HasSubstr("row 10 of"));
}

TEST_F(GenerateFileTest, AFileThatIsNotOursIsNeverOverwrittenUnasked) {
  testing::Write(folder_ / "out.jsonl", "precious\n");
  EXPECT_THAT(ErrorOf(Options()), HasSubstr("--overwrite"));
  EXPECT_EQ(Read("out.jsonl"), "precious\n");
  // Not even when asked, if it is the input.
  GenerateFileOptions options = Options("in.jsonl");
  options.overwrite = true;
  EXPECT_THAT(ErrorOf(options), HasSubstr("in.jsonl"));
  EXPECT_EQ(Read("in.jsonl"), Input(kRows));
}

TEST_F(GenerateFileTest, BadRowsAreErrorsWithFileAndLine) {
  const std::vector<std::string> bad = {
      "{\"messages\":[]}",
      "{\"id\":1}",
      "[1]",
      "{\"messages\":",
      "{\"messages\":[{\"role\":\"user\"}]}",
      "{\"messages\":[{\"role\":\"wizard\",\"content\":\"x\"}]}",
      "{\"messages\":[{\"role\":\"user\",\"content\":null}]}",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":"
      "\"y\"}]}"};
  for (const std::string& row : bad) {
    testing::Write(folder_ / "in.jsonl", InputRow(0) + "\n" + row + "\n" + InputRow(1));
    GenerateFileOptions options = Options();
    options.overwrite = true;
    EXPECT_THAT(ErrorOf(options), HasSubstr("in.jsonl:3: ")) << row;
    options.skip_bad_rows = true;
    const GenerateFileReport report = MustRun(options);
    EXPECT_EQ(report.skipped, 1);
    EXPECT_EQ(report.rows, 2);
    ASSERT_EQ(report.problems.size(), 1U);
    EXPECT_THAT(report.problems[0], HasSubstr("in.jsonl:3: "));
    const auto rows = Rows(Read("out.jsonl"));
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[1]["id"], 1);
  }
}

TEST_F(GenerateFileTest, SkippedRowsDoNotDisturbContinuing) {
  std::string input;
  for (int i = 0; i < kRows; ++i) input += InputRow(i) + (i % 3 == 0 ? "not a row\n" : "");
  testing::Write(folder_ / "in.jsonl", input);
  GenerateFileOptions options = Options();
  options.skip_bad_rows = true;
  EXPECT_EQ(MustRun(options).skipped, 4);
  const std::string whole = Read("out.jsonl");
  testing::Write(folder_ / "out.jsonl", whole.substr(0, whole.size() * 2 / 3));
  const GenerateFileReport report = MustRun(options);
  EXPECT_EQ(report.kept, 4);
  EXPECT_EQ(report.rows, kRows);
  EXPECT_EQ(Read("out.jsonl"), whole);
}

TEST_F(GenerateFileTest, ARowThatCannotBeAnsweredHasAnError) {
  const std::string long_row = fmt::format(
      R"({{"id":77,"messages":[{{"role":"user","content":"{}"}}]}})", std::string(600, 'x'));
  testing::Write(folder_ / "in.jsonl", Input(2) + long_row + "\n" + Input(5));
  const GenerateFileReport report = MustRun(Options());
  EXPECT_EQ(report.failed, 1);
  EXPECT_EQ(report.rows, 8);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_THAT(report.problems[0], HasSubstr("in.jsonl:3: "));
  const std::string whole = Read("out.jsonl");
  const auto rows = Rows(whole);
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_THAT(rows[2]["error"].get<std::string>(), HasSubstr("context is 512"));
  EXPECT_EQ(rows[2]["messages"].size(), 1U);
  EXPECT_FALSE(rows[3].contains("error"));
  testing::Write(folder_ / "out.jsonl", whole.substr(0, whole.size() - 1));
  EXPECT_EQ(MustRun(Options()).kept, 4);
  EXPECT_EQ(Read("out.jsonl"), whole);
}

TEST_F(GenerateFileTest, CompressedInputIsReadAsItIs) {
  MustRun(Options());
  const std::string command = "gzip -k " + (folder_ / "in.jsonl");
  ASSERT_EQ(std::system(command.c_str()), 0);
  GenerateFileOptions options = Options("from-gz.jsonl");
  options.input = folder_ / "in.jsonl.gz";
  MustRun(options);
  EXPECT_EQ(Read("from-gz.jsonl"), Read("out.jsonl"));
}

TEST_F(GenerateFileTest, TheFastModeSaysHowManyAnswersAgree) {
  GenerateFileOptions options = Options();
  options.fast = true;
  options.sampling.temperature = 0;
  const GenerateFileReport report = MustRun(options);
  EXPECT_EQ(report.rows, kRows);
  EXPECT_EQ(report.checked, 4);
  EXPECT_LE(report.agreeing, report.checked);
  EXPECT_GE(report.agreeing, 3);  // a near-tie may fall the other way
}

TEST_F(GenerateFileTest, MissingFilesAreNamed) {
  GenerateFileOptions options = Options();
  options.input = folder_ / "absent.jsonl";
  EXPECT_THAT(ErrorOf(options), HasSubstr("absent.jsonl"));
  options = Options("no/such/folder/out.jsonl");
  EXPECT_THAT(ErrorOf(options), HasSubstr("no/such/folder"));
}

}  // namespace
}  // namespace arena
