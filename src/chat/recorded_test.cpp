#include "chat/recorded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/parallel.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Every test writes its answers to a file of its own.
class RecordedContestantTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::path(::testing::TempDir()) /
              ::testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<std::unique_ptr<RecordedContestant>> Load(const std::string& text,
                                                   const std::string& model = "m",
                                                   AnswerFormat format = AnswerFormat::kJsonl) {
    RecordedContestant::Options options;
    options.name = "Shown";
    options.format = format;
    options.file = folder_ / "answers";
    options.answers.model = model;
    EXPECT_TRUE(WriteFileAtomic(options.file, text).ok());
    return RecordedContestant::Load(options);
  }

  std::filesystem::path folder_;
};

Instruction WithId(const std::string& id, const std::string& prompt = "p") {
  Instruction instruction = MakeInstruction(prompt);
  instruction.id = id;
  return instruction;
}

TEST_F(RecordedContestantTest, AnswersAreFoundByIdElseByPrompt) {
  const auto by_id = Load(R"({"id":"1","answer":"one"})"
                          "\n"
                          R"({"id":"2","answer":"two"})"
                          "\n");
  ASSERT_TRUE(by_id.ok()) << by_id.error().message;
  EXPECT_EQ((*by_id)->Respond(WithId("2"), 0)->text(), "two");
  EXPECT_EQ((*by_id)->Respond(WithId("", "p"), 0)->failure, FailureKind::kMissing);

  const auto by_prompt = Load(R"({"prompt":"p","answer":"x"})"
                              "\n");
  EXPECT_EQ((*by_prompt)->Respond(WithId("2", "p"), 0)->text(), "x");
  EXPECT_EQ((*by_prompt)->Respond(WithId("2", "q"), 0)->failure, FailureKind::kMissing);
}

TEST_F(RecordedContestantTest, AnAnswerHasItsKeysStyleReasoningAndRawReply) {
  const auto model = Load(R"({"id":"1","answer":"<think>hm</think>\n# Yes\n**18**"})"
                          "\n");
  const Instruction instruction = WithId("1");
  const Answer answer = *(*model)->Respond(instruction, 0);
  EXPECT_EQ(answer.state, WorkState::kDone);
  EXPECT_EQ(answer.key, AnswerKey((*model)->contestant().key(), instruction.key, 0));
  EXPECT_EQ(answer.contestant, (*model)->contestant().key());
  EXPECT_EQ(answer.instruction, instruction.key);
  EXPECT_EQ(answer.text(), "# Yes\n**18**");
  EXPECT_EQ(answer.reasoning, "hm");
  EXPECT_EQ(answer.raw_reply, "<think>hm</think>\n# Yes\n**18**");
  EXPECT_EQ(answer.style.headers, 1);
  EXPECT_EQ(answer.style.bold, 1);
  EXPECT_EQ(answer.style.tokens, 7);
}

TEST_F(RecordedContestantTest, AReplyCutWithinItsReasoningIsNoAnswer) {
  const auto model = Load(R"({"id":"1","answer":"<think>hm"})"
                          "\n");
  const Answer answer = *(*model)->Respond(WithId("1"), 0);
  EXPECT_EQ(answer.state, WorkState::kFailed);
  EXPECT_EQ(answer.failure, FailureKind::kLength);
}

TEST_F(RecordedContestantTest, WhatIsMissingIsAFailedAnswerThatNamesFileAndInstruction) {
  const auto model = Load(
      R"({"question_id":"1","model_id":"m","choices":[{"turns":["a","b"]},{"turns":["c","d"]}]})"
      "\n"
      R"({"question_id":"2","model_id":"m","choices":[{"turns":["a"]}]})"
      "\n",
      "m", AnswerFormat::kFastChat);
  ASSERT_TRUE(model.ok()) << model.error().message;
  Instruction two_turns = WithId("1");
  two_turns.conversation.push_back({Role::kUser, "and then?"});
  EXPECT_THAT((*model)->Respond(two_turns, 1)->turns, ElementsAre("c", "d"));
  EXPECT_THAT((*model)->Respond(WithId("1"), 0)->turns, ElementsAre("a"));
  EXPECT_THAT((*model)->Respond(two_turns, 2)->error, HasSubstr("has 2 answers"));
  two_turns.id = "2";
  const Answer short_one = *(*model)->Respond(two_turns, 0);
  EXPECT_EQ(short_one.failure, FailureKind::kMissing);
  EXPECT_THAT(short_one.error, HasSubstr("answers:2: answers 1 of the 2 turns"));
  EXPECT_THAT((*model)->Respond(WithId("9"), 0)->error,
              HasSubstr("answers: has no answer of \"m\" to instruction \"9\""));
}

TEST_F(RecordedContestantTest, CoverageCountsWhatIsMissingAndWhatLooksLikeAnotherQuestion) {
  const auto model = Load(R"({"id":"1","prompt":"p","answer":"x"})"
                          "\n"
                          R"({"id":"2","prompt":"other","answer":"x"})"
                          "\n");
  const std::vector<Instruction> pool = {WithId("1"), WithId("2"), WithId("3")};
  const Coverage coverage = (*model)->CheckCovers(pool);
  EXPECT_EQ(coverage.instructions, 3);
  EXPECT_EQ(coverage.missing, 1);
  EXPECT_EQ(coverage.prompt_differs, 1);
  EXPECT_THAT(coverage.examples,
              ElementsAre(HasSubstr("another prompt"), HasSubstr("\"3\": no answer")));
}

TEST_F(RecordedContestantTest, TheVersionIsThatOfTheAnswersAndNotOfTheirOrder) {
  const std::string first = R"({"id":"1","answer":"x"})"
                            "\n";
  const std::string second = R"({"id":"2","answer":"y"})"
                             "\n";
  const std::string edited = R"({"id":"2","answer":"z"})"
                             "\n";
  const std::string behaviour = (*Load(first + second))->contestant().behaviour;
  EXPECT_THAT(behaviour, HasSubstr(R"({"kind":"recorded","model":"m","version":")"));
  EXPECT_EQ((*Load(second + first))->contestant().behaviour, behaviour);
  EXPECT_NE((*Load(first + edited))->contestant().behaviour, behaviour);
  EXPECT_NE((*Load(first))->contestant().behaviour, behaviour);
  EXPECT_NE((*Load(first + second, "n"))->contestant().behaviour, behaviour);
  EXPECT_EQ((*Load(first + second))->contestant().name, "Shown");
}

TEST_F(RecordedContestantTest, SeveralModelsNeedTheNameOfOne) {
  const std::string text = R"({"id":"1","model":"a","answer":"x"})"
                           "\n"
                           R"({"id":"1","model":"b","answer":"y"})"
                           "\n";
  const auto several = Load(text, "");
  ASSERT_FALSE(several.ok());
  EXPECT_THAT(several.error().message, HasSubstr("several models (a, b)"));
  EXPECT_EQ((*Load(text, "b"))->Respond(WithId("1"), 0)->text(), "y");
  EXPECT_FALSE(Load(text, "c").ok());
  EXPECT_FALSE(Load("", "").ok());
}

TEST_F(RecordedContestantTest, ARepeatedBaselineOfAnnotationsIsOneAnswer) {
  const auto model = Load(
      R"([{"instruction":"p","output_1":"x","generator_1":"base","output_2":"y","generator_2":"m"},)"
      R"({"instruction":"p","output_1":"x","generator_1":"base","output_2":"z","generator_2":"n"}])",
      "base", AnswerFormat::kAlpacaEval);
  ASSERT_TRUE(model.ok()) << model.error().message;
  EXPECT_EQ((*model)->Respond(WithId("", "p"), 0)->text(), "x");
  EXPECT_EQ((*model)->Respond(WithId("", "p"), 1)->failure, FailureKind::kMissing);
}

TEST_F(RecordedContestantTest, ManyThreadsMayAsk) {
  std::string text;
  for (int i = 0; i < 200; ++i) {
    text += R"({"id":)" + std::to_string(i) + R"(,"answer":"a)" + std::to_string(i) + "\"}\n";
  }
  const auto model = Load(text);
  std::vector<std::string> replies(2000);
  ParallelFor(replies.size(), 4, [&](std::size_t i) {
    replies[i] = (*model)->Respond(WithId(std::to_string(i % 200)), 0)->text();
  });
  for (std::size_t i = 0; i < replies.size(); ++i) {
    EXPECT_EQ(replies[i], "a" + std::to_string(i % 200));
  }
}

// Reads the instructions and one contestant of the real data and says how they fit.
Coverage CoverageOf(InstructionFormat questions_format, const std::filesystem::path& questions,
                    const RecordedContestant::Options& options) {
  std::vector<Instruction> pool;
  EXPECT_TRUE(ReadInstructions(questions_format, questions, {}, [&](Instruction&& item) -> Status {
                pool.push_back(std::move(item));
                return {};
              }).ok());
  const auto model = RecordedContestant::Load(options);
  EXPECT_TRUE(model.ok()) << (model.ok() ? "" : model.error().message);
  return model.ok() ? (*model)->CheckCovers(pool) : Coverage();
}

TEST(RecordedRealDataTest, RealAnswersCoverTheirQuestions) {
  const std::filesystem::path data = ARENA_SOURCE_DIR "/../shared/data";
  if (!std::filesystem::exists(data)) GTEST_SKIP() << data << " is absent";
  RecordedContestant::Options options;
  options.format = AnswerFormat::kGsm8k;
  options.file = data / "gsm8k/example_model_solutions.jsonl";
  options.answers.model = "6b_finetuning";
  const Coverage gsm8k = CoverageOf(InstructionFormat::kGsm8k, options.file, options);
  EXPECT_EQ(gsm8k.instructions, 1319);
  EXPECT_EQ(gsm8k.missing, 0);

  options.format = AnswerFormat::kArenaHard;
  options.file = data / "arena-hard-v0.1/model_answer/gpt-4-0314.jsonl";
  options.answers.model = "";
  const Coverage hard =
      CoverageOf(InstructionFormat::kArenaHard, data / "arena-hard-v0.1/question.jsonl", options);
  EXPECT_EQ(hard.instructions, 500);
  EXPECT_EQ(hard.missing, 0);
  EXPECT_EQ(hard.prompt_differs, 0);
}

TEST(RecordedExampleTest, TheSmallArenaIsComplete) {
  const std::filesystem::path folder = ARENA_SOURCE_DIR "/examples/small";
  struct Entry {
    const char* model;
    const char* file;
    AnswerFormat format;
    std::map<std::string, std::string> columns;
  };
  const std::map<std::string, std::string> fields = {
      {"id", "task"}, {"model", "who"}, {"answer", "reply.text"}};
  const std::map<std::string, std::string> columns = {
      {"prompt", "question"}, {"model", "system"}, {"answer", "response"}};
  for (const Entry& entry : {Entry{"heron-9b", "heron-9b.jsonl", AnswerFormat::kFastChat, {}},
                             Entry{"heron-2b", "replies.jsonl", AnswerFormat::kJsonl, fields},
                             Entry{"plover-7b", "replies.jsonl", AnswerFormat::kJsonl, fields},
                             Entry{"wren-3b", "table.csv", AnswerFormat::kCsv, columns},
                             Entry{"sparrow-1b", "table.csv", AnswerFormat::kCsv, columns}}) {
    RecordedContestant::Options options;
    options.format = entry.format;
    options.file = folder / entry.file;
    options.answers.model = entry.model;
    options.answers.columns = entry.columns;
    const Coverage coverage =
        CoverageOf(InstructionFormat::kJsonl, folder / "questions.jsonl", options);
    EXPECT_EQ(coverage.instructions, 40) << entry.model;
    EXPECT_EQ(coverage.missing + coverage.prompt_differs, 0) << entry.model;
  }
}

}  // namespace
}  // namespace arena
