#include "chat/training_data.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>
#include <string>

#include "base/temporary_folder.h"
#include "checkpoint/config.h"
#include "checkpoint/new_model.h"
#include "text/byte_tokenizer.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TrainingDataTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ModelConfig config = ShapeConfig(ModelShape::kMini, 300);
    config.eos_ids = {2};
    ASSERT_TRUE(SaveConfig(config, folder_.path()).ok());
    ASSERT_TRUE(WriteByteTokenizer(folder_.path(), 300).ok());
  }

  std::filesystem::path Write(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name) << content;
    return folder_ / name;
  }
  Result<TrainingData> Encode(const TrainingDataOptions& options,
                              std::int64_t max_tokens = 0) const {
    const auto encoder = TrainingEncoder::Load({.model = folder_.path(), .max_tokens = max_tokens});
    if (!encoder.ok()) throw std::runtime_error(encoder.error().message);
    return EncodeTrainingData(*encoder, options, [](std::int64_t) {});
  }

  TemporaryFolder folder_;
};

TEST_F(TrainingDataTest, ExamplesOfAllFilesFollowEachOther) {
  TrainingDataOptions options;
  options.files = {Write("a.jsonl", "{\"text\":\"ab\"}\n\n{\"text\":\"\"}\n{\"text\":\"abc\"}\n"),
                   Write("b.json", R"([{"text":"xyz"}])")};
  const auto data = Encode(options);
  ASSERT_TRUE(data.ok()) << data.error().message;
  EXPECT_TRUE(CheckTokenData(data->tokens).ok());
  EXPECT_THAT(data->tokens.ends, ElementsAre(3, 7, 11));
  EXPECT_THAT(data->tokens.rows, ElementsAre(1, 4, 1));
  EXPECT_THAT(data->tokens.Loss(1), ElementsAre(0, 1, 1, 1));
  EXPECT_FALSE(data->tokens.has_pairs());
  const TrainingDataReport& report = data->report;
  EXPECT_EQ(report.rows, 4);
  EXPECT_EQ(report.examples, 3);
  EXPECT_EQ(report.empty, 1);
  EXPECT_EQ(report.left_out(), 1);
  EXPECT_EQ(report.tokens, 11);
  EXPECT_EQ(report.learned_tokens, 8);
  EXPECT_EQ(report.longest, 4);
  ASSERT_EQ(report.files.size(), 2U);
  EXPECT_EQ(report.files[0].examples, 2U);
  EXPECT_EQ(report.files[1].examples, 1U);
  EXPECT_THAT(report.problems, ElementsAre(folder_ / "a.jsonl" + ":3: an answer is empty"));
}

TEST_F(TrainingDataTest, PreferencesHaveMargins) {
  TrainingDataOptions options;
  options.task = TrainingTask::kPreferences;
  options.files = {Write("p.jsonl",
                         "{\"prompt\":\"u\",\"chosen\":\"a\",\"rejected\":\"b\",\"margin\":2}\n"
                         "{\"prompt\":\"u\",\"chosen\":\"a\",\"rejected\":\"a\"}\n"
                         "{\"prompt\":\"u\",\"chosen\":\"a\",\"rejected\":\"c\"}\n")};
  const auto data = Encode(options);
  ASSERT_TRUE(data.ok()) << data.error().message;
  EXPECT_TRUE(CheckTokenData(data->tokens).ok());
  EXPECT_EQ(data->tokens.sequences(), 4U);
  EXPECT_THAT(data->tokens.margins, ElementsAre(2.0F, 0.0F));
  EXPECT_THAT(data->tokens.rows, ElementsAre(1, 3));
  EXPECT_EQ(data->report.identical, 1);
}

TEST_F(TrainingDataTest, TheNumberOfThreadsChangesNothing) {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text +=
        fmt::format("{{\"prompt\":\"{}\",\"completion\":\"{}\"}}\n", i, i % 7 == 0 ? "" : "yes");
  }
  TrainingDataOptions options;
  options.files = {Write("many.jsonl", text)};
  options.threads = 1;
  const auto one = Encode(options);
  options.threads = 4;
  const auto four = Encode(options);
  ASSERT_TRUE(one.ok() && four.ok());
  EXPECT_EQ(one->tokens.tokens, four->tokens.tokens);
  EXPECT_EQ(one->tokens.rows, four->tokens.rows);
  EXPECT_EQ(one->report.problems, four->report.problems);
  EXPECT_EQ(one->report.problems.size(), 20U);
  EXPECT_EQ(one->report.empty, 429);
  EXPECT_EQ(one->report.examples, 2571);
}

TEST_F(TrainingDataTest, BadRowsEndTheReadingUnlessTheyMayBeSkipped) {
  TrainingDataOptions options;
  options.files = {Write("bad.jsonl",
                         "{\"text\":\"ab\"}\n{\"txet\":\"ab\"}\n"
                         "{\"messages\":[{\"role\":\"assistant\",\"content\":\"a\"}]}\n"
                         "{\"text\":\"cd\"}\n")};
  const auto strict = Encode(options);
  ASSERT_FALSE(strict.ok());
  EXPECT_THAT(strict.error().message, HasSubstr("bad.jsonl:2: this is no row of answers to learn"));
  options.skip_bad_rows = true;
  const auto lenient = Encode(options);
  ASSERT_TRUE(lenient.ok()) << lenient.error().message;
  EXPECT_EQ(lenient->report.bad_rows, 1);
  EXPECT_EQ(lenient->report.rows, 4);
  EXPECT_EQ(lenient->report.examples, 3);
}

TEST_F(TrainingDataTest, FilesWithoutAnExampleAreAnError) {
  TrainingDataOptions options;
  options.files = {Write("none.jsonl", "{\"text\":\"\"}\n{\"text\":\"long text\"}\n")};
  const auto data = Encode(options, 5);
  ASSERT_FALSE(data.ok());
  EXPECT_THAT(data.error().message, HasSubstr("2 rows were read and all of them left out"));
  EXPECT_THAT(data.error().message, HasSubstr("none.jsonl:1: an answer is empty"));
  EXPECT_THAT(data.error().message, HasSubstr("none.jsonl:2: 10 tokens, and at most 5"));
  options.files = {Write("empty.jsonl", "")};
  EXPECT_THAT(Encode(options).error().message, HasSubstr("0 rows were read"));
  options.files = {folder_ / "absent.jsonl"};
  EXPECT_EQ(Encode(options).error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace arena
