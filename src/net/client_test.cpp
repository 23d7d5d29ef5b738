#include "net/client.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "base/rng.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

/// Time that passes only when the transport is told to wait.
class FakeClock final : public Clock {
 public:
  std::chrono::system_clock::time_point Now() const override {
    return std::chrono::system_clock::time_point(milliseconds(ms_.load()));
  }
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(milliseconds(ms_.load()));
  }
  void AdvanceTo(std::chrono::steady_clock::time_point time) {
    const auto ms = std::chrono::ceil<milliseconds>(time.time_since_epoch()).count();
    if (ms > ms_) ms_ = ms;
  }

 private:
  std::atomic<std::int64_t> ms_ = 0;
};

/// Answers each attempt at once with what `reply` says of (body, attempt number); while `hold` is
/// set, it keeps what was started.
class FakeTransport final : public Transport {
 public:
  using Reply = std::function<TransferResult(const std::string& body, int attempt)>;

  FakeTransport(FakeClock& clock, Reply reply) : clock_(clock), reply_(std::move(reply)) {}

  void Start(TransferId id, const HttpRequest& request, const TransferLimits&) override {
    const std::lock_guard lock(mutex_);
    started_.emplace_back(id, reply_(request.body, ++sent_[request.body]));
    ++started;
  }
  void Wait(std::chrono::steady_clock::time_point until, Done done) override {
    std::vector<std::pair<TransferId, TransferResult>> ended;
    {
      std::unique_lock lock(mutex_);
      if (started_.empty() || hold) {
        woken_cv_.wait_for(lock, milliseconds(1), [this] { return woken_; });
        if (!woken_) clock_.AdvanceTo(until);
        woken_ = false;
      }
      if (!hold) ended.swap(started_);
    }
    for (auto& [id, result] : ended) done(id, std::move(result));
  }
  void Wake() override {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    woken_cv_.notify_one();
  }
  int sent(const std::string& body) {
    const std::lock_guard lock(mutex_);
    return sent_[body];
  }

  std::atomic<bool> hold = false;
  std::atomic<int> started = 0;

 private:
  FakeClock& clock_;
  Reply reply_;
  std::mutex mutex_;
  std::condition_variable woken_cv_;
  bool woken_ = false;                                          // guarded by mutex_
  std::vector<std::pair<TransferId, TransferResult>> started_;  // guarded by mutex_
  std::map<std::string, int> sent_;                             // guarded by mutex_
};

TransferResult Reply(int status, const std::string& body) {
  TransferResult result;
  result.reply = {status, {}, body};
  return result;
}

class HttpClientTest : public ::testing::Test {
 protected:
  void Make(FakeTransport::Reply reply, LaneOptions limits = {.name = "the endpoint"}) {
    auto transport = std::make_unique<FakeTransport>(clock_, std::move(reply));
    transport_ = transport.get();
    HttpClientOptions options;
    options.clock = &clock_;
    options.interrupted = [this] { return interrupted_.load(); };
    client_ = HttpClient::Make(options, std::move(transport));
    endpoint_ = client_->AddEndpoint(limits, {});
  }
  CallResult Call(const std::string& body,
                  std::function<ReplyFinding(const HttpReply&)> inspect = nullptr) {
    HttpCall call;
    call.request.body = body;
    call.inspect = std::move(inspect);
    return client_->Call(endpoint_, call);
  }

  FakeClock clock_;
  std::atomic<bool> interrupted_ = false;
  FakeTransport* transport_ = nullptr;
  HttpClient::EndpointId endpoint_ = 0;
  std::unique_ptr<HttpClient> client_;
};

TEST_F(HttpClientTest, TriesAgainUntilTheReplyIsUsable) {
  Make([](const std::string&, int attempt) {
    return attempt == 1 ? Reply(500, "") : Reply(200, attempt == 2 ? "half" : "whole");
  });
  const CallResult result = Call("question", [](const HttpReply& reply) {
    ReplyFinding finding;
    if (reply.body != "whole") finding.problem = "only half";
    return finding;
  });
  EXPECT_EQ(result.end, CallEnd::kDone);
  EXPECT_EQ(result.reply.body, "whole");
  EXPECT_EQ(result.attempts, 3);
  EXPECT_EQ(result.undelivered, 1);
  EXPECT_EQ(result.error, "");
  EXPECT_EQ(client_->counts().requests, 3);
  EXPECT_EQ(client_->counts().in_flight, 0);
}

TEST_F(HttpClientTest, SaysWhyACallFailed) {
  Make([](const std::string&, int) { return Reply(400, R"({"error":{"message":"too long"}})"); });
  const CallResult result = Call("question");
  EXPECT_EQ(result.end, CallEnd::kFailed);
  EXPECT_EQ(result.error, "HTTP 400: too long");
  EXPECT_EQ(result.attempts, 1);
}

TEST_F(HttpClientTest, AQuarantinedEndpointIsNotAskedAgain) {
  Make([](const std::string&, int) { return Reply(401, "no such key"); },
       {.name = "the endpoint", .quarantine_after = 3});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Call("q").end, CallEnd::kFailed);
  const CallResult result = Call("q");
  EXPECT_EQ(result.end, CallEnd::kQuarantined);
  EXPECT_THAT(result.error, HasSubstr("the endpoint is not asked any more"));
  EXPECT_THAT(result.error, HasSubstr("HTTP 401: no such key"));
  EXPECT_EQ(transport_->sent("q"), 3);
}

TEST_F(HttpClientTest, AnInterruptFinishesWhatIsOnItsWayAndDropsTheRest) {
  Make([](const std::string&, int) { return Reply(200, "answer"); }, {.max_in_flight = 2});
  transport_->hold = true;
  std::vector<std::thread> callers;
  std::atomic<int> done = 0, cancelled = 0;
  for (int i = 0; i < 6; ++i) {
    callers.emplace_back([&, i] {
      const CallResult result = Call(fmt::format("{}", i));
      done += result.end == CallEnd::kDone ? 1 : 0;
      cancelled += result.end == CallEnd::kCancelled ? 1 : 0;
    });
  }
  while (transport_->started < 2) std::this_thread::yield();
  interrupted_ = true;
  while (cancelled < 4) std::this_thread::yield();
  transport_->hold = false;
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(done, 2);
  EXPECT_EQ(cancelled, 4);
  EXPECT_EQ(Call("late").end, CallEnd::kCancelled);
}

TEST_F(HttpClientTest, ManyCallersGetTheirOwnAnswersInSpiteOfFaults) {
  Make(
      [](const std::string& body, int attempt) {
        // What happens is a function of the request and the attempt.
        Rng rng(HashBytes(body).low, static_cast<std::uint64_t>(attempt));
        const double draw = rng.Uniform();
        if (draw < 0.1) return Reply(500, "");
        if (draw < 0.2) return Reply(429, "");
        if (draw < 0.3) {
          TransferResult broken;
          broken.end = TransferEnd::kBroken;
          broken.error = "reset";
          return broken;
        }
        return Reply(200, "answer to " + body);
      },
      {.max_in_flight = 32, .max_attempts = 30});
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 16; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < 40; ++i) {
        const std::string body = fmt::format("{} of {}", i, t);
        const CallResult result = Call(body);
        const bool is_right = result.end == CallEnd::kDone &&
                              result.reply.body == "answer to " + body &&
                              result.attempts == transport_->sent(body);
        right += is_right ? 1 : 0;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 16 * 40);
  EXPECT_EQ(client_->counts().requests, transport_->started);
}

}  // namespace
}  // namespace arena
