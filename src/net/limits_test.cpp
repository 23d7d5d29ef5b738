// The limits alone: rates, the number at once, and money.
#include <gtest/gtest.h>

#include <deque>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "net/budget.h"
#include "net/concurrency_window.h"
#include "net/token_bucket.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Time = TokenBucket::Time;

TEST(TokenBucketTest, NoMinuteHasMoreThanTheRateAndALongRunComesNearIt) {
  for (const double rate : {1.0, 7.0, 60.0, 600.0, 5000.0}) {
    TokenBucket bucket(rate, 1);
    Time now{};
    std::deque<Time> last_minute;
    int taken = 0;
    const Time end = Time{} + std::chrono::minutes(20);
    while (true) {
      now = bucket.ReadyAt(1, now);
      if (now >= end) break;
      bucket.Take(1, now);
      ++taken;
      last_minute.push_back(now);
      while (last_minute.front() + seconds(60) <= now) last_minute.pop_front();
      ASSERT_LE(static_cast<double>(last_minute.size()), rate) << "a rate of " << rate;
    }
    EXPECT_GE(taken, 0.97 * 20 * rate) << "a rate of " << rate;
  }
}

TEST(TokenBucketTest, ALargeRequestWaitsForAFullBucketAndOwesTheRest) {
  TokenBucket bucket(600, 10);  // holds 100
  Time now{};
  EXPECT_EQ(bucket.ReadyAt(500, now), now);
  bucket.Take(500, now);
  EXPECT_GT(bucket.ReadyAt(1, now), now + seconds(40));
  bucket.Return(490, now);  // it used 10 only
  EXPECT_EQ(bucket.ReadyAt(90, now), now);
  EXPECT_GT(bucket.ReadyAt(91, now), now);
}

TEST(TokenBucketTest, WithoutARateThereIsNoLimit) {
  TokenBucket bucket(0, 1);
  bucket.Take(1e12, Time{});
  EXPECT_EQ(bucket.ReadyAt(1e12, Time{}), Time{});
}

TEST(ConcurrencyWindowTest, HalvesOncePerOverloadAndGrowsByOnePerWindow) {
  ConcurrencyWindow window(64);
  const Time start{};
  EXPECT_EQ(window.size(), 64);
  // All 64 were sent before anything was known: together they are one sign.
  for (int i = 0; i < 64; ++i) window.OnCongestion(start, start + seconds(1) + milliseconds(i));
  EXPECT_EQ(window.size(), 32);
  for (int i = 0; i < 32; ++i) window.OnSuccess();
  EXPECT_GE(window.size(), 32);
  for (int i = 0; i < 3; ++i) window.OnSuccess();
  EXPECT_EQ(window.size(), 33);
  for (int i = 0; i < 100; ++i) {
    window.OnCongestion(start + seconds(10 + i), start + seconds(10 + i));
  }
  EXPECT_EQ(window.size(), 1);
  for (int i = 0; i < 10'000; ++i) window.OnSuccess();
  EXPECT_EQ(window.size(), 64);
}

TEST(BudgetTest, SpentAndReservedNeverPassTheCap) {
  Budget budget(1.0);
  Rng rng(5);
  std::vector<double> open;
  double paid = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (!open.empty() && rng.Uniform() < 0.5) {
      const double worst = open.back();
      open.pop_back();
      const double cost = worst * rng.Uniform();
      paid += cost;
      budget.Settle(worst, cost);
    } else if (const double worst = 0.01 * rng.Uniform(); budget.Reserve(worst)) {
      open.push_back(worst);
    }
    ASSERT_LE(budget.spent() + budget.reserved(), 1.0);
  }
  EXPECT_NEAR(budget.spent(), paid, 1e-4);
  EXPECT_GT(paid, 0.95);
}

TEST(BudgetTest, ACapIsFilledToTheLastCent) {
  Budget budget(0.3);
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(budget.Reserve(0.1));
    budget.Settle(0.1, 0.1);
  }
  EXPECT_FALSE(budget.Reserve(0.001));
  EXPECT_TRUE(budget.Reserve(0));
}

TEST(BudgetTest, WithoutACapNothingIsRefused) {
  Budget budget;
  EXPECT_TRUE(budget.Reserve(1e6));
  EXPECT_TRUE(budget.Reserve(1e6));
}

}  // namespace
}  // namespace arena
