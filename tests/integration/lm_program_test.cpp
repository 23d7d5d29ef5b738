// Drives the program arena-lm over pipes, as arena does.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/json.h"
#include "checkpoint/new_model.h"
#include "tests/integration/lm_process.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

using testing::HasSubstr;

Json Hello(const std::string& model) {
  return {{"type", "hello"}, {"protocol", 1}, {"model", model}, {"max_batch", 8}, {"cache_mb", 64}};
}

Json Generate(const std::string& id, const std::vector<int>& prompt, int count) {
  return {{"type", "generate"},          {"id", id},         {"prompt", prompt},
          {"max_new_tokens", count},     {"temperature", 1}, {"seed", 7},
          {"stop_tokens", Json::array()}};
}

class LmProgramTest : public testing::Test {
 protected:
  // Filling it takes seconds, so that a long text outlasts what a test does meanwhile.
  static constexpr int kContext = 16384;

  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    ModelConfig config = ShapeConfig(ModelShape::kMini, 257);
    config.max_position_embeddings = kContext;
    ASSERT_TRUE(NewModel(config, 1, Model()).ok());
  }
  static void TearDownTestSuite() { delete folder_; }
  static std::string Model() { return *folder_ / "mini"; }

  static TemporaryFolder* folder_;
};
TemporaryFolder* LmProgramTest::folder_ = nullptr;

TEST_F(LmProgramTest, AnswersEveryKindOfRequest) {
  LmProcess program(ARENA_LM_PROGRAM);
  program.Send(Generate("early", {1}, 1));
  EXPECT_EQ(program.ReceiveText(),
            R"({"type":"error","id":"early","message":"the first line must be hello"})");
  program.Send(Hello(Model()));
  const Json ready = program.Receive();
  EXPECT_EQ(ready["type"], "ready");
  EXPECT_EQ(ready["protocol"], 1);
  EXPECT_EQ(ready["vocabulary"], 257);
  EXPECT_EQ(ready["context"], kContext);
  EXPECT_GT(ready["parameters"], 300000);

  Json generate = Generate("g", {1, 2, 3}, 6);
  generate["logprobs"] = 2;
  program.Send(generate);
  const Json done = program.Receive();
  EXPECT_EQ(done["type"], "done");
  EXPECT_EQ(done["id"], "g");
  EXPECT_EQ(done["finish"], "length");
  EXPECT_EQ(done["tokens"].size(), 6U);
  EXPECT_EQ(done["top"][5].size(), 2U);

  // The log-probabilities of a generation and of its score are the same numbers.
  program.Send({{"type", "score"}, {"id", "s"}, {"prompt", {1, 2, 3}}, {"answer", done["tokens"]}});
  EXPECT_EQ(program.Receive()["logprobs"], done["logprobs"]);
  program.Send({{"type", "embed"}, {"id", "e"}, {"tokens", {1, 2}}});
  EXPECT_EQ(program.Receive()["vector"].size(), 96U);
  program.Send({{"type", "batch"}, {"id", "b"}, {"requests", {generate, generate}}});
  const Json batch = program.Receive();
  EXPECT_EQ(batch["type"], "batch_done");
  EXPECT_EQ(batch["answers"][1]["tokens"], done["tokens"]);
  program.Send({{"type", "stats"}});
  EXPECT_EQ(program.Receive()["finished"], 4);
  program.EndInput();
  EXPECT_EQ(program.ReceiveText(), "");
  EXPECT_EQ(program.Wait(), 0);
}

TEST_F(LmProgramTest, TheEndOfTheInputFinishesWhatIsInFlight) {
  LmProcess program(ARENA_LM_PROGRAM);
  program.Send(Hello(Model()));
  for (int i = 0; i < 30; ++i) program.Send(Generate(std::to_string(i), {1, i}, 40));
  program.EndInput();
  program.Receive();
  int answers = 0;
  for (std::string line = program.ReceiveText(); !line.empty(); line = program.ReceiveText()) {
    EXPECT_EQ(ParseJson(line).value()["tokens"].size(), 40U);
    ++answers;
  }
  EXPECT_EQ(answers, 30);
  EXPECT_EQ(program.Wait(), 0);
}

TEST_F(LmProgramTest, RequestsEnterAndLeaveARunningBatch) {
  LmProcess program(ARENA_LM_PROGRAM);
  program.Send(Hello(Model()));
  program.Receive();
  Json endless = Generate("endless", {1}, kContext - 1);
  endless["stream"] = true;
  program.Send(endless);
  EXPECT_EQ(program.Receive()["type"], "tokens");
  program.Send(Generate("short", {2}, 3));
  Json message = program.Receive();
  while (message["id"] == "endless" && message["type"] == "tokens") message = program.Receive();
  EXPECT_EQ(message["id"], "short") << "it had to wait for the long one";
  program.Send({{"type", "cancel"}, {"id", "endless"}});
  program.Send({{"type", "cancel"}, {"id", "unknown"}});
  message = program.Receive();
  while (message["type"] == "tokens") message = program.Receive();
  EXPECT_EQ(message["type"], "done");
  EXPECT_EQ(message["finish"], "cancelled");
  EXPECT_LT(message["tokens"].size(), kContext - 1U);
}

TEST_F(LmProgramTest, ABatchHasTheSameBytesOnEveryRun) {
  std::vector<Json> requests;
  for (int i = 0; i < 20; ++i) {
    Json request = Generate(std::to_string(i), {i, i + 1, i + 2}, 10 + i);
    request["seed"] = i;
    request["logprobs"] = 1;
    requests.push_back(request);
  }
  std::string first;
  for (int run = 0; run < 3; ++run) {
    LmProcess program(ARENA_LM_PROGRAM);
    program.Send(Hello(Model()));
    program.Receive();
    // Other work around it changes nothing.
    for (int i = 0; i < 3 * run; ++i) program.Send(Generate(fmt::format("x{}", i), {9, i}, 30));
    program.Send({{"type", "batch"}, {"id", "unit"}, {"requests", requests}});
    for (int i = 0; i < run; ++i) program.Send(Generate(fmt::format("y{}", i), {9, i}, 30));
    std::string line = program.ReceiveText();
    while (line.find("batch_done") == std::string::npos) line = program.ReceiveText();
    if (run == 0) first = line;
    EXPECT_EQ(line, first);
  }
}

TEST_F(LmProgramTest, BadLinesAreAnsweredAndDoNoHarm) {
  LmProcess program(ARENA_LM_PROGRAM);
  program.Send(Hello(Model()));
  program.Receive();
  const std::vector<std::pair<std::string, std::string>> lines = {
      {"garbage", "not JSON"},
      {"\xFF\xFE{}\x01", "not JSON"},
      {std::string(100000, '['), "not JSON"},
      {R"({"type":"generate","id":"a","prompt":[257]})", "outside the vocabulary"},
      {R"({"type":"generate","id":"a","prompt":[]})", "empty"},
      {DumpJson(Generate("a", std::vector<int>(kContext, 1), 1)), "context of 16384"},
      {R"({"type":"generate","id":"a","prompt":[1],"unknown":1})", "\\\"unknown\\\""},
      {DumpJson(Hello(Model())), "second time"},
      {std::string((std::size_t{64} << 20) + 1, 'x'), "longer than"},
  };
  for (const auto& [line, expected] : lines) {
    program.SendText(line + "\n");
    const std::string answer = program.ReceiveText();
    EXPECT_THAT(answer, HasSubstr(R"({"type":"error")"));
    EXPECT_THAT(answer, HasSubstr(expected));
  }
  program.SendText("\n  \r\n");
  program.Send(Generate("a", {1}, 2));
  EXPECT_EQ(program.Receive()["type"], "done");
}

TEST_F(LmProgramTest, AModelThatCannotBeUsedIsAnErrorAndTheEnd) {
  LmProcess program(ARENA_LM_PROGRAM);
  program.Send(Hello(*folder_ / "nothing"));
  const Json error = program.Receive();
  EXPECT_EQ(error["type"], "error");
  EXPECT_THAT(error["message"].get<std::string>(), HasSubstr("nothing"));
  EXPECT_EQ(program.Wait(), 1);  // although its input is still open
}

TEST_F(LmProgramTest, LoadingNeedsTheTensorsSizeAndATenth) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer has memory of its own";
#endif
  for (const DType dtype : {DType::kF32, DType::kBf16}) {
    const TemporaryFolder folder;
    ModelConfig config = ShapeConfig(ModelShape::k60m, 16384);
    config.dtype = dtype;
    ASSERT_TRUE(NewModel(config, 1, folder / "model").ok());
    LmProcess program(ARENA_LM_PROGRAM);
    program.Send({{"type", "stats"}});
    program.Receive();
    const std::int64_t before = program.StatusBytes("VmRSS");
    Json hello = Hello(folder / "model");
    hello["precision"] = "bf16";
    program.Send(hello);
    const Json ready = program.Receive();
    ASSERT_EQ(ready["type"], "ready");
    const std::int64_t peak = program.StatusBytes("VmHWM");
    const auto tensors = 2 * static_cast<double>(ready["parameters"]);
    EXPECT_LT(static_cast<double>(peak - before), 1.1 * tensors) << DTypeName(dtype);
    EXPECT_GT(static_cast<double>(peak - before), 0.9 * tensors);
  }
}

TEST_F(LmProgramTest, HelpVersionAndWrongArguments) {
  LmProcess help(ARENA_LM_PROGRAM, {"--help"});
  EXPECT_THAT(help.ReceiveText(), HasSubstr("arena-lm"));
  EXPECT_EQ(help.Wait(), 0);
  LmProcess version(ARENA_LM_PROGRAM, {"--version"});
  EXPECT_THAT(version.ReceiveText(), HasSubstr("protocol 1"));
  EXPECT_EQ(version.Wait(), 0);
  ::setenv("ARENA_LM_KERNELS", "abacus", 1);
  LmProcess unknown(ARENA_LM_PROGRAM);
  ::unsetenv("ARENA_LM_KERNELS");
  EXPECT_EQ(unknown.Wait(), 2);
  LmProcess wrong(ARENA_LM_PROGRAM, {"--fly"});
  EXPECT_EQ(wrong.Wait(), 2);
}

}  // namespace
}  // namespace arena
