// One process of arena-lm, replaced when it fails, and the requests it has.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/child_process.h"
#include "base/result.h"
#include "chat/internal/lm_lines.h"
#include "chat/lm_pool.h"

namespace arena {

/// What was asked, kept until the final answer so that another process can be asked again.
struct LmRequest {
  std::uint64_t id = 0;
  std::string line;
  LmPool::OnTokens on_tokens;  ///< may be empty
  /// Exactly one is set.
  LmPool::OnAnswer on_answer;
  LmPool::OnVector on_vector;
  LmPool::OnReward on_reward;
  LmPool::OnBatch on_batch;
  std::vector<TokenId> streamed;  ///< given to on_tokens
  std::size_t repeated = 0;       ///< of them, how many a second process has said again
  int deaths = 0;                 ///< processes that died with it
  bool is_cancelled = false;      ///< a second process is told at once

  void Fail(const Error& error) const;
};

/// Thread-safe but for Start.
class LmWorker {
 public:
  explicit LmWorker(const LmPoolOptions& options) : options_(options) {}
  LmWorker(const LmWorker&) = delete;
  LmWorker& operator=(const LmWorker&) = delete;
  ~LmWorker();

  /// Starts the process and loads the model. Once, before anything else.
  Status Start();
  const LoadedModel& model() const { return model_; }

  /// False: the worker has given up; the request is left as it was.
  bool Submit(LmRequest& request);
  void Cancel(std::uint64_t id);
  std::size_t open() const;
  std::int64_t finished() const;
  std::int64_t restarts() const;
  int pid() const;

 private:
  using Clock = std::chrono::steady_clock;

  Status Spawn();
  void Run();
  void WriteLines();
  /// Reads until the process fails; says how.
  std::string ReadReplies();
  Status Handle(std::string_view line);
  Status Take(lm_lines::More& more);
  Result<LmRequest> Close(std::uint64_t id);
  std::string EndProcess();
  void AskAgain(const std::string& cause);
  void GiveUp(const std::string& cause);

  const LmPoolOptions options_;
  LoadedModel model_;  // constant after Start
  std::optional<ChildProcess> process_;
  std::string buffer_;  // of the reading thread: what follows the last whole line
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable wake_writer_;
  // All below are guarded by mutex_.
  std::unordered_map<std::uint64_t, LmRequest> open_;
  std::deque<std::string> outgoing_;
  Clock::time_point last_sign_of_life_;
  bool is_alive_ = false;  // the process may be signalled
  bool stop_writing_ = false;
  bool stopping_ = false;
  bool given_up_ = false;
  int failures_in_a_row_ = 0;  // without a finished request between them
  std::int64_t finished_ = 0;
  std::int64_t restarts_ = 0;
};

}  // namespace arena
