#include "net/client.h"

#include <fmt/format.h>

#include <atomic>
#include <deque>
#include <future>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/curl_transport.h"

namespace arena {
namespace {

using Steady = std::chrono::steady_clock::time_point;

// While calls are under way the interrupt flag is looked at this often.
constexpr std::chrono::milliseconds kLook{100};
constexpr std::chrono::milliseconds kIdleLook{10'000};

/// A call on its way. The caller's thread owns it and waits for the promise.
struct OpenCall {
  const HttpCall* call = nullptr;
  HttpClient::EndpointId endpoint = 0;
  CallResult result;
  std::promise<void> ended;
};

class LoopClient final : public HttpClient {
 public:
  LoopClient(const HttpClientOptions& options, std::unique_ptr<Transport> transport)
      : options_(options),
        clock_(options.clock != nullptr ? *options.clock : system_clock_),
        transport_(std::move(transport)),
        thread_([this] { Loop(); }) {}

  ~LoopClient() override {
    stopping_ = true;
    transport_->Wake();
    thread_.join();
  }

  EndpointId AddEndpoint(const LaneOptions& limits, const TransferLimits& transfers) override {
    const std::lock_guard lock(mutex_);
    const EndpointId id = endpoints_added_++;
    new_endpoints_.push_back({limits, transfers});
    return id;
  }

  CallResult Call(EndpointId endpoint, const HttpCall& call) override {
    OpenCall open;
    open.call = &call;
    open.endpoint = endpoint;
    std::future<void> ended = open.ended.get_future();
    bool wake = false;
    {
      const std::lock_guard lock(mutex_);
      wake = inbox_.empty();
      inbox_.push_back(&open);
    }
    if (wake) transport_->Wake();
    ended.wait();
    return std::move(open.result);
  }

  ClientCounts counts() const override {
    return {requests_.load(), undelivered_.load(), in_flight_.load()};
  }

 private:
  struct NewEndpoint {
    LaneOptions limits;
    TransferLimits transfers;
  };
  struct Endpoint {
    Lane lane;
    TransferLimits transfers;
    std::string name;
  };

  void Loop();
  void TakeInbox();
  void StartAll(Steady now);
  void DropAll();
  Steady NextLook(Steady now);
  void OnTransferEnd(TransferId id, TransferResult&& result);
  void End(CallId id, CallEnd end);

  const HttpClientOptions options_;
  const SystemClock system_clock_;
  const Clock& clock_;
  const std::unique_ptr<Transport> transport_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::int64_t> requests_ = 0, undelivered_ = 0, in_flight_ = 0;

  std::mutex mutex_;
  std::vector<OpenCall*> inbox_;            // guarded by mutex_
  std::vector<NewEndpoint> new_endpoints_;  // guarded by mutex_
  EndpointId endpoints_added_ = 0;          // guarded by mutex_

  // Of the loop's thread alone.
  std::deque<Endpoint> endpoints_;
  std::unordered_map<CallId, OpenCall*> open_;
  CallId next_id_ = 1;

  std::thread thread_;  // the last member: it starts when all others are there
};

void LoopClient::Loop() {
  while (!stopping_) {
    TakeInbox();
    if (options_.interrupted()) {
      for (Endpoint& endpoint : endpoints_) {
        for (const Lane::Dropped& dropped : endpoint.lane.CancelWaiting()) {
          open_.at(dropped.id)->result.error = "stopped by the user";
          End(dropped.id, dropped.end);
        }
      }
    }
    const Steady now = clock_.Steady();
    StartAll(now);
    DropAll();
    transport_->Wait(NextLook(now), [this](TransferId id, TransferResult&& result) {
      OnTransferEnd(id, std::move(result));
    });
  }
}

void LoopClient::TakeInbox() {
  std::vector<OpenCall*> arrived;
  {
    const std::lock_guard lock(mutex_);
    arrived.swap(inbox_);
    for (NewEndpoint& endpoint : new_endpoints_) {
      const Rng rng(options_.seed, endpoints_.size());
      std::string name = endpoint.limits.name;
      endpoints_.push_back({Lane(std::move(endpoint.limits), rng, options_.budget),
                            std::move(endpoint.transfers), std::move(name)});
    }
    new_endpoints_.clear();
  }
  for (OpenCall* call : arrived) {
    const CallId id = next_id_++;
    open_.emplace(id, call);
    endpoints_[call->endpoint].lane.Add(id, call->call->needs);
  }
}

void LoopClient::StartAll(Steady now) {
  for (Endpoint& endpoint : endpoints_) {
    while (const auto id = endpoint.lane.Next(now)) {
      ++requests_;
      ++in_flight_;
      transport_->Start(*id, open_.at(*id)->call->request, endpoint.transfers);
    }
  }
}

void LoopClient::DropAll() {
  for (Endpoint& endpoint : endpoints_) {
    for (const Lane::Dropped& dropped : endpoint.lane.TakeDropped()) {
      open_.at(dropped.id)->result.error =
          dropped.end == CallEnd::kQuarantined
              ? fmt::format("{} is not asked any more: {}", endpoint.name,
                            endpoint.lane.quarantine())
              : "its cost could pass the cap";
      End(dropped.id, dropped.end);
    }
  }
}

Steady LoopClient::NextLook(Steady now) {
  Steady next = now + (open_.empty() ? kIdleLook : kLook);
  for (Endpoint& endpoint : endpoints_) {
    if (const auto time = endpoint.lane.NextTime(now)) next = std::min(next, *time);
  }
  return next;
}

void LoopClient::OnTransferEnd(TransferId id, TransferResult&& result) {
  OpenCall& open = *open_.at(id);
  --in_flight_;
  AttemptOutcome outcome = JudgeAttempt(result, clock_.Now());
  std::optional<CallUse> use;
  if (outcome.kind == OutcomeKind::kSuccess) {
    ReplyFinding finding = open.call->inspect ? open.call->inspect(result.reply) : ReplyFinding{};
    if (finding.problem.empty()) {
      use = finding.use;
    } else {
      outcome = UnusableReply(std::move(finding.problem));
    }
  }
  if (outcome.may_be_billed) {
    ++undelivered_;
    ++open.result.undelivered;
  }
  const auto end = endpoints_[open.endpoint].lane.OnEnd(id, outcome, use, clock_.Steady());
  open.result.latency = result.duration;
  open.result.error = std::move(outcome.error);
  open.result.reply = std::move(result.reply);
  ++open.result.attempts;
  if (end) End(id, *end);
}

void LoopClient::End(CallId id, CallEnd end) {
  const auto found = open_.find(id);
  OpenCall* call = found->second;
  open_.erase(found);
  call->result.end = end;
  // Afterwards the caller's thread may have left, and the call with it.
  call->ended.set_value();
}

}  // namespace

std::unique_ptr<HttpClient> HttpClient::Make(const HttpClientOptions& options,
                                             std::unique_ptr<Transport> transport) {
  if (transport == nullptr) transport = MakeCurlTransport();
  return std::make_unique<LoopClient>(options, std::move(transport));
}

}  // namespace arena
