#include "train/internal/gloo_collective.h"

#include <fmt/format.h>
#include <gloo/allreduce.h>
#include <gloo/barrier.h>
#include <gloo/broadcast.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/store.h>
#include <gloo/transport/tcp/device.h>

#include <array>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "train/internal/rendezvous.h"
#include "train/internal/shared_sum.h"

namespace arena::train::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// Rank 0 is there or gone; it does not compute in the thread that answers.
constexpr milliseconds kAnswerTime = std::chrono::seconds(2);
// How long the cause of a failure may take to become known.
constexpr milliseconds kBlameTime = std::chrono::seconds(1);
constexpr milliseconds kPause{10};

constexpr std::string_view kSum = "the sum over ranks";
constexpr std::string_view kFailureName = "failure";

std::string Seconds(milliseconds time) {
  return fmt::format("{:.3g} s", std::chrono::duration<double>(time).count());
}

Error Unavailable(std::string message) { return {ErrorCode::kUnavailable, std::move(message)}; }

// What Gloo asks for while the ranks connect. Its interface knows exceptions only.
class GlooStore final : public gloo::rendezvous::Store {
 public:
  GlooStore(RendezvousClient& client, milliseconds timeout)
      : client_(client), timeout_(timeout), deadline_(steady_clock::now() + timeout) {}

  void set(const std::string& key, const std::vector<char>& data) override {
    const Status status = client_.Set(key, {data.data(), data.size()}, deadline_);
    if (!status.ok()) throw std::runtime_error(status.error().message);
  }

  // Waits for the value: Gloo counts on it.
  std::vector<char> get(const std::string& key) override {
    const std::string value = WaitFor(key);
    return {value.begin(), value.end()};
  }

  void wait(const std::vector<std::string>& keys) override {
    for (const std::string& key : keys) WaitFor(key);
  }
  void wait(const std::vector<std::string>& keys, const milliseconds&) override { wait(keys); }

 private:
  std::string WaitFor(const std::string& key) {
    while (true) {
      const auto value = client_.Get(key, steady_clock::now() + kAnswerTime);
      if (!value.ok()) throw std::runtime_error("rank 0: " + value.error().message);
      if (*value) return **value;
      CheckEnded();
      if (steady_clock::now() >= deadline_) {
        const std::string rank = key.substr(key.find('_') + 1);  // of "1" or "rank_1"
        throw std::runtime_error(
            fmt::format("rank {} did not come within {}", rank, Seconds(timeout_)));
      }
      std::this_thread::sleep_for(kPause);
    }
  }

  void CheckEnded() {
    const auto standing = client_.AskStanding(steady_clock::now() + kAnswerTime);
    if (standing.ok() && !standing->ended.empty()) {
      throw std::runtime_error(fmt::format("rank {} has ended", standing->ended.front()));
    }
  }

  RendezvousClient& client_;
  const milliseconds timeout_;
  const Deadline deadline_;
};

template <typename Number>
void AddNumbers(void* sums, const void* a, const void* b, std::size_t count) {
  auto* const to = static_cast<Number*>(sums);
  const auto* const first = static_cast<const Number*>(a);
  const auto* const second = static_cast<const Number*>(b);
  for (std::size_t i = 0; i < count; ++i) to[i] = first[i] + second[i];
}

class GlooCollective final : public Collective {
 public:
  GlooCollective(const CollectiveOptions& options, std::unique_ptr<RendezvousServer> server,
                 std::unique_ptr<RendezvousClient> client)
      : options_(options), server_(std::move(server)), client_(std::move(client)) {}

  ~GlooCollective() override {
    context_.reset();
    client_.reset();
    // The others learn from rank 0 who it was.
    if (server_ != nullptr && failure_) server_->WaitForLeaving(kBlameTime + kAnswerTime);
  }

  Status ConnectMesh() {
    const auto body = [&] {
      const auto address = client_->LocalAddress();
      if (!address.ok()) throw std::runtime_error(address.error().message);
      std::shared_ptr<gloo::transport::Device> device =
          gloo::transport::tcp::CreateDevice(address->c_str());
      auto context =
          std::make_shared<gloo::rendezvous::Context>(options_.rank, options_.world_size);
      context->setTimeout(options_.timeout);
      GlooStore store(*client_, options_.timeout);
      context->connectFullMesh(store, device);
      context_ = std::move(context);
    };
    return Run("connecting the ranks", body);
  }

  /// Where all ranks are of one machine, they add up in shared memory: over Gloo the numbers go
  /// through the kernel four times. Where one rank cannot, none does.
  Status ShareMemory() {
    std::array<char, 64> name{};
    std::optional<SharedSum> shared;
    if (rank() == 0) {
      if (auto created = SharedSum::Create(world_size()); created.ok()) {
        shared = *std::move(created);
        shared->name().copy(name.data(), name.size() - 1);
      }
    }
    ARENA_RETURN_IF_ERROR(Broadcast(std::as_writable_bytes(std::span(name))));
    if (rank() != 0 && name.front() != '\0') {
      if (auto joined = SharedSum::Join(name.data(), rank(), world_size()); joined.ok()) {
        shared = *std::move(joined);
      }
    }
    double with_memory = shared ? 1 : 0;
    ARENA_RETURN_IF_ERROR(AllReduceSum(std::span<double>(&with_memory, 1)));
    if (with_memory < world_size()) return {};
    shared->RemoveName();
    shared_ = std::move(shared);
    return {};
  }

  int rank() const override { return options_.rank; }
  int world_size() const override { return options_.world_size; }

  Status AllReduceSum(std::span<float> values) override { return AllReduce(values); }
  Status AllReduceSum(std::span<double> values) override { return AllReduce(values); }

  Status Broadcast(std::span<std::byte> bytes) override {
    if (bytes.empty()) return {};
    return Run("the broadcast", [&] {
      gloo::BroadcastOptions options(context_);
      options.setOutput(reinterpret_cast<char*>(bytes.data()), bytes.size());
      options.setRoot(0);
      gloo::broadcast(options);
    });
  }

  Status Barrier() override {
    return Run("the barrier", [&] {
      gloo::BarrierOptions options(context_);
      gloo::barrier(options);
    });
  }

 private:
  template <typename Number>
  Status AllReduce(std::span<Number> values) {
    if (values.empty()) return {};
    if (shared_) return AddShared(values);
    return Run(kSum, [&] {
      gloo::AllreduceOptions options(context_);
      options.setOutput(values.data(), values.size());
      options.setReduceFunction(&AddNumbers<Number>);
      // Each stretch is added up rank after rank around the ring and then sent to all.
      options.setAlgorithm(gloo::AllreduceOptions::Algorithm::RING);
      gloo::allreduce(options);
    });
  }

  template <typename Number>
  Status AddShared(std::span<Number> values) {
    const Deadline began = steady_clock::now();
    const auto waiting = [&](const std::vector<int>& late) {
      const auto standing = client_->AskStanding(steady_clock::now() + kAnswerTime);
      // Who it is, Reason() finds out.
      if (!standing.ok() || !standing->ended.empty()) throw std::runtime_error("a rank has ended");
      if (steady_clock::now() - began < options_.timeout) return;
      throw std::runtime_error(fmt::format("rank {} did not come within {}", fmt::join(late, ", "),
                                           Seconds(options_.timeout)));
    };
    return Try(kSum, began, [&] { shared_->Add(values, waiting); });
  }

  Status Run(std::string_view operation, FunctionRef<void()> body) {
    const Deadline began = steady_clock::now();
    return Try(operation, began, [&] {
      ++operations_;
      if (!client_->ReportReached(operations_, began + kAnswerTime).ok()) {
        throw std::runtime_error("rank 0 has ended");
      }
      body();
    });
  }

  // Exceptions, which Gloo knows only, end here.
  Status Try(std::string_view operation, Deadline began, FunctionRef<void()> body) {
    if (failure_) return *failure_;
    try {
      body();
      return {};
    } catch (const std::exception& error) {
      const std::string reason = SharedReason(error.what(), began);
      failure_ = Unavailable(fmt::format("{} failed: {}", operation, reason));
      return *failure_;
    }
  }

  // The first rank that fails tells the others why: to them it is only a rank that ends.
  std::string SharedReason(std::string message, Deadline began) {
    const auto known = client_->Get(kFailureName, steady_clock::now() + kAnswerTime);
    if (known.ok() && *known) return **known;
    std::string reason = Reason(std::move(message), began);
    // Without rank 0 each of them finds that out.
    static_cast<void>(client_->Set(kFailureName, reason, steady_clock::now() + kAnswerTime));
    return reason;
  }

  // Who ended or did not come, where that is known or becomes known soon; else Gloo's words.
  std::string Reason(std::string message, Deadline began) {
    const Deadline give_up = steady_clock::now() + kBlameTime;
    while (true) {
      const auto standing = client_->AskStanding(steady_clock::now() + kAnswerTime);
      if (!standing.ok()) return "rank 0 has ended";
      if (!standing->ended.empty()) {
        return fmt::format("rank {} has ended", standing->ended.front());
      }
      if (steady_clock::now() - began >= options_.timeout) {
        const std::string late = LateRanks(*standing);
        if (!late.empty()) {
          return fmt::format("rank {} did not come within {}", late, Seconds(options_.timeout));
        }
      }
      if (steady_clock::now() >= give_up) return message;
      std::this_thread::sleep_for(kPause);
    }
  }

  std::string LateRanks(const Standing& standing) const {
    std::vector<std::size_t> late;
    for (std::size_t rank = 0; rank < standing.operations.size(); ++rank) {
      if (standing.operations[rank] < operations_) late.push_back(rank);
    }
    return fmt::format("{}", fmt::join(late, ", "));
  }

  const CollectiveOptions options_;
  std::unique_ptr<RendezvousServer> server_;  // on rank 0
  std::unique_ptr<RendezvousClient> client_;
  std::shared_ptr<gloo::rendezvous::Context> context_;
  std::optional<SharedSum> shared_;
  std::int64_t operations_ = 0;  // of Gloo
  std::optional<Error> failure_;
};

Result<std::unique_ptr<RendezvousServer>> StartServer(const CollectiveOptions& options,
                                                      const Endpoint& endpoint) {
  auto listener = Listen(endpoint);
  if (!listener.ok()) {
    return Error{listener.error().code,
                 listener.error().message + "; choose another MASTER_ADDR or MASTER_PORT"};
  }
  return RendezvousServer::Start(std::move(*listener), options.world_size);
}

}  // namespace

Result<std::unique_ptr<Collective>> ConnectByGloo(const CollectiveOptions& options) {
  const Endpoint endpoint = {options.master_address, options.master_port};
  std::unique_ptr<RendezvousServer> server;
  if (options.rank == 0) {
    ARENA_ASSIGN_OR_RETURN(server, StartServer(options, endpoint));
  }
  ARENA_ASSIGN_OR_RETURN(std::unique_ptr<RendezvousClient> client,
                         RendezvousClient::Connect(endpoint, options.rank, options.world_size,
                                                   steady_clock::now() + options.timeout));
  auto collective = std::make_unique<GlooCollective>(options, std::move(server), std::move(client));
  ARENA_RETURN_IF_ERROR(collective->ConnectMesh());
  if (options.share_memory) ARENA_RETURN_IF_ERROR(collective->ShareMemory());
  return collective;
}

}  // namespace arena::train::internal
