#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "formats/answers.h"
#include "formats/internal/test_files.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

struct InstructionsRead {
  std::vector<Instruction> instructions;
  std::string error;
};

InstructionsRead ReadAll(InstructionFormat format, const std::filesystem::path& file,
                         const InstructionOptions& options = {}) {
  InstructionsRead read;
  const auto report = ReadInstructions(format, file, options, [&](Instruction&& item) -> Status {
    read.instructions.push_back(std::move(item));
    return {};
  });
  if (!report.ok()) read.error = report.error().message;
  return read;
}

InstructionsRead ReadText(InstructionFormat format, const std::string& text,
                          const InstructionOptions& options = {}) {
  const TestDirectory files;
  return ReadAll(format, files.Write("pool", text), options);
}

std::filesystem::path SharedPool(const std::string& path) {
  return std::filesystem::path(ARENA_SOURCE_DIR "/../shared/data") / path;
}

TEST(InstructionsTest, EveryFormatNameIsReadBack) {
  for (const auto format :
       {InstructionFormat::kFastChat, InstructionFormat::kArenaHard, InstructionFormat::kAlpacaEval,
        InstructionFormat::kGsm8k, InstructionFormat::kOpenAi, InstructionFormat::kJsonl,
        InstructionFormat::kCsv}) {
    EXPECT_EQ(ParseInstructionFormat(InstructionFormatName(format)), format);
  }
}

TEST(InstructionsTest, FastChatQuestionsHaveTurnsAndTheLastTurnsReference) {
  const InstructionsRead read = ReadText(
      InstructionFormat::kFastChat, R"({"question_id":81,"category":"math","turns":["one","two"],)"
                                    R"("reference":["r1","r2"]})");
  ASSERT_EQ(read.instructions.size(), 1u) << read.error;
  const Instruction& question = read.instructions[0];
  EXPECT_EQ(question.id, "81");
  EXPECT_EQ(question.category, "math");
  EXPECT_EQ(question.conversation, (Conversation{{Role::kUser, "one"}, {Role::kUser, "two"}}));
  EXPECT_EQ(question.reference, "r2");
  EXPECT_EQ(question.key, ConversationKey(question.conversation));
  EXPECT_THAT(question.source, HasSubstr("pool:1"));
}

TEST(InstructionsTest, TheSameQuestionHasOneKeyInEveryFormat) {
  const Key key = MakeInstruction("Why?").key;
  const std::pair<InstructionFormat, const char*> rows[] = {
      {InstructionFormat::kFastChat, R"({"question_id":1,"turns":["Why?"]})"},
      {InstructionFormat::kArenaHard, R"({"uid":"u","category":"c","prompt":"Why?"})"},
      {InstructionFormat::kArenaHard, R"({"question_id":"u","turns":[{"content":"Why?"}]})"},
      {InstructionFormat::kAlpacaEval, R"([{"instruction":"Why?","dataset":"d"}])"},
      {InstructionFormat::kGsm8k, R"({"question":"Why?","answer":"so\n#### 18"})"},
      {InstructionFormat::kGsm8k, R"({"question":"Why?","ground_truth":"so\nA: 18"})"},
      {InstructionFormat::kOpenAi, R"({"messages":[{"role":"user","content":"Why?"}]})"},
      {InstructionFormat::kOpenAi,
       R"({"messages":[{"role":"user","content":[{"type":"text","text":"Why?"}]},)"
       R"({"role":"assistant","content":"so"}]})"},
      {InstructionFormat::kJsonl, R"({"prompt":"Why?"})"},
      {InstructionFormat::kCsv, "prompt\nWhy?\n"},
  };
  for (const auto& [format, row] : rows) {
    const InstructionsRead read = ReadText(format, row);
    ASSERT_EQ(read.instructions.size(), 1u) << row << read.error;
    EXPECT_EQ(read.instructions[0].key, key) << row;
  }
}

TEST(InstructionsTest, AClosingAssistantMessageIsTheReference) {
  const InstructionsRead read =
      ReadText(InstructionFormat::kOpenAi,
               R"({"messages":[{"role":"system","content":"s"},{"role":"user","content":"u"},)"
               R"({"role":"assistant","content":"a"},{"role":"user","content":"v"},)"
               R"({"role":"assistant","content":"b"}]})");
  ASSERT_EQ(read.instructions.size(), 1u) << read.error;
  EXPECT_EQ(read.instructions[0].conversation.size(), 4u);
  EXPECT_EQ(read.instructions[0].reference, "b");
}

TEST(InstructionsTest, NamedFieldsAreFoundAndAnEmptyReferenceIsNone) {
  InstructionOptions options;
  options.columns = {
      {"id", "n"}, {"prompt", "q.text"}, {"category", "kind"}, {"reference", "gold"}};
  InstructionsRead read = ReadText(InstructionFormat::kJsonl,
                                   R"({"n":7,"q":{"text":["a","b"]},"kind":"k","gold":18})"
                                   "\n"
                                   R"({"n":8,"q":{"text":"a"},"kind":null,"gold":null})",
                                   options);
  ASSERT_EQ(read.instructions.size(), 2u) << read.error;
  EXPECT_EQ(read.instructions[0].reference, "18");
  EXPECT_EQ(read.instructions[0].conversation.size(), 2u);
  EXPECT_EQ(read.instructions[0].category, "k");
  EXPECT_FALSE(read.instructions[1].reference.has_value());

  options.columns = {{"reference", "gold"}};
  read = ReadText(InstructionFormat::kCsv, "id,prompt,gold\n1,p,\n2,q,\"x, y\"\n", options);
  ASSERT_EQ(read.instructions.size(), 2u) << read.error;
  EXPECT_FALSE(read.instructions[0].reference.has_value());
  EXPECT_EQ(read.instructions[1].reference, "x, y");
}

TEST(InstructionsTest, WhatCannotBeAskedIsAnErrorWithFileAndLine) {
  const std::pair<InstructionFormat, const char*> rows[] = {
      {InstructionFormat::kFastChat, R"({"question_id":1,"turns":[]})"},
      {InstructionFormat::kFastChat, R"({"question_id":1,"turns":[""]})"},
      {InstructionFormat::kFastChat, R"({"turns":["a"]})"},
      {InstructionFormat::kFastChat, R"({"question_id":1,"turns":["a"],"reference":["x","y"]})"},
      {InstructionFormat::kArenaHard, R"({"uid":"u"})"},
      {InstructionFormat::kAlpacaEval, R"({"output":"x"})"},
      {InstructionFormat::kGsm8k, R"({"question":"q"})"},
      {InstructionFormat::kOpenAi, R"({"messages":[]})"},
      {InstructionFormat::kOpenAi, R"({"messages":[{"role":"system","content":"s"}]})"},
      {InstructionFormat::kOpenAi, R"({"messages":[{"role":"human","content":"s"}]})"},
      {InstructionFormat::kOpenAi,
       R"({"messages":[{"role":"user","content":[{"type":"image"}]}]})"},
      {InstructionFormat::kOpenAi, R"({"messages":[3]})"},
      {InstructionFormat::kJsonl, R"({"id":1})"},
      {InstructionFormat::kJsonl, R"({"prompt":{}})"},
  };
  for (const auto& [format, row] : rows) {
    const InstructionsRead read = ReadText(format, row);
    EXPECT_THAT(read.error, HasSubstr("pool:1: ")) << row;
    EXPECT_TRUE(read.instructions.empty()) << row;
  }
}

TEST(InstructionsRealDataTest, QuestionFilesAreReadWhole) {
  if (!std::filesystem::exists(SharedPool("."))) GTEST_SKIP() << SharedPool(".") << " is absent";
  const std::tuple<InstructionFormat, const char*, std::size_t> files[] = {
      {InstructionFormat::kFastChat, "mt-bench/question.jsonl", 80},
      {InstructionFormat::kArenaHard, "arena-hard-v0.1/question.jsonl", 500},
      {InstructionFormat::kAlpacaEval, "alpaca-eval/results/vicuna-7b.annotations.json", 805},
      {InstructionFormat::kGsm8k, "gsm8k/example_model_solutions.jsonl", 1319},
      {InstructionFormat::kGsm8k, "gsm8k/train.jsonl", 7473},
      {InstructionFormat::kOpenAi, "instructions/t0_sample.jsonl", 14000},
  };
  for (const auto& [format, name, count] : files) {
    const InstructionsRead read = ReadAll(format, SharedPool(name));
    EXPECT_EQ(read.instructions.size(), count) << name << ": " << read.error;
  }
  InstructionOptions options;
  options.columns = {{"prompt", "instruction"}, {"reference", "instances.0.output"}};
  EXPECT_EQ(
      ReadAll(InstructionFormat::kJsonl, SharedPool("self-instruct/seed_tasks.jsonl"), options)
          .instructions.size(),
      175u);
}

TEST(InstructionsRealDataTest, MtBenchHasTwoTurnsAndGsm8kItsGroundTruthAsItStands) {
  if (!std::filesystem::exists(SharedPool("."))) GTEST_SKIP() << SharedPool(".") << " is absent";
  for (const Instruction& question :
       ReadAll(InstructionFormat::kFastChat, SharedPool("mt-bench/question.jsonl")).instructions) {
    EXPECT_EQ(question.conversation.size(), 2u);
  }
  const InstructionsRead read =
      ReadAll(InstructionFormat::kGsm8k, SharedPool("gsm8k/example_model_solutions.jsonl"));
  ASSERT_FALSE(read.instructions.empty());
  EXPECT_THAT(*read.instructions[0].reference, ::testing::EndsWith("\nA: 18"));
}

}  // namespace
}  // namespace arena
