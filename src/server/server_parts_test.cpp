// Access, admission, metrics and the hand-over between threads.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "server/access.h"
#include "server/admission.h"
#include "server/event_queue.h"
#include "server/metrics.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::Not;

TEST(AccessTest, OnlyAddressesOfThisMachineAreLoopback) {
  for (const char* host : {"localhost", "127.0.0.1", "127.9.8.7", "::1"}) {
    EXPECT_TRUE(IsLoopback(host)) << host;
  }
  for (const char* host : {"0.0.0.0", "::", "192.168.0.1", "127.0.0.1.example.com", "", "1270"}) {
    EXPECT_FALSE(IsLoopback(host)) << host;
  }
}

TEST(AccessTest, OnlyTheWholeTokenIsAuthorised) {
  EXPECT_TRUE(IsAuthorised("Bearer secret", "secret"));
  EXPECT_TRUE(IsAuthorised("bearer secret", "secret"));
  for (const char* header : {"", "Bearer", "Bearer ", "secret", "Basic secret", "Bearer secre",
                             "Bearer secrets", "Bearer Secret", "Bearer secretsecret"}) {
    EXPECT_FALSE(IsAuthorised(header, "secret")) << header;
  }
}

TEST(AdmissionTest, TakesPlacesAndQueueAndNoMore) {
  Admission admission(2, 3);
  EXPECT_TRUE(admission.Enter(4));
  EXPECT_EQ(admission.running(), 2);
  EXPECT_EQ(admission.waiting(), 2);
  EXPECT_FALSE(admission.Enter(2));
  EXPECT_TRUE(admission.Enter(1));
  EXPECT_FALSE(admission.WaitUntilEmpty(milliseconds(1)));
  admission.Leave(5);
  EXPECT_EQ(admission.running(), 0);
  EXPECT_TRUE(admission.WaitUntilEmpty(milliseconds(0)));
  EXPECT_FALSE(admission.Enter(6));
}

TEST(AdmissionTest, NeverExceedsItsLimitAmongThreads) {
  Admission admission(3, 2);
  std::atomic<int> open = 0, most = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 2000; ++k) {
        if (!admission.Enter(2)) continue;
        const int now = open += 2;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        open -= 2;
        admission.Leave(2);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(most, 5);
  EXPECT_GE(most, 2);
  EXPECT_TRUE(admission.WaitUntilEmpty(milliseconds(0)));
}

TEST(EventQueueTest, KeepsTheOrderAndWaits) {
  EventQueue<int> queue;
  EXPECT_FALSE(queue.Next(milliseconds(1)).has_value());
  std::thread writer([&queue] {
    for (int i = 0; i < 10000; ++i) queue.Push(i);
  });
  for (int i = 0; i < 10000; ++i) ASSERT_EQ(queue.Next(milliseconds(10000)), i);
  writer.join();
}

TEST(MetricsTest, PageHasCumulativeBucketsAndEverySeries) {
  ServerMetrics metrics;
  metrics.CountRequest("/v1/models", 200);
  metrics.CountRequest("/v1/models", 200);
  metrics.CountRequest("/v1/models", 401);
  metrics.CountLatency("/v1/models", milliseconds(10));  // on a bound: within it
  metrics.CountLatency("/v1/models", milliseconds(300));
  metrics.CountLatency("/v1/models", std::chrono::seconds(500));
  metrics.CountTokens(5, 7);
  metrics.CountAbandoned();
  const std::string page = metrics.Page({3, 4, 2});
  for (const char* line : {
           "arena_requests_total{endpoint=\"/v1/models\",status=\"200\"} 2\n",
           "arena_requests_total{endpoint=\"/v1/models\",status=\"401\"} 1\n",
           "arena_request_duration_seconds_bucket{endpoint=\"/v1/models\",le=\"0.01\"} 1\n",
           "arena_request_duration_seconds_bucket{endpoint=\"/v1/models\",le=\"0.25\"} 1\n",
           "arena_request_duration_seconds_bucket{endpoint=\"/v1/models\",le=\"0.5\"} 2\n",
           "arena_request_duration_seconds_bucket{endpoint=\"/v1/models\",le=\"120\"} 2\n",
           "arena_request_duration_seconds_bucket{endpoint=\"/v1/models\",le=\"+Inf\"} 3\n",
           "arena_request_duration_seconds_count{endpoint=\"/v1/models\"} 3\n",
           "arena_prompt_tokens_total 5\n",
           "arena_completion_tokens_total 7\n",
           "arena_requests_abandoned_total 1\n",
           "arena_sequences_running 3\n",
           "arena_sequences_waiting 4\n",
           "arena_worker_restarts_total 2\n",
       }) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  EXPECT_THAT(page, Not(HasSubstr("\n\n")));
}

}  // namespace
}  // namespace arena
