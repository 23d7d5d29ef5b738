// The client over real sockets, against a server that breaks the rules.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/json.h"
#include "net/client.h"
#include "tests/endpoint/fake_endpoint.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::string Body(const std::string& prompt) {
  return fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"{}"}}]}})", prompt);
}

HttpCall CallFor(const std::string& url, const std::string& prompt) {
  HttpCall call;
  call.request.url = url + "/v1/chat/completions";
  call.request.headers = {{"Content-Type", "application/json"}};
  call.request.body = Body(prompt);
  call.inspect = [](const HttpReply& reply) {
    ReplyFinding finding;
    if (!ParseJson(reply.body).ok()) finding.problem = "not JSON";
    return finding;
  };
  return call;
}

TransferLimits ShortLimits() {
  TransferLimits limits;
  limits.first_byte = limits.idle = milliseconds(300);
  return limits;
}

LaneOptions FastRetries() {
  LaneOptions options;
  options.first_backoff = milliseconds(10);
  options.longest_backoff = milliseconds(20);
  return options;
}

FakeEndpointOptions Always(EndpointFault fault) {
  FakeEndpointOptions options;
  options.fault_rate = 1;
  options.faults = {fault};
  options.faults_in_a_row = 1;
  options.stall = milliseconds(5000);
  return options;
}

class FaultTest : public ::testing::TestWithParam<EndpointFault> {};

TEST_P(FaultTest, TheSecondAttemptSucceedsAndEverySendingIsCounted) {
  const FakeEndpoint endpoint(Always(GetParam()));
  const auto client = HttpClient::Make({});
  const auto id = client->AddEndpoint(FastRetries(), ShortLimits());
  // The second call finds an open connection, on which curl alone would try again unseen.
  for (const char* prompt : {"say 1", "say 2"}) {
    const CallResult result = client->Call(id, CallFor(endpoint.url(), prompt));
    EXPECT_EQ(result.end, CallEnd::kDone) << result.error;
    EXPECT_EQ(result.attempts, 2);
  }
  EXPECT_EQ(endpoint.received(), 4);
  EXPECT_EQ(client->counts().requests, 4);
  for (const auto& [key, count] : endpoint.counts()) EXPECT_EQ(count.delivered, 1);
}

INSTANTIATE_TEST_SUITE_P(All, FaultTest,
                         ::testing::Values(EndpointFault::kRateLimited, EndpointFault::kServerError,
                                           EndpointFault::kReset, EndpointFault::kStallBefore,
                                           EndpointFault::kStallWithin, EndpointFault::kTruncated,
                                           EndpointFault::kInvalidJson));

TEST(HttpTransportTest, ManyAtOnceShareConnectionsAndKeepTheLimit) {
  FakeEndpointOptions slow;
  slow.latency = milliseconds(20);
  const FakeEndpoint endpoint(slow);
  const auto client = HttpClient::Make({});
  LaneOptions limits = FastRetries();
  limits.max_in_flight = 16;
  const auto id = client->AddEndpoint(limits, {});
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 40; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string prompt = fmt::format("a{}b{}", t, i);
        const CallResult result = client->Call(id, CallFor(endpoint.url(), prompt));
        right += result.reply.body.find("The answer is ") != std::string::npos ? 1 : 0;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 400);
  EXPECT_EQ(endpoint.received(), 400);
  EXPECT_LE(endpoint.most_at_once(), 16);
  EXPECT_LE(endpoint.connections(), 16);
}

TEST(HttpTransportTest, AReplyBeyondTheLimitIsAFailureThatIsNotTriedAgain) {
  const FakeEndpoint endpoint({});
  const auto client = HttpClient::Make({});
  TransferLimits limits;
  limits.max_reply_bytes = 1 << 20;
  const auto id = client->AddEndpoint(FastRetries(), limits);
  const HttpCall call = CallFor(endpoint.url(), std::string(2 << 20, 'x'));
  const CallResult result = client->Call(id, call);
  EXPECT_EQ(result.end, CallEnd::kFailed);
  EXPECT_EQ(result.error, "the reply is longer than 1 MiB");
  EXPECT_EQ(result.attempts, 1);
}

TEST(HttpTransportTest, NobodyListensOrTheAddressIsNone) {
  int port = 0;
  { port = FakeEndpoint({}).port(); }
  const auto client = HttpClient::Make({});
  LaneOptions limits = FastRetries();
  limits.max_attempts = 2;
  const auto id = client->AddEndpoint(limits, {});
  const CallResult refused =
      client->Call(id, CallFor(fmt::format("http://127.0.0.1:{}", port), "say 1"));
  EXPECT_EQ(refused.end, CallEnd::kFailed);
  EXPECT_EQ(refused.attempts, 2);
  EXPECT_EQ(refused.undelivered, 0);
  EXPECT_THAT(refused.error, HasSubstr("127.0.0.1"));
  const CallResult file = client->Call(id, CallFor("file:///etc/hostname#", "say 1"));
  EXPECT_EQ(file.end, CallEnd::kFailed);
  EXPECT_EQ(file.attempts, 1);
}

}  // namespace
}  // namespace arena
