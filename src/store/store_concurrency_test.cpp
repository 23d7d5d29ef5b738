// Threads and several stores on one file.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "store/store.h"
#include "store/store_test_support.h"

namespace arena {
namespace {

using testing::ElementsAre;

class StoreConcurrencyTest : public StoreTest {};

TEST_F(StoreConcurrencyTest, AScanSeesOneStateWhileOthersWrite) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 2, 20));
  int seen = 0;
  Check(store->ForEachBattle({}, [&](const BattleRecord&) -> Status {
    if (seen++ == 0) {
      for (int j = 20; j < 40; ++j) ARENA_RETURN_IF_ERROR(arena_.PutBattle(*store, 0, 1, j));
      return store->Flush();
    }
    return {};
  }));
  EXPECT_EQ(seen, 20);
  EXPECT_EQ(ReadBattles(*store).size(), 40U);
}

TEST_F(StoreConcurrencyTest, OldReadersDoNotKeepOldStates) {
  const auto store = Open(path_);
  const Game game = arena_.MakeGame(0, 1, 0);
  EXPECT_THAT(store->HaveGames({&game.key, 1}).value(), ElementsAre(false));
  Check(store->PutGames({&game, 1}));
  Check(store->Flush());
  EXPECT_THAT(store->HaveGames({&game.key, 1}).value(), ElementsAre(true));
  Check(store->PutJudge(arena_.judge));
  Check(store->Flush());
  ASSERT_EQ(store->Judges()->size(), 1U);
  EXPECT_EQ(store->Judges()->front().key(), arena_.judge.key());
}

TEST_F(StoreConcurrencyTest, BatchTimeCommitsWithoutAFlush) {
  const auto store = Open(path_, {.batch_time = std::chrono::milliseconds(10)});
  const Game game = arena_.MakeGame(0, 1, 0);
  Check(store->PutGames({&game, 1}));
  for (int tries = 0; tries < 1000 && store->Counts()->games == 0; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(store->Counts()->games, 1);
}

TEST_F(StoreConcurrencyTest, ManyThreadsPutAndReadAtOnce) {
  const auto store = Open(
      path_,
      {.batch_rows = 16, .batch_time = std::chrono::milliseconds(1), .survive_power_loss = false});
  Check(store->PutJudge(arena_.judge));
  constexpr int kThreads = 4;
  constexpr int kQuestions = 40;
  for (int i = 0; i < 3; ++i) Check(store->PutContestant(arena_.MakeContestant(i)));
  Check(store->Flush());
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int j = 0; j < kQuestions; ++j) {
        // Neighbours put the same rows.
        Check(arena_.PutBattle(*store, t % 3, (t + 1) % 3, j));
        if (j % 10 == 0) Check(store->Flush());
      }
    });
    threads.emplace_back([&] {
      for (int n = 0; n < 20; ++n) {
        std::size_t count = 0;
        Check(store->ForEachBattle({}, [&](const BattleRecord& record) -> Status {
          EXPECT_FALSE(record.games[0].is_void);
          ++count;
          return {};
        }));
        EXPECT_LE(static_cast<std::int64_t>(count), store->Counts()->battles);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  Check(store->Flush());
  EXPECT_EQ(store->Counts()->battles, 3 * kQuestions);
  EXPECT_EQ(store->Counts()->games, 6 * kQuestions);
}

TEST_F(StoreConcurrencyTest, TwoStoresOnOneFileWriteAtOnce) {
  const StoreOptions options = {
      .batch_rows = 4, .batch_time = std::chrono::milliseconds(1), .survive_power_loss = false};
  const auto first = Open(path_, options);
  const auto second = Open(path_, options);
  std::vector<std::thread> threads;
  for (Store* store : {first.get(), second.get()}) {
    threads.emplace_back([&, store] { Check(arena_.PutAll(*store, 3, 60)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (Store* store : {first.get(), second.get()}) {
    const StoreCounts counts = store->Counts().value();
    EXPECT_EQ(counts.instructions, 60);
    EXPECT_EQ(counts.contestants, 3);
    EXPECT_EQ(counts.answers, 180);
    EXPECT_EQ(counts.games, 360);
    EXPECT_EQ(counts.battles, 180);
    for (const Seen& seen : ReadBattles(*store)) EXPECT_FALSE(seen.games[1].is_void);
  }
}

TEST_F(StoreConcurrencyTest, TheFirstVerdictOfTwoStoresStands) {
  const auto first = Open(path_);
  const auto second = Open(path_);
  Check(arena_.PutAll(*first, 2, 1));
  const Battle battle = arena_.MakeBattle(0, 1, 0);
  Game other = arena_.MakeGame(0, 1, 0);
  const double stands = other.verdict.score_first;
  other.verdict.score_first = 9;
  Check(second->PutGames({&other, 1}));
  Check(second->PutBattles({&battle, 1}));
  Check(second->Flush());
  const std::vector<Seen> battles = ReadBattles(*second);
  ASSERT_EQ(battles.size(), 1U);
  for (const GameOutcome& game : battles[0].games) {
    EXPECT_EQ(std::min(game.score_a, game.score_b), stands);
    EXPECT_EQ(std::max(game.score_a, game.score_b), 2);
  }
}

}  // namespace
}  // namespace arena
