#include "lm/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include "base/json.h"
#include "lm/line_input.h"

namespace arena::lm {
namespace {

using testing::HasSubstr;

Message Parse(const std::string& line) {
  auto parsed = ParseMessage(line);
  if (const auto* bad = std::get_if<BadLine>(&parsed)) ADD_FAILURE() << bad->message;
  return std::get<Message>(parsed);
}
BadLine ParseBad(const std::string& line) {
  auto parsed = ParseMessage(line);
  if (const auto* bad = std::get_if<BadLine>(&parsed)) return *bad;
  ADD_FAILURE() << "accepted: " << line;
  return {};
}

TEST(ProtocolTest, ReadsEveryMember) {
  const auto hello = std::get<HelloMessage>(Parse(
      R"({"type":"hello","protocol":1,"model":"m","precision":"bf16","max_batch":3,"cache_mb":9})"));
  EXPECT_EQ(hello.model, "m");
  EXPECT_EQ(hello.precision, "bf16");
  EXPECT_EQ(hello.max_batch, 3);
  EXPECT_EQ(hello.cache_mb, 9);
  const auto generate = std::get<GenerateRequest>(std::get<Request>(
      Parse(R"({"type":"generate","id":"g","prompt":[1,2],"max_new_tokens":5,"temperature":0.5,
                "top_k":4,"top_p":0.9,"min_p":0.1,"repetition_penalty":1.2,
                "seed":18446744073709551615,"stop_tokens":[7],"logprobs":3,"stream":true})")));
  EXPECT_EQ(generate.id, "g");
  EXPECT_EQ(generate.prompt, (std::vector<Token>{1, 2}));
  EXPECT_EQ(generate.max_new_tokens, 5);
  EXPECT_EQ(generate.sampling.temperature, 0.5);
  EXPECT_EQ(generate.sampling.top_k, 4);
  EXPECT_EQ(generate.sampling.top_p, 0.9);
  EXPECT_EQ(generate.sampling.min_p, 0.1);
  EXPECT_EQ(generate.sampling.repetition_penalty, 1.2);
  EXPECT_EQ(generate.sampling.seed, 18446744073709551615U);
  EXPECT_EQ(generate.stop_tokens, std::vector<Token>{7});
  EXPECT_EQ(generate.logprobs, 3);
  EXPECT_TRUE(generate.stream);
  const auto batch = std::get<BatchRequest>(std::get<Request>(
      Parse(R"({"type":"batch","id":"b","requests":[{"prompt":[1]},{"id":"x","prompt":[2]}]})")));
  EXPECT_EQ(batch.id, "b");
  ASSERT_EQ(batch.requests.size(), 2U);
  EXPECT_EQ(batch.requests[1].id, "x");
  const auto score = std::get<ScoreRequest>(
      std::get<Request>(Parse(R"({"type":"score","id":"s","prompt":[1],"answer":[2,3]})")));
  EXPECT_EQ(score.answer, (std::vector<Token>{2, 3}));
  const auto reward = std::get<RewardRequest>(
      std::get<Request>(Parse(R"({"type":"reward","id":"r","prompt":[1],"answer":[2,3]})")));
  EXPECT_EQ(reward.id, "r");
  EXPECT_EQ(reward.prompt, std::vector<Token>{1});
  EXPECT_EQ(reward.answer, (std::vector<Token>{2, 3}));
  const auto embed =
      std::get<EmbedRequest>(std::get<Request>(Parse(R"({"type":"embed","id":"e","tokens":[4]})")));
  EXPECT_EQ(embed.tokens, std::vector<Token>{4});
  EXPECT_EQ(std::get<CancelMessage>(Parse(R"({"type":"cancel","id":"g"})")).id, "g");
  EXPECT_TRUE(std::holds_alternative<StatsMessage>(Parse(R"({"type":"stats"})")));
}

TEST(ProtocolTest, BadLinesSayWhatIsWrongAndWhoseTheyAre) {
  EXPECT_THAT(ParseBad("{\"type\":").message, HasSubstr("not JSON"));
  EXPECT_THAT(ParseBad("[1]").message, HasSubstr("no JSON object"));
  EXPECT_THAT(ParseBad("{}").message, HasSubstr("\"type\" is missing"));
  EXPECT_THAT(ParseBad(R"({"type":"hello","protocol":2,"model":"m"})").message,
              HasSubstr("protocol 2"));
  EXPECT_THAT(ParseBad(R"({"type":"hello","protocol":1})").message, HasSubstr("\"model\""));
  EXPECT_THAT(ParseBad(R"({"type":"hello","protocol":1,"model":"m","max_batch":0})").message,
              HasSubstr("max_batch"));
  EXPECT_THAT(ParseBad(R"({"type":"hello","protocol":1,"model":"m","precision":"f8"})").message,
              HasSubstr("precision"));
  EXPECT_THAT(ParseBad(R"({"type":"generate","prompt":[1]})").message, HasSubstr("\"id\""));
  EXPECT_THAT(ParseBad(R"({"type":"reward","id":"x","prompt":[1]})").message,
              HasSubstr("\"answer\" is missing"));
  EXPECT_THAT(ParseBad(R"({"type":"fly","id":"x"})").message, HasSubstr("\"fly\""));
  for (const char* member :
       {R"("prompt":1)", R"("prompt":["a"])", R"("prompt":[1.5])", R"("prompt":[-1])",
        R"("prompt":[99999999999])", R"("prompt":[1],"seed":-1)", R"("prompt":[1],"top_k":"3")",
        R"("prompt":[1],"stream":1)", R"("prompt":[1],"temperature":"hot")",
        R"("prompt":[1],"max_new_tokens":1e3)", R"("prompt":[1],"logprobs":true)",
        R"("prompt":[1],"max_new_tokens":18446744073709551615)",
        R"("prompt":[1],"tempreature":1)"}) {
    const BadLine bad = ParseBad(std::string(R"({"type":"generate","id":"x",)") + member + "}");
    EXPECT_EQ(bad.id, "x") << member;
    EXPECT_THAT(bad.message, HasSubstr("\"")) << member;
  }
  EXPECT_THAT(ParseBad(R"({"type":"batch","id":"x","requests":[{"prompt":[1]},{}]})").message,
              HasSubstr("requests[1]: \"prompt\" is missing"));
  EXPECT_THAT(ParseBad(R"({"type":"batch","id":"x","requests":[{"prompt":[1],"a":1}]})").message,
              HasSubstr("requests[0]: \"a\""));
}

TEST(ProtocolTest, WritesOneLineForEachEvent) {
  const Tokens tokens{{1, 2}, {-0.5F, -1}, {{{1, -0.5F}, {3, -2}}, {{2, -1}}}};
  EXPECT_EQ(EventLine(TokensEvent{"a\n\"", {{4}, {}, {}}}),
            R"({"type":"tokens","id":"a\n\"","tokens":[4]})");
  EXPECT_EQ(EventLine(GenerateResult{"a", tokens, Finish::kStop, ""}),
            R"({"type":"done","id":"a","tokens":[1,2],"logprobs":[-0.5,-1.0],)"
            R"("top":[[[1,-0.5],[3,-2.0]],[[2,-1.0]]],"finish":"stop"})");
  EXPECT_EQ(EventLine(ScoreResult{"s", {-1.5F}}),
            R"({"type":"scored","id":"s","logprobs":[-1.5]})");
  EXPECT_EQ(EventLine(RewardResult{"r", -1.25}), R"({"type":"rewarded","id":"r","reward":-1.25})");
  EXPECT_EQ(EventLine(EmbedResult{"e", {0.25F}}),
            R"({"type":"embedded","id":"e","vector":[0.25]})");
  EXPECT_EQ(
      EventLine(BatchResult{
          "b", {{"x", {{1}, {}, {}}, Finish::kLength, ""}, {"", {}, Finish::kStop, "broken"}}}),
      R"({"type":"batch_done","id":"b","answers":[)"
      R"({"type":"done","id":"x","tokens":[1],"finish":"length"},)"
      R"({"type":"error","message":"broken"}]})");
  EXPECT_EQ(ErrorLine("", "m"), R"({"type":"error","message":"m"})");
  EXPECT_EQ(ErrorLine("i", "m"), R"({"type":"error","id":"i","message":"m"})");
}

TEST(LineInputTest, SplitsLinesAndRefusesLongOnes) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  LineInput input(pipe_ends[0], 100);
  EXPECT_FALSE(input.Next(false));
  std::string text = "one\n\n" + std::string(100, 'x') + "\n" + std::string(300, 'y') + "\nlast";
  std::thread writer([&] {
    for (std::size_t i = 0; i < text.size(); i += 7) {
      const std::string piece = text.substr(i, 7);
      EXPECT_EQ(::write(pipe_ends[1], piece.data(), piece.size()),
                static_cast<ssize_t>(piece.size()));
    }
    ::close(pipe_ends[1]);
  });
  EXPECT_EQ(input.Next(true)->text, "one");
  EXPECT_EQ(input.Next(true)->text, "");
  EXPECT_EQ(input.Next(true)->text, std::string(100, 'x'));
  EXPECT_TRUE(input.Next(true)->is_too_long);
  EXPECT_EQ(input.Next(true)->text, "last");
  EXPECT_FALSE(input.Next(true));
  EXPECT_TRUE(input.at_end());
  writer.join();
  ::close(pipe_ends[0]);
}

TEST(LineInputTest, StopsWhileNothingComesAndWhileNobodyTakes) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  { const LineInput input(pipe_ends[0], 100); }
  std::string lines;
  for (int i = 0; i < 300; ++i) lines += "0123456789\n";
  ASSERT_EQ(::write(pipe_ends[1], lines.data(), lines.size()), static_cast<ssize_t>(lines.size()));
  {
    LineInput input(pipe_ends[0], 100);
    EXPECT_EQ(input.Next(true)->text, "0123456789");
  }
  ::close(pipe_ends[0]);
  ::close(pipe_ends[1]);
}

}  // namespace
}  // namespace arena::lm
