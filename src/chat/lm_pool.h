// Processes of arena-lm with one model, and the requests that they share.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "chat/generation.h"

namespace arena {

struct LmPoolOptions {
  std::filesystem::path model;            ///< a Hugging Face directory
  std::string program = {};               ///< arena-lm; empty: beside this program
  std::string precision = "auto";         ///< "auto", "f32" or "bf16"
  unsigned workers = 0;                   ///< processes of one thread each; 0: one per processor
  std::int64_t max_batch = 64;            ///< sequences at once in each worker
  std::int64_t cache_mb = 512;            ///< keys and values in each worker
  std::string stderr_file = {};           ///< where the workers' messages go; empty: nowhere
  std::chrono::seconds start_limit{600};  ///< for loading the model
  /// A worker that has work and is silent for so long is ended and started anew.
  std::chrono::seconds stall_limit{120};
  int attempts = 3;  ///< a request that saw so many workers die fails
};

struct LmPoolCounts {
  std::int64_t waiting = 0;  ///< requests without a complete answer
  std::int64_t finished = 0;
  std::int64_t restarts = 0;  ///< workers that died, stalled or answered garbage
};

/// Spreads requests over the workers. A worker that dies, stalls or answers garbage is replaced and
/// its requests are asked again: with the seed that each carries, the answers are the same. All
/// calls are thread-safe and return at once; callbacks come from the workers' threads, must not
/// throw or block for long, and each request gets exactly one final callback. The destructor ends
/// the workers; requests without an answer then fail.
class LmPool {
 public:
  /// Starts the workers and waits until the model is loaded. Errors: no arena-lm, a model that does
  /// not load (the worker's own message).
  static Result<std::unique_ptr<LmPool>> Start(const LmPoolOptions& options);
  virtual ~LmPool() = default;

  using Id = std::uint64_t;
  using OnTokens = std::function<void(const GeneratedTokens& more)>;
  using OnAnswer = std::function<void(Result<GeneratedAnswer>)>;
  using OnVector = std::function<void(Result<std::vector<float>>)>;
  using OnReward = std::function<void(Result<double>)>;
  using OnBatch = std::function<void(Result<std::vector<Result<GeneratedAnswer>>>)>;

  /// `on_tokens`, if given, gets the tokens as they come; the final answer has all of them.
  virtual Id Generate(const Generation& generation, OnAnswer on_answer,
                      OnTokens on_tokens = nullptr) = 0;
  /// The log-probability of each token of `answer` after `prompt`.
  virtual Id Score(std::span<const TokenId> prompt, std::span<const TokenId> answer,
                   OnVector on_logprobs) = 0;
  /// A reward model's score of `answer` after `prompt`; an error of other models.
  virtual Id Reward(std::span<const TokenId> prompt, std::span<const TokenId> answer,
                    OnReward on_reward) = 0;
  /// The mean of the last hidden states.
  virtual Id Embed(std::span<const TokenId> tokens, OnVector on_vector) = 0;
  /// As one unit with nothing beside it: the same bits whenever the same batch is asked.
  virtual Id Batch(std::span<const Generation> generations, OnBatch on_batch) = 0;
  /// Ends a generation with what it has (GenerationEnd::kCancelled). Late is no error.
  virtual void Cancel(Id id) = 0;

  virtual const LoadedModel& model() const = 0;
  virtual LmPoolCounts counts() const = 0;
  /// Process ids of the workers, for tests and diagnosis.
  virtual std::vector<int> pids() const = 0;
};

}  // namespace arena
