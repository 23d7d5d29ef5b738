#include "chat/lm_pool.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/parallel.h"
#include "chat/internal/lm_lines.h"
#include "chat/internal/lm_worker.h"

namespace arena {
namespace {

class ProcessPool final : public LmPool {
 public:
  explicit ProcessPool(const LmPoolOptions& options) {
    const unsigned count = options.workers == 0 ? DefaultThreads() : options.workers;
    for (unsigned i = 0; i < count; ++i) workers_.push_back(std::make_unique<LmWorker>(options));
  }

  Status StartAll() {
    std::vector<Status> statuses(workers_.size());
    ParallelFor(workers_.size(), static_cast<unsigned>(workers_.size()),
                [&](std::size_t i) { statuses[i] = workers_[i]->Start(); });
    for (Status& status : statuses) ARENA_RETURN_IF_ERROR(std::move(status));
    return {};
  }

  Id Generate(const Generation& generation, OnAnswer on_answer, OnTokens on_tokens) override {
    LmRequest request;
    request.id = next_id_++;
    request.line = lm_lines::Generate(request.id, generation, on_tokens != nullptr);
    request.on_answer = std::move(on_answer);
    request.on_tokens = std::move(on_tokens);
    return Submit(std::move(request));
  }

  Id Score(std::span<const TokenId> prompt, std::span<const TokenId> answer,
           OnVector on_logprobs) override {
    LmRequest request;
    request.id = next_id_++;
    request.line = lm_lines::Score(request.id, prompt, answer);
    request.on_vector = std::move(on_logprobs);
    return Submit(std::move(request));
  }

  Id Reward(std::span<const TokenId> prompt, std::span<const TokenId> answer,
            OnReward on_reward) override {
    LmRequest request;
    request.id = next_id_++;
    request.line = lm_lines::Reward(request.id, prompt, answer);
    request.on_reward = std::move(on_reward);
    return Submit(std::move(request));
  }

  Id Embed(std::span<const TokenId> tokens, OnVector on_vector) override {
    LmRequest request;
    request.id = next_id_++;
    request.line = lm_lines::Embed(request.id, tokens);
    request.on_vector = std::move(on_vector);
    return Submit(std::move(request));
  }

  Id Batch(std::span<const Generation> generations, OnBatch on_batch) override {
    LmRequest request;
    request.id = next_id_++;
    request.line = lm_lines::Batch(request.id, generations);
    request.on_batch = std::move(on_batch);
    return Submit(std::move(request));
  }

  // Only the worker that has it knows the id.
  void Cancel(Id id) override {
    for (const auto& worker : workers_) worker->Cancel(id);
  }

  const LoadedModel& model() const override { return workers_.front()->model(); }

  LmPoolCounts counts() const override {
    LmPoolCounts counts;
    for (const auto& worker : workers_) {
      const std::size_t open = worker->open();
      counts.waiting += open == std::size_t(-1) ? 0 : static_cast<std::int64_t>(open);
      counts.finished += worker->finished();
      counts.restarts += worker->restarts();
    }
    return counts;
  }

  std::vector<int> pids() const override {
    std::vector<int> pids;
    for (const auto& worker : workers_) pids.push_back(worker->pid());
    return pids;
  }

 private:
  /// To the worker with the fewest open requests.
  Id Submit(LmRequest request) {
    const Id id = request.id;
    std::vector<std::pair<std::size_t, LmWorker*>> order;
    for (const auto& worker : workers_) order.emplace_back(worker->open(), worker.get());
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& x, const auto& y) { return x.first < y.first; });
    for (const auto& [open, worker] : order) {
      if (worker->Submit(request)) return id;
    }
    request.Fail({ErrorCode::kUnavailable, "all workers of the language model have failed"});
    return id;
  }

  std::vector<std::unique_ptr<LmWorker>> workers_;
  std::atomic<Id> next_id_{1};
};

}  // namespace

Result<std::unique_ptr<LmPool>> LmPool::Start(const LmPoolOptions& options) {
  auto pool = std::make_unique<ProcessPool>(options);
  ARENA_RETURN_IF_ERROR(pool->StartAll());
  return pool;
}

}  // namespace arena
