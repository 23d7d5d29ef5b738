#include "server/openai_reply.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace arena {
namespace {

const ReplyHead kHead = {"id-1", "m", 17, "fp_x"};

std::string Base64Of(std::string_view text) {
  return Base64({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

TEST(Base64Test, KnownAnswersOfTheStandard) {
  EXPECT_EQ(Base64Of(""), "");
  EXPECT_EQ(Base64Of("f"), "Zg==");
  EXPECT_EQ(Base64Of("fo"), "Zm8=");
  EXPECT_EQ(Base64Of("foo"), "Zm9v");
  EXPECT_EQ(Base64Of("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64Of("fooba"), "Zm9vYmE=");
  EXPECT_EQ(Base64Of("foobar"), "Zm9vYmFy");
  EXPECT_EQ(Base64Of("\xFB\xFF\xFE"), "+//+");
}

TEST(ErrorJsonTest, HasTheShapeThatClientsRead) {
  EXPECT_EQ(ErrorJson({400, "invalid_request_error", "n: \"bad\"", "n", ""}),
            R"({"error":{"message":"n: \"bad\"","type":"invalid_request_error","param":"n",)"
            R"("code":null}})");
}

TEST(ChatReplyTest, CountsAndChoices) {
  ReplyChoice choice;
  choice.index = 1;
  choice.text = "a\xFF";
  choice.finish = "length";
  choice.tokens = {
      {{"\xC3", -0.5, {{"\xC3", -0.5}}}, {"x", -std::numeric_limits<double>::infinity(), {}}}};
  const Json reply = ParseJson(ChatReplyJson(kHead, std::vector{choice}, {3, 4})).value();
  EXPECT_EQ(reply["object"], "chat.completion");
  EXPECT_EQ(reply["created"], 17);
  EXPECT_EQ(reply["usage"]["total_tokens"], 7);
  const Json& shown = reply["choices"][0];
  EXPECT_EQ(shown["index"], 1);
  EXPECT_EQ(shown["message"]["content"], "a\xEF\xBF\xBD");
  EXPECT_EQ(shown["finish_reason"], "length");
  const Json& tokens = shown["logprobs"]["content"];
  EXPECT_EQ(tokens[0]["bytes"], Json::array({0xC3}));
  EXPECT_EQ(tokens[0]["top_logprobs"][0]["logprob"], -0.5);
  EXPECT_EQ(tokens[1]["logprob"], -9999.0);
}

TEST(ChatChunkTest, DeltaIsEmptyAtTheEnd) {
  ReplyChoice choice;
  choice.finish = "stop";
  const Json last = ParseJson(ChatChunkJson(kHead, choice, ChunkUsage::kAbsent)).value();
  EXPECT_EQ(last["choices"][0]["delta"], Json::object());
  EXPECT_EQ(last["choices"][0]["finish_reason"], "stop");
  EXPECT_FALSE(last.contains("usage"));
  choice.finish = "";
  choice.text = "t";
  const Json middle = ParseJson(ChatChunkJson(kHead, choice, ChunkUsage::kNull)).value();
  EXPECT_EQ(middle["choices"][0]["delta"]["content"], "t");
  EXPECT_TRUE(middle["choices"][0]["finish_reason"].is_null());
  EXPECT_TRUE(middle["usage"].is_null());
  const Json usage = ParseJson(UsageChunkJson(kHead, true, {1, 2})).value();
  EXPECT_EQ(usage["choices"], Json::array());
  EXPECT_EQ(usage["usage"]["completion_tokens"], 2);
}

TEST(CompletionReplyTest, OffsetsCountCharactersAndKeysDiffer) {
  ReplyChoice choice;
  choice.text = "\xC3\xA9x";
  choice.finish = "stop";
  choice.text_offset = 10;
  choice.tokens = {{{"\xC3", -1, {{"\xC3", -1}, {"\xC4", -2}}}, {"\xA9", -1, {}}, {"x", -1, {}}}};
  const Json reply = ParseJson(CompletionReplyJson(kHead, std::vector{choice}, {1, 3})).value();
  const Json& logprobs = reply["choices"][0]["logprobs"];
  EXPECT_EQ(logprobs["text_offset"], Json::array({10, 11, 11}));
  EXPECT_EQ(logprobs["tokens"], Json::array({"bytes:\\xc3", "bytes:\\xa9", "x"}));
  EXPECT_EQ(logprobs["top_logprobs"][0].size(), 2U);
}

TEST(EmbeddingsTest, Base64HoldsTheSameFloats) {
  const std::vector<std::vector<float>> vectors = {{0.25F, -1.5F}, {1, 0}};
  const Json plain = ParseJson(EmbeddingsJson("m", vectors, false, 9)).value();
  EXPECT_EQ(plain["data"][0]["embedding"], Json::array({0.25, -1.5}));
  EXPECT_EQ(plain["data"][1]["index"], 1);
  EXPECT_EQ(plain["usage"]["total_tokens"], 9);
  const Json packed = ParseJson(EmbeddingsJson("m", vectors, true, 9)).value();
  // 0.25 is 0x3E800000 and -1.5 is 0xBFC00000, least byte first.
  EXPECT_EQ(packed["data"][0]["embedding"], Base64Of(std::string("\0\0\x80\x3E\0\0\xC0\xBF", 8)));
}

}  // namespace
}  // namespace arena
