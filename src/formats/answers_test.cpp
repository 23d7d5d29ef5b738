#include "formats/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "formats/internal/test_files.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct AnswersRead {
  std::vector<RecordedAnswer> answers;
  ReadReport report;
  std::string error;
  ErrorCode code = ErrorCode::kInternal;
};

AnswersRead ReadAll(AnswerFormat format, const std::filesystem::path& file,
                    const AnswerOptions& options = {}) {
  AnswersRead read;
  auto report = ReadAnswers(format, file, options, [&](RecordedAnswer&& answer) -> Status {
    read.answers.push_back(std::move(answer));
    return {};
  });
  if (report.ok()) {
    read.report = *report;
  } else {
    read.error = report.error().message;
    read.code = report.error().code;
  }
  return read;
}

AnswerOptions Only(std::string model) {
  AnswerOptions options;
  options.model = std::move(model);
  return options;
}

std::filesystem::path SharedData(const std::string& path) {
  return std::filesystem::path(ARENA_SOURCE_DIR "/../shared/data") / path;
}

TEST(AnswersTest, EveryFormatNameIsReadBack) {
  for (const auto format :
       {AnswerFormat::kFastChat, AnswerFormat::kArenaHard, AnswerFormat::kAlpacaEval,
        AnswerFormat::kGsm8k, AnswerFormat::kJsonl, AnswerFormat::kCsv}) {
    EXPECT_EQ(ParseAnswerFormat(AnswerFormatName(format)), format);
  }
  EXPECT_FALSE(ParseAnswerFormat("xml").has_value());
}

TEST(AnswersTest, FastChatChoicesAreSamplesOfTurns) {
  const TestDirectory files;
  const auto file = files.Write(
      "m.jsonl",
      R"({"question_id":81,"answer_id":"x","model_id":"m","choices":[{"index":0,"turns":["a","b"]},)"
      R"({"index":1,"turns":["c","d"]}],"tstamp":1.5})"
      "\n"
      R"({"question_id":82,"model_id":"m","choices":[{"index":0,"turns":["ok","$ERROR$"]}]})"
      "\n");
  const AnswersRead read = ReadAll(AnswerFormat::kFastChat, file);
  ASSERT_EQ(read.answers.size(), 2u) << read.error;
  EXPECT_EQ(read.answers[0].instruction_id, "81");
  EXPECT_EQ(read.answers[0].model, "m");
  EXPECT_THAT(read.answers[0].turns, ElementsAre("a", "b"));
  EXPECT_THAT(read.answers[1].turns, ElementsAre("c", "d"));
  EXPECT_EQ(read.answers[1].line, 1);
}

TEST(AnswersTest, ArenaHardRowsOfBothVersionsAreRead) {
  const TestDirectory files;
  const auto file = files.Write(
      "m.jsonl",
      R"({"question_id":"q","model_id":"m","choices":[{"index":0,"turns":[{"content":"old"}]}],"conv_metadata":{"token_len":7}})"
      "\n"
      R"({"uid":"u","model":"m","messages":[{"role":"user","content":"Why?"},{"role":"assistant","content":{"answer":"new","thought":"hm"}}],"metadata":{"token_len":9}})"
      "\n"
      R"({"uid":"v","model":"m","messages":[{"role":"user","content":"How?"},{"role":"assistant","content":{"answer":null}}]})"
      "\n");
  const AnswersRead read = ReadAll(AnswerFormat::kArenaHard, file);
  ASSERT_EQ(read.answers.size(), 2u) << read.error;
  EXPECT_THAT(read.answers[0].turns, ElementsAre("old"));
  EXPECT_EQ(read.answers[0].usage.completion_tokens, 7);
  EXPECT_EQ(read.answers[1].prompt, "Why?");
  EXPECT_THAT(read.answers[1].turns, ElementsAre("new"));
  EXPECT_EQ(read.answers[1].reasoning, "hm");
  EXPECT_EQ(read.answers[1].usage.completion_tokens, 9);
}

TEST(AnswersTest, AnAlpacaEvalAnnotationHasTheAnswersOfBothSides) {
  const TestDirectory files;
  const auto file = files.Write(
      "a.json",
      R"([{"instruction":"i","output_1":"x","generator_1":"base","output_2":"y","generator_2":"m"}])");
  EXPECT_EQ(ReadAll(AnswerFormat::kAlpacaEval, file).answers.size(), 2u);
  for (const auto& [model, text] : {std::pair("base", "x"), std::pair("m", "y")}) {
    const AnswersRead read = ReadAll(AnswerFormat::kAlpacaEval, file, Only(model));
    ASSERT_EQ(read.answers.size(), 1u);
    EXPECT_EQ(read.answers[0].turns[0], text);
  }
}

TEST(AnswersTest, OutputsWithoutAGeneratorAreTheWantedModels) {
  const TestDirectory files;
  const auto file = files.Write("o.json", R"([{"instruction":"i","output":"x"}])");
  const AnswersRead read = ReadAll(AnswerFormat::kAlpacaEval, file, Only("mine"));
  ASSERT_EQ(read.answers.size(), 1u) << read.error;
  EXPECT_EQ(read.answers[0].model, "mine");
}

TEST(AnswersTest, NamedFieldsMayBeNestedAndNumbersAreText) {
  const TestDirectory files;
  const auto file = files.Write(
      "n.jsonl", R"({"task":7,"who":"m","out":[{"text":"hello"}],"why":"because","a.b":"flat"})"
                 "\n"
                 R"({"task":8,"who":"m","out":[{"text":["one","two"]}],"why":null})"
                 "\n"
                 R"({"task":9,"who":"m","out":[{"text":null}],"why":""})"
                 "\n");
  AnswerOptions options;
  options.columns = {
      {"id", "task"}, {"model", "who"}, {"answer", "out.0.text"}, {"reasoning", "why"}};
  AnswersRead read = ReadAll(AnswerFormat::kJsonl, file, options);
  ASSERT_EQ(read.answers.size(), 2u) << read.error;
  EXPECT_EQ(read.answers[0].instruction_id, "7");
  EXPECT_EQ(read.answers[0].reasoning, "because");
  EXPECT_THAT(read.answers[1].turns, ElementsAre("one", "two"));
  options.columns["reasoning"] = "a.b";
  read = ReadAll(AnswerFormat::kJsonl, file, options);
  EXPECT_THAT(read.error, HasSubstr("n.jsonl:2: there is no field \"a.b\""));
}

TEST(AnswersTest, CsvColumnsAreFoundByName) {
  const TestDirectory files;
  const auto file =
      files.Write("t.csv", "prompt,system,text\n\"What, why?\",m,\"line 1\nline 2\"\n,m,x\n");
  AnswerOptions options;
  options.columns = {{"model", "system"}, {"answer", "text"}};
  AnswersRead read = ReadAll(AnswerFormat::kCsv, file, options);
  EXPECT_THAT(read.error, HasSubstr("t.csv:4: the row has neither an id nor a prompt"));
  options.read.skip_bad_rows = true;
  read = ReadAll(AnswerFormat::kCsv, file, options);
  ASSERT_EQ(read.answers.size(), 1u) << read.error;
  EXPECT_EQ(read.answers[0].prompt, "What, why?");
  EXPECT_EQ(read.answers[0].turns[0], "line 1\nline 2");
  EXPECT_EQ(read.report.bad_rows, 1);
  options.columns["answer"] = "txt";
  read = ReadAll(AnswerFormat::kCsv, file, options);
  EXPECT_THAT(read.error, HasSubstr("did you mean \"text\"?"));
  options.columns = {{"anser", "text"}};
  read = ReadAll(AnswerFormat::kCsv, file, options);
  EXPECT_THAT(read.error, HasSubstr("did you mean \"answer\"?"));
}

TEST(AnswersTest, AModelThatIsNotThereIsAnErrorThatListsTheOnesThatAre) {
  const TestDirectory files;
  const auto file = files.Write(
      "g.jsonl",
      R"({"question":"q","ground_truth":"1","small":{"solution":"a"},"large":{"solution":"b"}})"
      "\n");
  const AnswersRead read = ReadAll(AnswerFormat::kGsm8k, file, Only("larg"));
  EXPECT_EQ(read.code, ErrorCode::kNotFound);
  EXPECT_THAT(read.error, HasSubstr("has no answers of \"larg\" (did you mean \"large\"?); it has "
                                    "answers of large, small"));
}

TEST(AnswersTest, ABadRowDeliversNothingAndNamesItsLine) {
  const TestDirectory files;
  const auto file = files.Write(
      "m.jsonl", R"({"question_id":1,"model_id":"m","choices":[{"turns":["a"]},{"turns":[3]}]})"
                 "\n"
                 R"({"question_id":2,"model_id":"m","choices":[{"turns":["b"]}]})"
                 "\n"
                 R"({"question_id":3,"model_id":"m","choi)");
  EXPECT_THAT(ReadAll(AnswerFormat::kFastChat, file).error,
              HasSubstr("m.jsonl:1: the text of a turn should be a string"));
  AnswerOptions options;
  options.read.skip_bad_rows = true;
  const AnswersRead read = ReadAll(AnswerFormat::kFastChat, file, options);
  ASSERT_EQ(read.answers.size(), 1u);
  EXPECT_EQ(read.answers[0].instruction_id, "2");
  EXPECT_EQ(read.report.bad_rows, 2);  // the torn last line too
}

TEST(AnswersTest, RowsOfAnotherShapeAreErrorsAndNeverCrash) {
  const TestDirectory files;
  for (const std::string row :
       {"{}", "[]", "[1]", "3", R"({"question":3})", R"({"question":"q","m":{}})",
        R"({"question":"q","m":{"solution":3}})", R"({"uid":"u","model":"m","messages":3})",
        R"({"uid":"u","model":"m","messages":[3]})", R"({"uid":"u","model":"m","messages":[]})",
        R"({"question_id":[],"model_id":"m","choices":[{"turns":["a"]}]})",
        R"({"question_id":1,"model_id":"m","choices":[3]})",
        R"({"question_id":1,"model_id":"m","choices":[{"turns":[]}]})",
        R"({"question_id":1,"model_id":"m","choices":[{"turns":[{}]}]})",
        R"({"instruction":"i","output":{},"generator":"m"})",
        R"({"instruction":"i","output_1":"x","output_2":"y","generator_1":"m"})",
        R"({"id":{},"answer":"x"})", R"({"id":1,"answer":[]})", R"({"id":1})"}) {
    const auto file = files.Write("bad.jsonl", row + "\n");
    for (const auto format :
         {AnswerFormat::kFastChat, AnswerFormat::kArenaHard, AnswerFormat::kAlpacaEval,
          AnswerFormat::kGsm8k, AnswerFormat::kJsonl}) {
      const AnswersRead read = ReadAll(format, file);
      const bool nothing_to_read = row == "[]" || (format == AnswerFormat::kGsm8k &&
                                                   read.answers.empty() && read.error.empty());
      EXPECT_TRUE(nothing_to_read || !read.error.empty()) << row;
    }
  }
}

TEST(AnswersTest, CompressedFilesAreReadAsTheyAre) {
  const TestDirectory files;
  const std::string text = R"({"id":"1","answer":"x"})"
                           "\n";
  for (const std::string& bytes : {Gzip(text), Zstd(text)}) {
    const auto file = files.Write("packed", bytes);
    EXPECT_EQ(ReadAll(AnswerFormat::kJsonl, file).answers.size(), 1u);
  }
}

TEST(AnswersTest, AnErrorOfTheSinkStopsTheReading) {
  const TestDirectory files;
  const auto file =
      files.Write("a.jsonl", "{\"id\":1,\"answer\":\"x\"}\n{\"id\":2,\"answer\":\"y\"}\n");
  AnswerOptions options;
  options.read.skip_bad_rows = true;
  int calls = 0;
  const auto report =
      ReadAnswers(AnswerFormat::kJsonl, file, options, [&](RecordedAnswer&&) -> Status {
        ++calls;
        return Cancelled("enough");
      });
  ASSERT_FALSE(report.ok());
  EXPECT_EQ(report.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(calls, 1);
}

TEST(AnswersRealDataTest, Gsm8kHasFourModels) {
  const auto file = SharedData("gsm8k/example_model_solutions.jsonl");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  for (const char* model :
       {"6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification"}) {
    const AnswersRead read = ReadAll(AnswerFormat::kGsm8k, file, Only(model));
    EXPECT_EQ(read.answers.size(), 1319u) << read.error;
    for (const RecordedAnswer& answer : read.answers) {
      ASSERT_TRUE(answer.is_correct.has_value());
      ASSERT_FALSE(answer.turns[0].empty());
    }
  }
  EXPECT_EQ(ReadAll(AnswerFormat::kGsm8k, file).answers.size(), 4u * 1319u);
}

TEST(AnswersRealDataTest, ArenaHardAnswersAndMtBenchReferencesAreRead) {
  const auto folder = SharedData("arena-hard-v0.1/model_answer");
  const auto references = SharedData("mt-bench/reference_gpt-4.jsonl");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << folder << " is absent";
  for (const char* model : {"gpt-3.5-turbo-0125", "gpt-4-0314", "gpt-4-0613"}) {
    const AnswersRead read =
        ReadAll(AnswerFormat::kArenaHard, folder / (std::string(model) + ".jsonl"), Only(model));
    EXPECT_EQ(read.answers.size(), 500u) << read.error;
  }
  const AnswersRead read = ReadAll(AnswerFormat::kFastChat, references);
  EXPECT_EQ(read.answers.size(), 30u) << read.error;
  EXPECT_EQ(read.answers[0].turns.size(), 2u);
}

TEST(AnswersRealDataTest, AlpacaEvalAnnotationsHaveBothSides) {
  const auto file = SharedData("alpaca-eval/results/vicuna-7b.annotations.json");
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is absent";
  for (const char* model : {"vicuna-7b", "gpt4_1106_preview"}) {
    EXPECT_EQ(ReadAll(AnswerFormat::kAlpacaEval, file, Only(model)).answers.size(), 805u);
  }
}

}  // namespace
}  // namespace arena
