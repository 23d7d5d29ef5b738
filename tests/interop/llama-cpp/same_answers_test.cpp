// llama.cpp and arena-lm read the same texts as the same tokens and continue them with the same.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/child_process.h"
#include "base/json.h"
#include "chat/lm_pool.h"
#include "checkpoint/new_model.h"
#include "tests/integration/program.h"
#include "text/tokenizer.h"
#include "text/train_sentencepiece.h"

namespace arena {
namespace {

constexpr std::int64_t kGenerated = 16;
constexpr double kNearTie = 1e-4;  // in log-probability; sums in another order make such

std::vector<std::string> Prompts() {
  const std::vector<std::string> subjects = {
      "The river", "A cat",        "Seven birds", "Zoë's \"plan\"", "数学",
      "1234",      "  two spaces", "tab\there",   "<|im_end|>",     "</s>"};
  const std::vector<std::string> verbs = {"runs to", "counts 1, 2, 3:", "is not\n\nwhat",
                                          "asks: why?", "+ 17 ="};
  std::vector<std::string> prompts;
  for (const std::string& subject : subjects) {
    for (const std::string& verb : verbs) prompts.push_back(subject + " " + verb);
  }
  return prompts;
}

class SameAnswersTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(ARENA_LLAMA_CPP_DIR "/node_modules/node-llama-cpp")) {
      GTEST_SKIP() << "run scripts/install-npm.sh";
    }
  }

  // One JSON document for each prompt.
  std::vector<Json> AskLlamaCpp() {
    const std::string prompts = folder_ / "prompts.json";
    std::ofstream(prompts) << DumpJson(Json(Prompts()));
    const std::string command = fmt::format("node '{}/answer_texts.mjs' '{}' {} '{}'",
                                            ARENA_LLAMA_CPP_DIR, File(), kGenerated, prompts);
    std::vector<Json> answers;
    std::string line;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) {
      if (c != '\n') {
        line.push_back(static_cast<char>(c));
        continue;
      }
      const auto json = ParseJson(line);
      EXPECT_TRUE(json.ok()) << line;
      if (json.ok()) answers.push_back(*json);
      line.clear();
    }
    EXPECT_EQ(::pclose(pipe), 0);
    return answers;
  }

  void ExpectSameAnswers() {
    const ProgramResult exported =
        RunArena({"model", "export", "--model", Model(), "--gguf", File(), "--type", "f32"});
    ASSERT_EQ(exported.exit_code, 0) << exported.err;
    const std::vector<Json> theirs = AskLlamaCpp();
    const std::vector<std::string> prompts = Prompts();
    ASSERT_EQ(prompts.size(), 50U);
    ASSERT_EQ(theirs.size(), prompts.size());
    const auto tokenizer = LoadTokenizer(Model());
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    LmPoolOptions options;
    options.model = Model();
    options.workers = 1;
    options.precision = "f32";
    auto pool = LmPool::Start(options);
    ASSERT_TRUE(pool.ok()) << pool.error().message;
    std::size_t near_ties = 0;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
      Generation generation;
      generation.logprobs = 2;
      generation.prompt = (*tokenizer)->Encode(prompts[i]);
      const Json& answer = theirs[i];
      EXPECT_EQ(Json(generation.prompt), answer.at("prompt")) << prompts[i];
      answer.at("prompt").get_to(generation.prompt);
      generation.max_new_tokens = kGenerated;
      generation.stop_tokens.emplace();
      std::promise<Result<GeneratedAnswer>> promise;
      (*pool)->Generate(generation,
                        [&](Result<GeneratedAnswer> ours) { promise.set_value(std::move(ours)); });
      const auto ours = promise.get_future().get();
      ASSERT_TRUE(ours.ok()) << ours.error().message;
      // llama.cpp ends at an end of text; up to there the tokens are the same.
      std::vector<TokenId> expected;
      answer.at("generated").get_to(expected);
      ASSERT_FALSE(expected.empty());
      std::vector<TokenId> generated = ours->tokens.tokens;
      ASSERT_GE(generated.size(), expected.size());
      generated.resize(expected.size());
      if (generated == expected) continue;
      const auto at = static_cast<std::size_t>(
          std::mismatch(generated.begin(), generated.end(), expected.begin()).first -
          generated.begin());
      double gap = 1;
      for (const TokenLogprob& other : ours->tokens.top[at]) {
        if (other.token == expected[at]) gap = ours->tokens.logprobs[at] - other.logprob;
      }
      EXPECT_LT(gap, kNearTie) << prompts[i] << ": " << fmt::format("{}", fmt::join(generated, " "))
                               << " and not " << fmt::format("{}", fmt::join(expected, " "));
      ++near_ties;
    }
    fmt::print("{} of {} answers are the same; {} part at a near-tie of less than {}\n",
               prompts.size() - near_ties, prompts.size(), near_ties, kNearTie);
    EXPECT_LE(near_ties, 2U);
  }

  std::string Model() const { return folder_ / "model"; }
  std::string File() const { return folder_ / "model.gguf"; }

  TemporaryFolder folder_;
};

TEST_F(SameAnswersTest, OfAByteTokenizer) {
  const ProgramResult made =
      RunArena({"model", "new", "--shape", "mini", "--dtype", "f32", "--out", Model()});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  ExpectSameAnswers();
}

TEST_F(SameAnswersTest, OfASentencePieceModel) {
  SentencePieceOptions options;
  options.vocabulary_size = 400;
  std::vector<std::string> texts = Prompts();
  for (int i = 0; i < 300; ++i) {
    texts.push_back(fmt::format("the {} cats of river {} run to what they count", i, 7 * i));
  }
  std::filesystem::create_directories(Model());
  const Status trained =
      TrainSentencePiece(options, texts, std::filesystem::path(Model()) / "tokenizer.model");
  ASSERT_TRUE(trained.ok()) << trained.error().message;
  const auto tokenizer = LoadTokenizer(Model());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  const auto size = static_cast<std::int64_t>((*tokenizer)->vocabulary_size());
  ModelConfig config = ShapeConfig(ModelShape::kMini, size);
  config.eos_ids = {2};
  ASSERT_TRUE(NewModel(config, 5, Model()).ok());
  ExpectSameAnswers();
}

}  // namespace
}  // namespace arena
