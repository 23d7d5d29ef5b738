#include "net/lane.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace arena {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using Time = Lane::Time;

AttemptOutcome Outcome(OutcomeKind kind, const std::string& cause = "HTTP 500") {
  AttemptOutcome outcome;
  outcome.kind = kind;
  if (kind != OutcomeKind::kSuccess) outcome.cause = outcome.error = cause;
  outcome.is_congested = kind == OutcomeKind::kRefused;
  return outcome;
}

const AttemptOutcome kSuccess = Outcome(OutcomeKind::kSuccess);
const AttemptOutcome kServerError = Outcome(OutcomeKind::kRetry);
const AttemptOutcome kNoKey = Outcome(OutcomeKind::kFinal, "HTTP 401");

AttemptOutcome RefusedFor(std::optional<milliseconds> wait) {
  AttemptOutcome outcome = Outcome(OutcomeKind::kRefused, "HTTP 429");
  outcome.retry_after = wait;
  return outcome;
}

/// Moves the time on until the lane gives a call.
CallId Await(Lane& lane, Time& now) {
  while (true) {
    if (const auto id = lane.Next(now)) return *id;
    const auto next = lane.NextTime(now);
    if (!next || *next <= now) throw std::logic_error("the lane would wait for ever");
    now = *next;
  }
}

TEST(LaneTest, StartsInOrderAndNoMoreThanAllowed) {
  Lane lane({.max_in_flight = 2}, Rng(1), nullptr);
  const Time now{};
  for (CallId id = 1; id <= 4; ++id) lane.Add(id, {});
  EXPECT_EQ(lane.Next(now), 1U);
  EXPECT_EQ(lane.Next(now), 2U);
  EXPECT_EQ(lane.Next(now), std::nullopt);
  EXPECT_EQ(lane.NextTime(now), std::nullopt) << "only an end makes room";
  EXPECT_EQ(lane.OnEnd(2, kSuccess, {}, now), CallEnd::kDone);
  EXPECT_EQ(lane.Next(now), 3U);
  EXPECT_EQ(lane.waiting(), 1U);
}

TEST(LaneTest, BackOffDoublesWithFullJitterUpToTheLongestWait) {
  // Over many seeds the waits before attempt k + 1 fill [0, min(2^(k-1), 8)) seconds.
  std::array<milliseconds, 6> longest{};
  std::array<milliseconds, 6> shortest;
  shortest.fill(milliseconds::max());
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    Lane lane({.max_attempts = 7, .longest_backoff = seconds(8)}, Rng(seed), nullptr);
    Time now{};
    lane.Add(1, {});
    for (std::size_t k = 0; k < longest.size(); ++k) {
      ASSERT_EQ(Await(lane, now), 1U);
      ASSERT_EQ(lane.OnEnd(1, kServerError, {}, now), std::nullopt);
      const Time before = now;
      const auto next = lane.NextTime(now);
      const auto wait = std::chrono::ceil<milliseconds>(*next - before);
      longest[k] = std::max(longest[k], wait);
      shortest[k] = std::min(shortest[k], wait);
    }
    ASSERT_EQ(Await(lane, now), 1U);
    EXPECT_EQ(lane.OnEnd(1, kServerError, {}, now), CallEnd::kFailed);
  }
  for (std::size_t k = 0; k < longest.size(); ++k) {
    const auto most = std::min(milliseconds(1000 << k), milliseconds(8000));
    EXPECT_LE(longest[k], most) << k;
    EXPECT_GE(longest[k], most * 9 / 10) << k;
    EXPECT_LE(shortest[k], most / 10) << k;
  }
}

TEST(LaneTest, RetryAfterHoldsTheWholeEndpointBack) {
  Lane lane({.max_in_flight = 4}, Rng(1), nullptr);
  Time now{};
  lane.Add(1, {});
  lane.Add(2, {});
  ASSERT_EQ(lane.Next(now), 1U);
  EXPECT_EQ(lane.OnEnd(1, RefusedFor(seconds(20)), {}, now), std::nullopt);
  EXPECT_EQ(lane.Next(now), std::nullopt);
  EXPECT_EQ(lane.Next(now + milliseconds(19'999)), std::nullopt);
  EXPECT_EQ(lane.NextTime(now), now + seconds(20));
  EXPECT_EQ(lane.Next(now + seconds(20)), 2U);
  EXPECT_EQ(lane.Next(now + seconds(21)), 1U);
}

TEST(LaneTest, RefusalsShrinkTheWindowAndAreNoAttempts) {
  Lane lane({.max_in_flight = 16, .max_attempts = 2}, Rng(1), nullptr);
  Time now{};
  lane.Add(1, {});
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(Await(lane, now), 1U);
    ASSERT_EQ(lane.OnEnd(1, RefusedFor(std::nullopt), {}, now), std::nullopt);
    now += milliseconds(1);
  }
  EXPECT_EQ(lane.window(), 1);
  ASSERT_EQ(Await(lane, now), 1U);
  EXPECT_EQ(lane.OnEnd(1, kServerError, {}, now), std::nullopt);
  ASSERT_EQ(Await(lane, now), 1U);
  EXPECT_EQ(lane.attempts(1), 12);
  EXPECT_EQ(lane.OnEnd(1, kServerError, {}, now), CallEnd::kFailed);
}

TEST(LaneTest, RefusalsAreBounded) {
  Lane lane({.max_refusals = 5}, Rng(1), nullptr);
  Time now{};
  lane.Add(1, {});
  for (int i = 1; i <= 5; ++i) {
    ASSERT_EQ(Await(lane, now), 1U);
    const auto end = lane.OnEnd(1, RefusedFor(std::nullopt), {}, now);
    EXPECT_EQ(end, i < 5 ? std::nullopt : std::optional(CallEnd::kFailed));
  }
}

TEST(LaneTest, EqualFailuresInARowQuarantineAtOnceWhereTimeCannotHelp) {
  Lane lane({.max_in_flight = 8, .quarantine_after = 3}, Rng(1), nullptr);
  const Time now{};
  for (CallId id = 1; id <= 6; ++id) lane.Add(id, {});
  for (CallId id = 1; id <= 3; ++id) {
    ASSERT_EQ(lane.Next(now), id);
    EXPECT_EQ(lane.OnEnd(id, kNoKey, {}, now), CallEnd::kFailed);
  }
  EXPECT_THAT(lane.quarantine(), HasSubstr("3 requests in a row have failed"));
  EXPECT_THAT(lane.quarantine(), HasSubstr("HTTP 401"));
  EXPECT_EQ(lane.Next(now), std::nullopt);
  const auto dropped = lane.TakeDropped();
  ASSERT_EQ(dropped.size(), 3U);
  EXPECT_EQ(dropped[0].end, CallEnd::kQuarantined);
  EXPECT_EQ(dropped[0].attempts, 0);
  EXPECT_TRUE(lane.TakeDropped().empty());
}

TEST(LaneTest, FailuresThatMayPassMustLastBeforeTheyQuarantine) {
  Lane lane({.max_in_flight = 100, .quarantine_after = 3, .quarantine_patience = seconds(60)},
            Rng(1), nullptr);
  Time now{};
  for (CallId id = 1; id <= 50; ++id) lane.Add(id, {});
  for (CallId id = 1; id <= 49; ++id) ASSERT_EQ(lane.Next(now), id);
  for (CallId id = 1; id <= 49; ++id) lane.OnEnd(id, kServerError, {}, now);
  EXPECT_EQ(lane.quarantine(), "") << "a server that restarts fails for all in flight at once";
  now += seconds(61);
  const CallId id = *lane.Next(now);
  lane.OnEnd(id, kServerError, {}, now);
  EXPECT_THAT(lane.quarantine(), HasSubstr("50 requests in a row"));
}

TEST(LaneTest, ASuccessOrAnotherCauseStartsTheCountAnew) {
  Lane lane({.max_in_flight = 100, .quarantine_after = 3}, Rng(1), nullptr);
  const Time now{};
  CallId id = 0;
  const auto end_with = [&](const AttemptOutcome& outcome) {
    lane.Add(++id, {});
    ASSERT_EQ(lane.Next(now), id);
    lane.OnEnd(id, outcome, {}, now);
  };
  AttemptOutcome too_long = Outcome(OutcomeKind::kFinal, "HTTP 400");
  too_long.blames_endpoint = false;
  end_with(kNoKey);
  end_with(kNoKey);
  end_with(kSuccess);
  end_with(kNoKey);
  end_with(kNoKey);
  end_with(Outcome(OutcomeKind::kFinal, "HTTP 403"));
  for (int i = 0; i < 10; ++i) end_with(too_long);
  EXPECT_EQ(lane.quarantine(), "");
}

TEST(LaneTest, AServerThatAsksForHoursIsQuarantined) {
  Lane lane({}, Rng(1), nullptr);
  lane.Add(1, {});
  ASSERT_EQ(lane.Next(Time{}), 1U);
  EXPECT_EQ(lane.OnEnd(1, RefusedFor(seconds(7200)), {}, Time{}), std::nullopt);
  EXPECT_THAT(lane.quarantine(), HasSubstr("asks to wait for 7200 s"));
  ASSERT_EQ(lane.TakeDropped().size(), 1U);
}

TEST(LaneTest, RatesHoldStartsBackAndEstimatesAreCorrected) {
  Lane lane({.requests_per_minute = 60, .tokens_per_minute = 6000}, Rng(1), nullptr);
  Time now{};
  for (CallId id = 1; id <= 4; ++id) lane.Add(id, {.tokens = 900});
  ASSERT_EQ(Await(lane, now), 1U);
  EXPECT_EQ(now, Time{});
  ASSERT_EQ(Await(lane, now), 2U);
  EXPECT_GE(now, Time{} + seconds(9)) << "the bucket of 1,000 tokens had 100 left";
  lane.OnEnd(1, kSuccess, CallUse{.tokens = 100, .cost_usd = 0}, now);
  const Time before = now;
  ASSERT_EQ(Await(lane, now), 3U);
  EXPECT_LE(now, before + milliseconds(2500)) << "800 tokens came back";
}

TEST(LaneTest, MoneyIsSetApartBeforeARequestAndASmallRestEndsTheRun) {
  Budget budget(1.0);
  Lane lane({.max_in_flight = 8}, Rng(1), &budget);
  Time now{};
  for (CallId id = 1; id <= 5; ++id) lane.Add(id, {.tokens = 0, .worst_cost_usd = 0.4});
  EXPECT_EQ(lane.Next(now), 1U);
  EXPECT_EQ(lane.Next(now), 2U);
  EXPECT_EQ(lane.Next(now), std::nullopt) << "1.2 dollars could be spent";
  EXPECT_TRUE(lane.TakeDropped().empty()) << "the two may turn out cheap";
  lane.OnEnd(1, kSuccess, CallUse{.tokens = 0, .cost_usd = 0.1}, now);
  EXPECT_EQ(lane.Next(now), 3U);
  // The server may have worked: the worst is assumed.
  AttemptOutcome broken = kServerError;
  broken.may_be_billed = true;
  lane.OnEnd(2, broken, {}, now);
  lane.OnEnd(3, kServerError, {}, now);
  EXPECT_DOUBLE_EQ(budget.spent(), 0.5);
  ASSERT_EQ(lane.Next(now + seconds(1)), 2U);
  lane.OnEnd(2, kSuccess, CallUse{.tokens = 0, .cost_usd = 0.2}, now);
  EXPECT_EQ(lane.Next(now + seconds(1)), std::nullopt);
  const auto dropped = lane.TakeDropped();
  ASSERT_EQ(dropped.size(), 3U);
  EXPECT_EQ(dropped[0].end, CallEnd::kOverBudget);
  EXPECT_DOUBLE_EQ(budget.spent() + budget.reserved(), 0.7);
}

TEST(LaneTest, CancellingLeavesWhatIsOnItsWay) {
  Lane lane({.max_in_flight = 2}, Rng(1), nullptr);
  Time now{};
  for (CallId id = 1; id <= 4; ++id) lane.Add(id, {});
  ASSERT_EQ(lane.Next(now), 1U);
  ASSERT_EQ(lane.Next(now), 2U);
  lane.OnEnd(2, kServerError, {}, now);
  std::set<CallId> cancelled;
  for (const auto& dropped : lane.CancelWaiting()) {
    EXPECT_EQ(dropped.end, CallEnd::kCancelled);
    cancelled.insert(dropped.id);
  }
  EXPECT_EQ(cancelled, (std::set<CallId>{2, 3, 4}));
  EXPECT_EQ(lane.OnEnd(1, kSuccess, {}, now), CallEnd::kDone);
  EXPECT_EQ(lane.waiting(), 0U);
}

// Whatever happens, each call ends once, limits hold at every moment, and nothing waits for ever.
TEST(LaneTest, RandomHistoriesKeepTheLimitsAndEndEveryCall) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    Rng rng(seed, 1);
    const int most = 1 + static_cast<int>(rng.Below(20));
    Lane lane({.max_in_flight = most, .requests_per_minute = rng.Uniform() < 0.5 ? 0.0 : 300.0},
              Rng(seed, 2), nullptr);
    Time now{};
    constexpr CallId kCalls = 60;
    for (CallId id = 1; id <= kCalls; ++id) lane.Add(id, {});
    std::vector<CallId> flying;
    std::set<CallId> ended;
    int steps = 0;
    while (ended.size() < kCalls) {
      ASSERT_LT(++steps, 100'000) << "seed " << seed;
      if (const auto id = lane.Next(now)) {
        flying.push_back(*id);
        ASSERT_LE(static_cast<int>(flying.size()), most);
        continue;
      }
      if (flying.empty()) {
        const auto next = lane.NextTime(now);
        ASSERT_TRUE(next && *next > now) << "seed " << seed;
        now = *next;
        continue;
      }
      const std::size_t at = rng.Below(flying.size());
      const CallId id = flying[at];
      flying.erase(flying.begin() + static_cast<std::ptrdiff_t>(at));
      now += milliseconds(rng.Below(1000));
      const double draw = rng.Uniform();
      const auto end = lane.OnEnd(id,
                                  draw < 0.6   ? kSuccess
                                  : draw < 0.8 ? kServerError
                                               : RefusedFor(milliseconds(rng.Below(3000))),
                                  {}, now);
      if (end) {
        ASSERT_TRUE(ended.insert(id).second) << "ended twice";
      }
    }
    EXPECT_EQ(lane.in_flight(), 0);
    EXPECT_EQ(lane.waiting(), 0U);
  }
}

}  // namespace
}  // namespace arena
