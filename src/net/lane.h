// The calls to one endpoint: which may start, when, and what follows an attempt.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/rng.h"
#include "net/budget.h"
#include "net/concurrency_window.h"
#include "net/outcome.h"
#include "net/token_bucket.h"

namespace arena {

/// What an endpoint allows, and how failures are met.
struct LaneOptions {
  std::string name{};      ///< for messages
  int max_in_flight = 32;  ///< the most at once; fewer while the server says that it is busy
  double requests_per_minute = 0;  ///< 0: no limit
  double tokens_per_minute = 0;    ///< 0: no limit
  int max_attempts = 8;            ///< of a call
  int max_refusals = 64;           ///< of a call; refusals (429, 503, 529) are no attempts
  std::chrono::milliseconds first_backoff{1000};
  std::chrono::milliseconds longest_backoff{60'000};
  /// A server that asks for a longer wait is quarantined.
  std::chrono::milliseconds longest_retry_after{3'600'000};
  /// So many equal failures in a row, with no success between them, quarantine the endpoint; those
  /// that may pass must also have lasted for `quarantine_patience`.
  int quarantine_after = 20;
  std::chrono::milliseconds quarantine_patience{300'000};

  bool operator==(const LaneOptions&) const = default;
};

using CallId = std::uint64_t;

/// What a call asks of the limits.
struct CallNeeds {
  std::int64_t tokens = 0;    ///< estimate of prompt and answer
  double worst_cost_usd = 0;  ///< what one attempt costs at most
};

/// What an attempt has used, where its reply says so.
struct CallUse {
  std::int64_t tokens = 0;
  double cost_usd = 0;
};

/// How a call ends.
enum class CallEnd {
  kDone,
  kFailed,       ///< hopeless, or out of attempts
  kQuarantined,  ///< its endpoint fails for everyone
  kCancelled,    ///< the user asked to stop before it was sent (again)
  kOverBudget,   ///< what it may cost would pass the cap
};

/// A state machine without clock, threads or sockets: the caller says what time it is and what
/// happened. Calls start in the order they were added, those that are tried again first. Not
/// thread-safe.
class Lane {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// `budget`, shared with other lanes, may be null and must outlive the lane.
  Lane(LaneOptions options, Rng rng, Budget* budget);

  void Add(CallId id, const CallNeeds& needs);
  /// A call whose next attempt starts now; none: nothing may. Ask again until there is none.
  std::optional<CallId> Next(Time now);
  /// When Next() may have a call although nothing happens until then; none: not by itself.
  std::optional<Time> NextTime(Time now);
  /// The attempt of a call that Next() gave has ended. Returns how the call ends; none: it is tried
  /// again later. `use` is set where the reply says what the attempt has used.
  std::optional<CallEnd> OnEnd(CallId id, const AttemptOutcome& outcome,
                               const std::optional<CallUse>& use, Time now);

  /// Calls that will never start, each once: the lane is quarantined, or over its budget.
  struct Dropped {
    CallId id = 0;
    CallEnd end = CallEnd::kQuarantined;
    int attempts = 0;
  };
  std::vector<Dropped> TakeDropped();
  /// Drops all that wait.
  std::vector<Dropped> CancelWaiting();

  int in_flight() const { return in_flight_; }
  std::size_t waiting() const { return calls_.size() - static_cast<std::size_t>(in_flight_); }
  int window() const { return window_.size(); }
  /// Attempts so far of a call that has not ended, refusals included.
  int attempts(CallId id) const { return calls_.at(id).sent; }
  /// Why the endpoint is quarantined; empty: it is not.
  const std::string& quarantine() const { return quarantine_; }

 private:
  struct Call {
    CallNeeds needs;
    int attempts = 0;
    int refusals = 0;
    int sent = 0;
    Time started{};
  };

  void WakeDelayed(Time now);
  std::deque<CallId>& NextQueue() { return retries_.empty() ? fresh_ : retries_; }
  bool FitsBudget(const Call& call);
  void Settle(const Call& call, const AttemptOutcome& outcome, const std::optional<CallUse>& use,
              Time now);
  void CountFailure(const AttemptOutcome& outcome, Time now);
  bool MayTryAgain(Call& call, const AttemptOutcome& outcome);
  Time RetryTime(const Call& call, const AttemptOutcome& outcome, Time now);
  std::vector<Dropped> DropWaiting(CallEnd end);

  LaneOptions options_;
  Rng rng_;
  Budget* budget_;
  ConcurrencyWindow window_;
  TokenBucket requests_;
  TokenBucket tokens_;
  std::unordered_map<CallId, Call> calls_;  // all that have not ended
  std::deque<CallId> fresh_;
  std::deque<CallId> retries_;           // due
  std::multimap<Time, CallId> delayed_;  // not due yet
  int in_flight_ = 0;
  Time paused_until_{};
  bool is_over_budget_ = false;
  std::string streak_cause_;  // of the equal failures in a row
  int streak_ = 0;
  Time streak_start_{};
  std::string quarantine_;
};

}  // namespace arena
