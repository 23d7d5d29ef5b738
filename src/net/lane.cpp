#include "net/lane.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace arena {
namespace {

using std::chrono::milliseconds;

// A bucket of requests holds one second's worth, one of tokens ten: single calls are large there.
constexpr double kRequestBurstSeconds = 1;
constexpr double kTokenBurstSeconds = 10;
// Beyond it the doubled wait is longer than any limit.
constexpr int kMostDoublings = 30;

}  // namespace

Lane::Lane(LaneOptions options, Rng rng, Budget* budget)
    : options_(std::move(options)),
      rng_(rng),
      budget_(budget),
      window_(options_.max_in_flight),
      requests_(options_.requests_per_minute, kRequestBurstSeconds),
      tokens_(options_.tokens_per_minute, kTokenBurstSeconds) {}

void Lane::Add(CallId id, const CallNeeds& needs) {
  calls_[id].needs = needs;
  fresh_.push_back(id);
}

void Lane::WakeDelayed(Time now) {
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    retries_.push_back(delayed_.begin()->second);
    delayed_.erase(delayed_.begin());
  }
}

// Where other requests have money set apart, what they leave over may be enough.
bool Lane::FitsBudget(const Call& call) {
  if (budget_ == nullptr || budget_->Reserve(call.needs.worst_cost_usd)) return true;
  if (budget_->reserved() == 0) is_over_budget_ = true;
  return false;
}

std::optional<CallId> Lane::Next(Time now) {
  WakeDelayed(now);
  if (!quarantine_.empty() || is_over_budget_ || now < paused_until_) return std::nullopt;
  if (in_flight_ >= window_.size()) return std::nullopt;
  std::deque<CallId>& queue = NextQueue();
  if (queue.empty()) return std::nullopt;
  const CallId id = queue.front();
  Call& call = calls_.at(id);
  const auto tokens = static_cast<double>(call.needs.tokens);
  if (requests_.ReadyAt(1, now) > now || tokens_.ReadyAt(tokens, now) > now) return std::nullopt;
  if (!FitsBudget(call)) return std::nullopt;
  queue.pop_front();
  requests_.Take(1, now);
  tokens_.Take(tokens, now);
  call.started = now;
  ++call.sent;
  ++in_flight_;
  return id;
}

std::optional<Lane::Time> Lane::NextTime(Time now) {
  std::optional<Time> next;
  const auto consider = [&](Time time) { next = next ? std::min(*next, time) : time; };
  if (!delayed_.empty()) consider(delayed_.begin()->first);
  const std::deque<CallId>& queue = NextQueue();
  if (queue.empty() || in_flight_ >= window_.size()) return next;
  const auto tokens = static_cast<double>(calls_.at(queue.front()).needs.tokens);
  const Time ready =
      std::max({paused_until_, requests_.ReadyAt(1, now), tokens_.ReadyAt(tokens, now)});
  // What is ready and did not start waits for the budget.
  if (ready > now) consider(ready);
  return next;
}

void Lane::Settle(const Call& call, const AttemptOutcome& outcome,
                  const std::optional<CallUse>& use, Time now) {
  --in_flight_;
  if (use) tokens_.Return(static_cast<double>(call.needs.tokens - use->tokens), now);
  if (!use && !outcome.may_be_billed) tokens_.Return(static_cast<double>(call.needs.tokens), now);
  if (budget_ == nullptr) return;
  const double worst = call.needs.worst_cost_usd;
  budget_->Settle(worst, use ? use->cost_usd : outcome.may_be_billed ? worst : 0);
}

void Lane::CountFailure(const AttemptOutcome& outcome, Time now) {
  if (!outcome.blames_endpoint || !quarantine_.empty()) return;
  if (streak_ == 0 || streak_cause_ != outcome.cause) {
    streak_ = 0;
    streak_cause_ = outcome.cause;
    streak_start_ = now;
  }
  ++streak_;
  const bool may_pass = outcome.kind != OutcomeKind::kFinal;
  const bool is_patient = may_pass && now - streak_start_ < options_.quarantine_patience;
  if (streak_ >= options_.quarantine_after && !is_patient) {
    quarantine_ =
        fmt::format("{} requests in a row have failed, the last with {}", streak_, outcome.error);
  }
  if (outcome.retry_after && *outcome.retry_after > options_.longest_retry_after) {
    quarantine_ = fmt::format("it asks to wait for {} s: {}", outcome.retry_after->count() / 1000,
                              outcome.error);
  }
}

bool Lane::MayTryAgain(Call& call, const AttemptOutcome& outcome) {
  if (outcome.kind == OutcomeKind::kFinal) return false;
  if (outcome.kind == OutcomeKind::kRefused) return ++call.refusals < options_.max_refusals;
  return ++call.attempts < options_.max_attempts;
}

// "Full jitter" (Brooker, "Exponential Backoff And Jitter", 2015): uniform in [0, doubled wait].
// The server's own wait is kept, and those that got the same one are spread after it.
Lane::Time Lane::RetryTime(const Call& call, const AttemptOutcome& outcome, Time now) {
  const int doublings = std::min(call.attempts + call.refusals - 1, kMostDoublings);
  const double doubled =
      static_cast<double>(options_.first_backoff.count()) * static_cast<double>(1LL << doublings);
  const double longest =
      outcome.retry_after
          ? static_cast<double>(options_.first_backoff.count())
          : std::min(doubled, static_cast<double>(options_.longest_backoff.count()));
  const auto wait =
      std::chrono::microseconds(static_cast<std::int64_t>(rng_.Uniform() * longest * 1000));
  return now + outcome.retry_after.value_or(milliseconds(0)) + wait;
}

std::optional<CallEnd> Lane::OnEnd(CallId id, const AttemptOutcome& outcome,
                                   const std::optional<CallUse>& use, Time now) {
  Call& call = calls_.at(id);
  Settle(call, outcome, use, now);
  if (outcome.kind == OutcomeKind::kSuccess) {
    window_.OnSuccess();
    streak_ = 0;
    calls_.erase(id);
    return CallEnd::kDone;
  }
  if (outcome.is_congested) window_.OnCongestion(call.started, now);
  CountFailure(outcome, now);
  if (outcome.kind == OutcomeKind::kRefused && outcome.retry_after) {
    paused_until_ = std::max(paused_until_, now + *outcome.retry_after);
  }
  if (MayTryAgain(call, outcome)) {
    delayed_.emplace(RetryTime(call, outcome, now), id);
    return std::nullopt;
  }
  calls_.erase(id);
  return CallEnd::kFailed;
}

std::vector<Lane::Dropped> Lane::DropWaiting(CallEnd end) {
  std::vector<Dropped> dropped;
  const auto drop = [&](CallId id) {
    dropped.push_back({id, end, calls_.at(id).sent});
    calls_.erase(id);
  };
  for (const CallId id : retries_) drop(id);
  for (const auto& [time, id] : delayed_) drop(id);
  for (const CallId id : fresh_) drop(id);
  retries_.clear();
  delayed_.clear();
  fresh_.clear();
  return dropped;
}

std::vector<Lane::Dropped> Lane::TakeDropped() {
  if (!quarantine_.empty()) return DropWaiting(CallEnd::kQuarantined);
  if (is_over_budget_) return DropWaiting(CallEnd::kOverBudget);
  return {};
}

std::vector<Lane::Dropped> Lane::CancelWaiting() { return DropWaiting(CallEnd::kCancelled); }

}  // namespace arena
