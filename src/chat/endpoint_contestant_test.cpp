#include "chat/endpoint_contestant.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// Gives the scripted results in turn, after the caller has inspected those that are replies.
class ScriptedClient final : public HttpClient {
 public:
  EndpointId AddEndpoint(const LaneOptions&, const TransferLimits&) override { return 0; }
  CallResult Call(EndpointId, const HttpCall& call) override {
    calls.push_back(call);
    CallResult result = std::move(results.front());
    results.pop_front();
    if (result.end != CallEnd::kDone) return result;
    const ReplyFinding finding = call.inspect(result.reply);
    findings.push_back(finding);
    if (!finding.problem.empty()) {
      result.end = CallEnd::kFailed;
      result.error = finding.problem;
    }
    return result;
  }
  ClientCounts counts() const override { return {}; }

  void Reply(const std::string& content, const std::string& finish_reason = "stop",
             int attempts = 1) {
    CallResult result;
    result.reply.status = 200;
    result.reply.body = DumpJson({{"choices",
                                   {{{"message", {{"role", "assistant"}, {"content", content}}},
                                     {"finish_reason", finish_reason}}}},
                                  {"usage",
                                   {{"prompt_tokens", 1000},
                                    {"completion_tokens", 200},
                                    {"prompt_tokens_details", {{"cached_tokens", 400}}}}}});
    result.attempts = attempts;
    result.undelivered = attempts - 1;
    result.latency = std::chrono::milliseconds(50);
    results.push_back(std::move(result));
  }
  void End(CallEnd end, const std::string& error, const std::string& body = "", int attempts = 1) {
    CallResult result;
    result.end = end;
    result.error = error;
    result.reply.body = body;
    result.attempts = attempts;
    results.push_back(std::move(result));
  }
  Json Sent(std::size_t i) const { return *ParseJson(calls[i].request.body); }

  std::deque<CallResult> results;
  std::vector<HttpCall> calls;
  std::vector<ReplyFinding> findings;
};

class EndpointContestantTest : public ::testing::Test {
 protected:
  EndpointContestantTest() {
    options_.name = "mine";
    options_.base_url = "http://host/v1";
    options_.model = "m";
    options_.api_key = "sk-secret";
    options_.max_tokens = 500;
  }
  Answer Ask(const Instruction& instruction = MakeInstruction("Hi")) {
    contestant_ = *EndpointContestant::Make(options_, client_, 0);
    auto answer = contestant_->Respond(instruction, 0);
    EXPECT_TRUE(answer.ok());
    return answer.value_or(Answer{});
  }

  EndpointOptions options_;
  ScriptedClient client_;
  std::unique_ptr<EndpointContestant> contestant_;
};

TEST_F(EndpointContestantTest, AnAnswerHasItsKeysTextUsageAndCost) {
  options_.prices = {.input = 2, .output = 10, .cached_input = 0.5};
  client_.Reply("Hello **you**");
  const Instruction instruction = MakeInstruction("Hi");
  const Answer answer = Ask(instruction);
  EXPECT_EQ(answer.state, WorkState::kDone);
  EXPECT_EQ(answer.key, AnswerKey(contestant_->contestant().key(), instruction.key, 0));
  EXPECT_THAT(answer.turns, ElementsAre("Hello **you**"));
  EXPECT_EQ(answer.finish_reason, "stop");
  EXPECT_EQ(answer.attempts, 1);
  EXPECT_EQ(answer.style.bold, 1);
  EXPECT_EQ(answer.usage.prompt_tokens, 1000);
  EXPECT_EQ(answer.usage.cached_tokens, 400);
  EXPECT_EQ(answer.usage.latency_ms, 50);
  EXPECT_DOUBLE_EQ(answer.usage.cost_usd, (600 * 2 + 400 * 0.5 + 200 * 10) / 1e6);
  EXPECT_DOUBLE_EQ(client_.findings[0].use.cost_usd, answer.usage.cost_usd);
  EXPECT_EQ(client_.findings[0].use.tokens, 1200);
  EXPECT_THAT(answer.raw_reply, HasSubstr("finish_reason"));
}

TEST_F(EndpointContestantTest, PlaysItsOwnHistoryTurnByTurn) {
  options_.system_prompt = "Be short.";
  Instruction instruction;
  instruction.conversation = {{Role::kUser, "old"},
                              {Role::kAssistant, "given"},
                              {Role::kUser, "one"},
                              {Role::kUser, "two"}};
  instruction.key = ConversationKey(instruction.conversation);
  client_.Reply("<think>first thought</think>first");
  client_.Reply("<think>second thought</think>second");
  const Answer answer = Ask(instruction);
  EXPECT_THAT(answer.turns, ElementsAre("first", "second"));
  EXPECT_EQ(answer.reasoning, "first thought\n\nsecond thought");
  EXPECT_EQ(answer.usage.completion_tokens, 400);
  ASSERT_EQ(client_.calls.size(), 2U);
  EXPECT_EQ(DumpJson(client_.Sent(0)["messages"]),
            R"([{"role":"system","content":"Be short."},{"role":"user","content":"old"},)"
            R"({"role":"assistant","content":"given"},{"role":"user","content":"one"}])");
  EXPECT_EQ(DumpJson(client_.Sent(1)["messages"]),
            R"([{"role":"system","content":"Be short."},{"role":"user","content":"old"},)"
            R"({"role":"assistant","content":"given"},{"role":"user","content":"one"},)"
            R"({"role":"assistant","content":"first"},{"role":"user","content":"two"}])");
}

TEST_F(EndpointContestantTest, LengthFilterAndApiErrorsAreThreeThings) {
  client_.Reply("half an ans", "length");
  Answer answer = Ask();
  EXPECT_EQ(answer.state, WorkState::kFailed);
  EXPECT_EQ(answer.failure, FailureKind::kLength);
  EXPECT_THAT(answer.turns, ElementsAre("half an ans"));
  EXPECT_EQ(answer.usage.completion_tokens, 200) << "it was paid for";

  client_.Reply("<think>and then", "stop");
  EXPECT_EQ(Ask().failure, FailureKind::kLength);

  client_.Reply("", "content_filter");
  EXPECT_EQ(Ask().failure, FailureKind::kContentFilter);

  client_.End(CallEnd::kFailed, "HTTP 400: no", R"({"error":{"code":"content_filter"}})");
  EXPECT_EQ(Ask().failure, FailureKind::kContentFilter);

  client_.Reply("", "tool_calls");
  EXPECT_EQ(Ask().failure, FailureKind::kApi);

  client_.End(CallEnd::kFailed, "HTTP 500", "", 8);
  answer = Ask();
  EXPECT_EQ(answer.failure, FailureKind::kApi);
  EXPECT_EQ(answer.error, "HTTP 500");
  EXPECT_EQ(answer.attempts, 8);
}

TEST_F(EndpointContestantTest, KeepCutTakesACutAnswerAsItIs) {
  options_.keep_cut = true;
  client_.Reply("half an ans", "length");
  EXPECT_EQ(Ask().state, WorkState::kDone);
  client_.Reply("<think>no answer yet", "length");
  EXPECT_EQ(Ask().failure, FailureKind::kLength) << "there is nothing to judge";
}

TEST_F(EndpointContestantTest, AFailedTurnEndsTheConversation) {
  Instruction instruction;
  instruction.conversation = {{Role::kUser, "one"}, {Role::kUser, "two"}};
  client_.Reply("first", "length");
  const Answer answer = Ask(instruction);
  EXPECT_EQ(client_.calls.size(), 1U);
  EXPECT_EQ(answer.state, WorkState::kFailed);
}

TEST_F(EndpointContestantTest, TheKeyIsInNoTextThatIsKept) {
  client_.End(CallEnd::kFailed, "HTTP 401: Incorrect API key provided: sk-secret.");
  Answer answer = Ask();
  EXPECT_EQ(answer.error, "HTTP 401: Incorrect API key provided: [key].");
  client_.Reply("You sent sk-secret");
  answer = Ask();
  EXPECT_THAT(answer.raw_reply, Not(HasSubstr("sk-secret")));
  EXPECT_THAT(contestant_->contestant().behaviour, Not(HasSubstr("sk-secret")));
}

TEST_F(EndpointContestantTest, WhatTheEndpointOrTheUserStoppedWasNotAsked) {
  client_.End(CallEnd::kQuarantined, "it is not asked any more", "", 0);
  const Answer answer = Ask();
  EXPECT_EQ(answer.state, WorkState::kFailed);
  EXPECT_EQ(answer.attempts, 0);
  const Instruction instruction = MakeInstruction("Hi");
  const Instruction* const one = &instruction;
  for (const CallEnd end : {CallEnd::kCancelled, CallEnd::kOverBudget}) {
    client_.End(end, "stopped", "", 0);
    client_.End(end, "stopped", "", 0);
    const auto response = contestant_->Respond(instruction, 0);
    ASSERT_FALSE(response.ok());
    EXPECT_EQ(response.error().code, ErrorCode::kCancelled);
    EXPECT_FALSE(contestant_->RespondAll({&one, 1}, 0, 1)[0].has_value());
  }
}

TEST_F(EndpointContestantTest, UndeliveredRepliesAndMissingUsageCostTheWorst) {
  options_.prices = {.input = 0, .output = 10, .cached_input = {}};
  const double worst = 500 * 10 / 1e6;
  client_.Reply("Hello", "stop", 3);
  EXPECT_DOUBLE_EQ(Ask().usage.cost_usd, 2 * worst + 200 * 10 / 1e6);
  EXPECT_DOUBLE_EQ(client_.calls[0].needs.worst_cost_usd, worst);
  CallResult silent;
  silent.reply.body = R"({"choices":[{"message":{"content":"Hello"}}]})";
  silent.attempts = 1;
  client_.results.push_back(silent);
  EXPECT_DOUBLE_EQ(Ask().usage.cost_usd, worst);
}

TEST_F(EndpointContestantTest, AnEstimateIsNeverBelowWhatIsSetApart) {
  options_.prices = {.input = 1, .output = 10, .cached_input = {}};
  Instruction instruction;
  instruction.conversation = {{Role::kUser, "one"}, {Role::kUser, "two"}};
  client_.Reply("first");
  client_.Reply("second");
  Ask(instruction);
  const auto estimate = contestant_->EstimateOf(instruction);
  EXPECT_EQ(estimate.calls, 2);
  EXPECT_EQ(estimate.most_completion_tokens, 1000);
  EXPECT_GE(*estimate.most_cost_usd,
            client_.calls[0].needs.worst_cost_usd + client_.calls[1].needs.worst_cost_usd);
  options_.max_tokens = 0;
  contestant_ = *EndpointContestant::Make(options_, client_, 0);
  EXPECT_EQ(contestant_->EstimateOf(instruction).most_cost_usd, std::nullopt);
}

TEST_F(EndpointContestantTest, ABodyThatIsNoObjectIsRefused) {
  options_.body = "[1]";
  EXPECT_FALSE(EndpointContestant::Make(options_, client_, 0).ok());
}

}  // namespace
}  // namespace arena
