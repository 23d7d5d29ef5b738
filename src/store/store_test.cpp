// Putting and getting: what survives, what is replaced, what is refused.
#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <limits>

#include "base/rng.h"
#include "store/store_test_support.h"

namespace arena {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

void ExpectEqual(const Usage& a, const Usage& b) {
  EXPECT_EQ(a.prompt_tokens, b.prompt_tokens);
  EXPECT_EQ(a.completion_tokens, b.completion_tokens);
  EXPECT_EQ(a.reasoning_tokens, b.reasoning_tokens);
  EXPECT_EQ(a.cached_tokens, b.cached_tokens);
  EXPECT_EQ(a.latency_ms, b.latency_ms);
  EXPECT_EQ(a.cost_usd, b.cost_usd);
}

void ExpectEqual(const Answer& a, const Answer& b) {
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.contestant, b.contestant);
  EXPECT_EQ(a.instruction, b.instruction);
  EXPECT_EQ(a.sample, b.sample);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.failure, b.failure);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.attempts, b.attempts);
  EXPECT_EQ(a.turns, b.turns);
  EXPECT_EQ(a.reasoning, b.reasoning);
  EXPECT_EQ(a.finish_reason, b.finish_reason);
  EXPECT_EQ(a.raw_reply, b.raw_reply);
  ExpectEqual(a.usage, b.usage);
  EXPECT_EQ(a.style, b.style);
}

void ExpectEqual(const Game& a, const Game& b) {
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.judge, b.judge);
  EXPECT_EQ(a.state, b.state);
  EXPECT_EQ(a.failure, b.failure);
  EXPECT_EQ(a.error, b.error);
  EXPECT_EQ(a.attempts, b.attempts);
  EXPECT_EQ(a.verdict.score_first, b.verdict.score_first);
  EXPECT_EQ(a.verdict.score_second, b.verdict.score_second);
  EXPECT_EQ(a.verdict.explanation, b.verdict.explanation);
  EXPECT_EQ(a.raw_reply, b.raw_reply);
  ExpectEqual(a.usage, b.usage);
}

std::string RandomText(Rng& rng) {
  std::string text(rng.Below(200), ' ');
  for (char& c : text) c = static_cast<char>(static_cast<unsigned char>(rng.Below(256)));
  return text;
}

Usage RandomUsage(Rng& rng) {
  Usage usage;
  usage.prompt_tokens = static_cast<std::int64_t>(rng() >> 1);
  usage.completion_tokens = static_cast<std::int64_t>(rng.Below(1000));
  usage.reasoning_tokens = static_cast<std::int64_t>(rng.Below(1000));
  usage.cached_tokens = static_cast<std::int64_t>(rng.Below(1000));
  usage.latency_ms = rng.Uniform() * 1e4;
  usage.cost_usd = rng.Uniform();
  return usage;
}

class StorePutTest : public StoreTest {};

TEST_F(StorePutTest, EveryFieldOfAnAnswerSurvivesAnyBytes) {
  std::vector<Answer> answers;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(1, seed);
    Answer answer;
    answer.key = {rng(), rng()};
    answer.contestant = {rng.Below(5), rng.Below(2)};
    answer.instruction = {rng.Below(50), ~0ULL};
    answer.sample = static_cast<int>(rng.Below(10));
    answer.state = static_cast<WorkState>(rng.Below(3));
    answer.failure = static_cast<FailureKind>(rng.Below(6));
    answer.error = RandomText(rng);
    answer.attempts = static_cast<int>(rng.Below(9));
    answer.turns.resize(rng.Below(4));
    for (std::string& turn : answer.turns) turn = RandomText(rng);
    answer.reasoning = RandomText(rng);
    answer.finish_reason = RandomText(rng);
    answer.raw_reply = RandomText(rng);
    answer.usage = RandomUsage(rng);
    answer.style = {rng.Uniform(), 3, 0.1, 1e300};
    answers.push_back(answer);
  }
  {
    const auto store = Open(path_);
    Check(store->PutAnswers(answers));
  }
  const auto store = Open(path_);
  std::vector<Key> keys;
  for (const Answer& answer : answers) keys.push_back(answer.key);
  keys.push_back({1, 2});
  const auto found = store->GetAnswers(keys);
  ASSERT_TRUE(found.ok()) << found.error().message;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ASSERT_TRUE((*found)[i].has_value()) << i;
    ExpectEqual(*(*found)[i], answers[i]);
  }
  EXPECT_FALSE(found->back().has_value());
}

TEST_F(StorePutTest, EveryFieldOfAGameSurvivesAnyBytes) {
  std::vector<Game> games;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Rng rng(2, seed);
    Game game;
    game.key = {rng(), rng()};
    game.judge = {rng.Below(3), 7};
    game.state = static_cast<WorkState>(rng.Below(3));
    game.verdict = {rng.Uniform() * 10, -0.25, RandomText(rng)};
    // Some games are nothing but a verdict: those are written by another statement.
    if (rng.Below(2) == 0) {
      game.failure = static_cast<FailureKind>(rng.Below(6));
      game.error = RandomText(rng);
      game.attempts = static_cast<int>(rng.Below(9));
      game.raw_reply = RandomText(rng);
      game.usage = RandomUsage(rng);
    }
    games.push_back(game);
  }
  const auto store = Open(path_);
  Check(store->PutGames(games));
  Check(store->Flush());
  std::vector<Key> keys;
  for (const Game& game : games) keys.push_back(game.key);
  const auto found = store->GetGames(keys);
  ASSERT_TRUE(found.ok()) << found.error().message;
  for (std::size_t i = 0; i < games.size(); ++i) {
    ASSERT_TRUE((*found)[i].has_value()) << i;
    ExpectEqual(*(*found)[i], games[i]);
  }
}

TEST_F(StorePutTest, WhatIsDoneStaysAndWhatFailedIsReplaced) {
  const auto store = Open(path_);
  Game game = arena_.MakeGame(0, 1, 0);
  const Game done = game;
  game.state = WorkState::kFailed;
  game.failure = FailureKind::kApi;
  game.error = "timeout";
  game.attempts = 3;
  game.usage.cost_usd = 0.5;
  const auto put = [&](const Game& put_game) {
    Check(store->PutGames({&put_game, 1}));
    Check(store->Flush());
    const Key key = put_game.key;
    const auto found = store->GetGames({&key, 1});
    EXPECT_TRUE(found.ok() && found->front().has_value());
    return *found->front();
  };
  EXPECT_EQ(put(game).error, "timeout");
  const Key key = game.key;
  EXPECT_THAT(store->HaveGames({&key, 1}).value(), ElementsAre(false));
  game.attempts = 4;
  EXPECT_EQ(put(game).attempts, 4);
  ExpectEqual(put(done), done);
  EXPECT_THAT(store->HaveGames({&key, 1}).value(), ElementsAre(true));
  ExpectEqual(put(game), done);
  Game other = done;
  other.verdict.score_first = 9;
  ExpectEqual(put(other), done);

  Answer answer = arena_.MakeAnswer(0, 0);
  Answer failed = answer;
  failed.state = WorkState::kFailed;
  failed.turns.clear();
  // Within one transaction the same rules hold.
  const Answer puts[] = {failed, answer, failed};
  Check(store->PutAnswers(puts));
  Check(store->Flush());
  ExpectEqual(*store->GetAnswers({&answer.key, 1})->front(), answer);
  EXPECT_EQ(store->Counts()->answers, 1);
  EXPECT_EQ(store->Counts()->failed_answers, 0);
}

TEST_F(StorePutTest, NumbersThatAreNotFiniteAreRefusedAndSpoilNothing) {
  const auto store = Open(path_);
  Game game = arena_.MakeGame(0, 1, 0);
  game.verdict.score_first = std::numeric_limits<double>::quiet_NaN();
  const Status status = store->PutGames({&game, 1});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kInvalidInput);
  Answer answer = arena_.MakeAnswer(0, 0);
  answer.usage.latency_ms = std::numeric_limits<double>::infinity();
  EXPECT_FALSE(store->PutAnswers({&answer, 1}).ok());
  Check(arena_.PutAll(*store, 2, 1));
}

TEST_F(StorePutTest, AFullDatabaseIsAnErrorThatStays) {
  const auto store = Open(path_, {.max_bytes = 200'000});
  Check(arena_.PutAll(*store, 2, 2));
  Status status;
  std::vector<Game> games;
  for (int i = 0; i < 20000; ++i) {
    Game game = arena_.MakeGame(0, 1, 0);
    game.key = {static_cast<std::uint64_t>(i), 1};
    games.push_back(game);
  }
  status = store->PutGames(games);
  if (status.ok()) status = store->Flush();
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kIo);
  EXPECT_THAT(status.error().message, HasSubstr(path_));
  EXPECT_THAT(status.error().message, HasSubstr("free space"));
  EXPECT_THAT(status.error().message, Not(HasSubstr("because"))) << "no stored text in messages";
  EXPECT_FALSE(store->PutJudge(arena_.judge).ok());
  EXPECT_FALSE(store->Flush().ok());
  EXPECT_EQ(ReadBattles(*store).size(), 2U) << "what was committed is still read";
}

TEST_F(StorePutTest, AReadOnlyStoreReadsAndRefusesToWrite) {
  EXPECT_EQ(OpenStore(path_, {.read_only = true}).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path_));
  Check(arena_.PutAll(*Open(path_), 2, 3));
  const auto store = Open(path_, {.read_only = true});
  EXPECT_EQ(ReadBattles(*store).size(), 3U);
  EXPECT_FALSE(store->PutJudge(arena_.judge).ok());
  EXPECT_TRUE(store->Flush().ok());
}

TEST_F(StorePutTest, StampsRowsWithTheInjectedClock) {
  class FixedClock final : public Clock {
   public:
    std::chrono::system_clock::time_point Now() const override {
      return std::chrono::system_clock::time_point(std::chrono::seconds(1'234'567'890));
    }
    std::chrono::steady_clock::time_point Steady() const override { return {}; }
  };
  const FixedClock clock;
  std::string files[2];
  for (int i = 0; i < 2; ++i) {
    const std::string path = folder_ / ("clock" + std::to_string(i));
    Check(arena_.PutAll(*Open(path, {.clock = &clock}), 2, 3));
    std::ifstream stream(path, std::ios::binary);
    files[i].assign(std::istreambuf_iterator<char>(stream), {});
  }
  EXPECT_GT(files[0].size(), 4096U);
  EXPECT_NE(files[0].find(std::string("\x49\x96\x02\xD2", 4)), std::string::npos);
}

TEST_F(StorePutTest, RefusesAddressesFoldersAndNames) {
  for (const std::string where :
       {"", ":memory:", "postgresql://host/db", "a\"b", "/nowhere/at/all/x"}) {
    const auto store = OpenStore(where, {});
    ASSERT_FALSE(store.ok()) << where;
    EXPECT_NE(store.error().code, ErrorCode::kInternal) << store.error().message;
  }
  EXPECT_EQ(OpenStore(folder_.path().string(), {}).error().code, ErrorCode::kInvalidInput);
}

}  // namespace
}  // namespace arena
