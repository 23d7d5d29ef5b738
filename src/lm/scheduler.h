// Many sequences in one running batch: who runs, what each step computes, when memory is full.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "lm/kv_cache.h"
#include "lm/model.h"
#include "lm/request.h"

namespace arena::lm {

struct Sequence;

struct SchedulerOptions {
  std::size_t max_batch = 64;                        ///< sequences that run at once
  std::size_t cache_bytes = std::size_t{512} << 20;  ///< keys and values of all of them
  std::size_t step_tokens = 256;  ///< prompt tokens of a step beside those being generated
};

struct SchedulerStats {
  std::int64_t running = 0, waiting = 0;
  std::int64_t finished = 0;       ///< requests answered, errors and cancellations too
  std::int64_t prompt_tokens = 0;  ///< read, again after a preemption too
  std::int64_t generated_tokens = 0;
  std::int64_t steps = 0;
  std::int64_t preemptions = 0;  ///< sequences put back because the cache was full
  std::int64_t cache_blocks = 0, free_cache_blocks = 0;
};

/// Continuous batching. Requests wait in the order of their arrival, run together up to the limits,
/// and leave when they are done. Long prompts are read in chunks between the others' tokens. When
/// the cache is full, the sequence admitted last gives its blocks back and is read again later; its
/// answer does not change. Not thread-safe.
class Scheduler {
 public:
  using Sink = FunctionRef<void(const Event&)>;

  /// `model` outlives the object.
  static Result<Scheduler> Create(Model& model, const SchedulerOptions& options);
  Scheduler(Scheduler&&) noexcept;
  Scheduler& operator=(Scheduler&&) noexcept;
  ~Scheduler();

  /// Checks and queues a request. Errors say what is wrong with it: an id that is in use, a token
  /// outside the vocabulary, a prompt that is empty or too long for the context or the cache, an
  /// option out of its range.
  Status Submit(Request request);

  /// Ends a request; its answer (`cancelled`, with what it has) goes to the sink. False: there is
  /// no such request.
  bool Cancel(std::string_view id, Sink sink);

  /// One pass over the running batch. Events go to `sink` in a fixed order.
  void Step(Sink sink);

  bool idle() const { return running_.empty() && waiting_.empty(); }
  std::size_t waiting() const { return waiting_.size(); }
  SchedulerStats stats() const;

 private:
  struct Planned {
    Sequence* sequence;
    std::size_t count;  // of tokens to read
  };
  using SequencePointer = std::unique_ptr<Sequence>;

  Scheduler(Model& model, const SchedulerOptions& options, KvCache cache);
  std::int64_t BlocksMissing(const Sequence& sequence) const;
  void Admit();
  std::vector<Planned> Plan();
  bool MakeRoom(Sequence& sequence, std::int64_t tokens);
  void PreemptLast();
  void UseHidden(const std::vector<Planned>& plan, const float* hidden, Sink sink);
  void UseStates(Sequence& sequence, const float* states, std::size_t count, Sink sink);
  void UseReward(Sequence& sequence, Sink sink);
  void UseLogits(Sequence& sequence, std::span<float> logits, Sink sink);
  void Append(Sequence& sequence, Choice choice, Sink sink);
  void Finish(Sequence& sequence, Sink sink);
  void RemoveFinished();

  Model* model_;
  SchedulerOptions options_;
  KvCache cache_;
  SamplerScratch scratch_;
  std::unordered_set<std::string> ids_;  // of all requests that wait or run
  std::deque<SequencePointer> waiting_;
  std::vector<SequencePointer> running_;  // in the order of admission; all of one unit or of none
  SchedulerStats stats_;
};

}  // namespace arena::lm
