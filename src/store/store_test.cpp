#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <thread>

#include "base/rng.h"
#include "store/store_fixture.h"

namespace arena {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::unique_ptr<Store> Open(const std::string& path, const StoreOptions& options = {}) {
  auto store = OpenStore(path, options);
  if (!store.ok()) {
    ADD_FAILURE() << store.error().message;
    std::abort();
  }
  return std::move(*store);
}

void Check(const Status& status) { ASSERT_TRUE(status.ok()) << status.error().message; }

/// What a test looks at of a record, copied.
struct Seen {
  std::string instruction, category, judge, model_a, model_b, text_a, text_b;
  std::array<GameOutcome, 2> games;
  int game_count = 0;
  std::optional<StyleCounts> style_a, style_b;
};

std::vector<Seen> ReadBattles(Store& store, const BattleQuery& query = {}) {
  std::vector<Seen> seen;
  Check(store.ForEachBattle(query, [&](const BattleRecord& r) -> Status {
    seen.push_back({std::string(r.instruction), std::string(r.category), std::string(r.judge),
                    std::string(r.model_a), std::string(r.model_b), std::string(r.text_a),
                    std::string(r.text_b), r.games, r.game_count, r.style_a, r.style_b});
    return {};
  }));
  return seen;
}

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

class StoreTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string path_ = folder_.File("store.db");
  const SampleArena arena_;
};

TEST_F(StoreTest, EveryFieldOfAnAnswerSurvivesAnyBytes) {
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

TEST_F(StoreTest, EveryFieldOfAGameSurvivesAnyBytes) {
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

TEST_F(StoreTest, ABattleIsFoundWithEverything) {
  const auto store = Open(path_);
  Instruction question = MakeInstruction("2+2?");
  question.conversation.insert(question.conversation.begin(),
                               {Role::kSystem, std::string("\0\xFF,", 3)});
  question.conversation.push_back({Role::kAssistant, ""});
  question.conversation.push_back({Role::kUser, "and 3+3?"});
  question.key = ConversationKey(question.conversation);
  question.reference = std::string("4\0", 2);
  question.category = "sums";
  question.id = "q1";
  question.source = "f.jsonl:1";
  Battle battle = arena_.MakeBattle(0, 1, 0);
  battle.instruction = question.key;
  Check(store->PutInstructions({&question, 1}));
  Check(store->PutJudge(arena_.judge));
  for (const int i : {0, 1}) {
    Check(store->PutContestant(arena_.MakeContestant(i)));
    const Answer answer = arena_.MakeAnswer(i, 0);
    Check(store->PutAnswers({&answer, 1}));
  }
  Check(arena_.PutBattle(*store, 0, 1, 0));
  Check(store->PutBattles({&battle, 1}));
  Check(store->Flush());

  const auto detail = store->FindBattle(battle.key.Hex().substr(0, 8));
  ASSERT_TRUE(detail.ok()) << detail.error().message;
  EXPECT_EQ(detail->battle.key, battle.key);
  EXPECT_EQ(detail->battle.answer_a, battle.answer_a);
  EXPECT_EQ(detail->battle.answer_b, battle.answer_b);
  EXPECT_EQ(detail->battle.judge, battle.judge);
  EXPECT_EQ(detail->battle.game_ab, battle.game_ab);
  EXPECT_EQ(detail->battle.game_ba, battle.game_ba);
  EXPECT_EQ(detail->contestant_a.key(), battle.contestant_a);
  EXPECT_EQ(detail->contestant_b.key(), battle.contestant_b);
  EXPECT_EQ(detail->contestant_a.family, "family");
  EXPECT_EQ(detail->judge.name, "judge");
  EXPECT_EQ(detail->judge.family, "house");
  EXPECT_EQ(detail->judge.behaviour, arena_.judge.behaviour);
  EXPECT_EQ(detail->instruction.key, detail->battle.instruction);
  EXPECT_EQ(detail->answer_a.key, battle.answer_a);
  EXPECT_EQ(detail->answer_b.key, battle.answer_b);
  ASSERT_TRUE(detail->game_ab && detail->game_ba);
  EXPECT_EQ(detail->game_ab->key, battle.game_ab);
  EXPECT_EQ(detail->game_ba->key, battle.game_ba);
}

TEST_F(StoreTest, AnInstructionSurvivesAndTakesNewMetadata) {
  const auto store = Open(path_);
  Instruction question = MakeInstruction("2+2?");
  question.conversation.insert(question.conversation.begin(),
                               {Role::kSystem, std::string("\0\xFF,", 3)});
  question.conversation.push_back({Role::kAssistant, ""});
  question.conversation.push_back({Role::kUser, "and 3+3?"});
  question.key = ConversationKey(question.conversation);
  question.reference = std::string("4\0", 2);
  question.category = "sums";
  question.id = "q1";
  question.source = "f.jsonl:1";
  Battle battle = arena_.MakeBattle(0, 1, 0);
  battle.instruction = question.key;
  Check(store->PutJudge(arena_.judge));
  for (const int i : {0, 1}) Check(store->PutContestant(arena_.MakeContestant(i)));
  Check(store->PutBattles({&battle, 1}));
  const auto read = [&] {
    Check(store->Flush());
    auto detail = store->FindBattle(battle.key.Hex());
    EXPECT_TRUE(detail.ok()) << detail.error().message;
    return detail->instruction;
  };
  EXPECT_EQ(read().key, question.key) << "a battle may be put before its instruction";
  EXPECT_TRUE(read().conversation.empty());

  Check(store->PutInstructions({&question, 1}));
  EXPECT_EQ(read().conversation, question.conversation);
  EXPECT_EQ(read().reference, question.reference);
  EXPECT_EQ(read().category, "sums");
  EXPECT_EQ(read().id, "q1");
  EXPECT_EQ(read().source, "f.jsonl:1");

  question.category = "arithmetic";
  question.reference.reset();
  Check(store->PutInstructions({&question, 1}));
  EXPECT_EQ(read().category, "arithmetic");
  EXPECT_EQ(read().reference, std::nullopt);
  EXPECT_EQ(store->Counts()->instructions, 1);
}

TEST_F(StoreTest, WhatIsDoneStaysAndWhatFailedIsReplaced) {
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

TEST_F(StoreTest, BattlesComeInKeyOrderInTheFrameOfA) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 4, 10));
  std::map<std::string, Battle> expected;
  for (int j = 0; j < 10; ++j) {
    for (int i = 0; i < 4; ++i) {
      for (int k = 0; k < i; ++k) {
        const Battle battle = arena_.MakeBattle(i, k, j);
        expected.emplace(battle.key.Hex(), battle);
      }
    }
  }
  std::map<Key, int> number;
  for (int i = 0; i < 4; ++i) number[arena_.MakeContestant(i).key()] = i;
  const std::vector<Seen> seen = ReadBattles(*store);
  ASSERT_EQ(seen.size(), expected.size());
  auto it = expected.begin();
  for (const Seen& record : seen) {
    const Battle& battle = (it++)->second;
    const int a = number.at(battle.contestant_a);
    const int b = number.at(battle.contestant_b);
    EXPECT_EQ(record.instruction, battle.instruction.Hex());
    EXPECT_THAT(record.category, testing::AnyOf("even", "odd"));
    EXPECT_EQ(record.judge, "judge");
    EXPECT_EQ(record.model_a, "model-" + std::to_string(a));
    EXPECT_EQ(record.model_b, "model-" + std::to_string(b));
    EXPECT_EQ(record.game_count, 2);
    for (const GameOutcome& game : record.games) {
      EXPECT_FALSE(game.is_void);
      EXPECT_TRUE(game.has_scores);
      EXPECT_EQ(game.score_a, a + 1);
      EXPECT_EQ(game.score_b, b + 1);
      EXPECT_EQ(game.share_a, a > b ? 1 : 0);
    }
    EXPECT_TRUE(record.games[0].a_first);
    EXPECT_FALSE(record.games[1].a_first);
    ASSERT_TRUE(record.style_a && record.style_b);
    EXPECT_EQ(record.style_a->tokens, 10 + a);
    EXPECT_EQ(record.style_b->tokens, 10 + b);
    EXPECT_EQ(record.text_a, "");
  }
}

TEST_F(StoreTest, AGameThatIsNotDoneIsVoidUntilItIs) {
  const auto store = Open(path_);
  Check(store->PutJudge(arena_.judge));
  for (const int i : {0, 1}) Check(store->PutContestant(arena_.MakeContestant(i)));
  const Battle battle = arena_.MakeBattle(0, 1, 0);
  const bool swapped = battle.contestant_a != arena_.MakeContestant(0).key();
  Game ab = arena_.MakeGame(swapped ? 1 : 0, swapped ? 0 : 1, 0);
  Game ba = arena_.MakeGame(swapped ? 0 : 1, swapped ? 1 : 0, 0);
  ba.state = WorkState::kFailed;
  ab.verdict = {5, 5, ""};
  const Game games[] = {ab, ba};
  Check(store->PutGames(games));
  Check(store->PutBattles({&battle, 1}));
  Check(store->Flush());
  std::vector<Seen> seen = ReadBattles(*store);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_FALSE(seen[0].games[0].is_void);
  EXPECT_EQ(seen[0].games[0].share_a, 0.5);
  EXPECT_TRUE(seen[0].games[1].is_void);
  EXPECT_EQ(seen[0].category, "") << "the instruction was never put";
  EXPECT_FALSE(seen[0].style_a.has_value()) << "the answers were never put";

  ba.state = WorkState::kDone;  // the battle is not put again
  ba.verdict = {2, 7, ""};
  Check(store->PutGames({&ba, 1}));
  Check(store->Flush());
  seen = ReadBattles(*store);
  EXPECT_FALSE(seen[0].games[1].is_void);
  EXPECT_EQ(seen[0].games[1].score_a, 7);
  EXPECT_EQ(seen[0].games[1].score_b, 2);
  EXPECT_EQ(seen[0].games[1].share_a, 1);
}

TEST_F(StoreTest, ABattlePutAgainTakesTheNewGames) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 2, 1));
  Battle battle = arena_.MakeBattle(0, 1, 0);
  Game other = arena_.MakeGame(0, 1, 0);
  other.key = {1, 2};
  other.verdict = {9, 3, ""};
  battle.game_ab = other.key;
  battle.game_ba = {3, 4};
  Check(store->PutGames({&other, 1}));
  Check(store->PutBattles({&battle, 1}));
  Check(store->Flush());
  const std::vector<Seen> seen = ReadBattles(*store);
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].games[0].score_a, 9);
  EXPECT_TRUE(seen[0].games[1].is_void) << "game 3,4 is not stored";
  EXPECT_EQ(seen[0].game_count, 2);

  battle.game_ba = {};
  Check(store->PutBattles({&battle, 1}));
  Check(store->Flush());
  EXPECT_EQ(ReadBattles(*store)[0].game_count, 1) << "no second game was meant";
}

TEST_F(StoreTest, QueriesRestrict) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 3, 4));
  EXPECT_EQ(ReadBattles(*store).size(), 12U);
  EXPECT_EQ(ReadBattles(*store, {.category = "odd"}).size(), 6U);
  EXPECT_EQ(ReadBattles(*store, {.judge = "judge"}).size(), 12U);
  EXPECT_EQ(ReadBattles(*store, {.contestants = {"model-0", "model-2"}}).size(), 4U);
  for (const Seen& seen : ReadBattles(*store, {.with_texts = true})) {
    EXPECT_THAT(seen.text_a, HasSubstr("answer of " + seen.model_a.substr(6)));
    EXPECT_THAT(seen.text_b, HasSubstr("answer of " + seen.model_b.substr(6)));
    EXPECT_TRUE(seen.style_a.has_value());
  }
  const auto error_of = [&](const BattleQuery& query) {
    const Status status = store->ForEachBattle(query, [](const BattleRecord&) { return Status(); });
    return status.ok() ? "no error" : status.error().message;
  };
  EXPECT_THAT(error_of({.judge = "jugde"}), HasSubstr("did you mean 'judge'"));
  EXPECT_THAT(error_of({.contestants = {"model-9"}}), HasSubstr("no contestant named 'model-9'"));
  EXPECT_THAT(error_of({.category = "evn"}), HasSubstr("category 'evn'"));
}

TEST_F(StoreTest, ANewContestantSupersedesTheHolderOfItsName) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 2, 2));
  Contestant newer = arena_.MakeContestant(0);
  newer.behaviour = R"({"model":"0, second version"})";
  Check(store->PutContestant(newer));
  Check(store->Flush());
  EXPECT_TRUE(ReadBattles(*store).empty());
  EXPECT_EQ(ReadBattles(*store, {.with_superseded = true}).size(), 2U);
  auto infos = store->Contestants().value();
  ASSERT_EQ(infos.size(), 3U);
  EXPECT_EQ(infos[0].key, newer.key());
  EXPECT_FALSE(infos[0].superseded);
  EXPECT_EQ(infos[0].battles, 0);
  EXPECT_EQ(infos[1].contestant.name, "model-0");
  EXPECT_TRUE(infos[1].superseded);
  EXPECT_EQ(infos[1].battles, 2);
  EXPECT_EQ(infos[2].contestant.name, "model-1");

  Check(store->PutContestant(arena_.MakeContestant(0)));  // the first version again
  Check(store->Flush());
  EXPECT_EQ(ReadBattles(*store).size(), 2U);
  infos = store->Contestants().value();
  EXPECT_EQ(infos[0].key, arena_.MakeContestant(0).key());
  EXPECT_TRUE(infos[1].superseded);
}

TEST_F(StoreTest, ABattleIsFoundByTheStartOfItsKey) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 2, 1));
  const auto put = [&](const char* hex) {
    Battle battle = arena_.MakeBattle(0, 1, 0);
    battle.key = *Key::FromHex(hex);
    Check(store->PutBattles({&battle, 1}));
  };
  put("00000000000000000000000000000001");
  put("00000000000000010000000000000000");
  put("7fffffffffffffffffffffffffffffff");
  put("80000000000000000000000000000000");
  put("abcd0000000000000000000000000001");
  put("abcd0000000000000000000000000002");
  put("ffffffffffffffffffffffffffffffff");
  Check(store->Flush());
  const auto find = [&](std::string_view prefix) {
    const auto detail = store->FindBattle(prefix);
    return detail.ok() ? detail->battle.key.Hex() : std::string(ErrorCodeName(detail.error().code));
  };
  const std::string none(ErrorCodeName(ErrorCode::kNotFound));
  const std::string wrong(ErrorCodeName(ErrorCode::kInvalidInput));
  EXPECT_EQ(find("7fff"), "7fffffffffffffffffffffffffffffff");
  EXPECT_EQ(find("8000"), "80000000000000000000000000000000");
  EXPECT_EQ(find("FFFF"), "ffffffffffffffffffffffffffffffff");
  EXPECT_EQ(find("00000000000000000000"), "00000000000000000000000000000001");
  EXPECT_EQ(find("0000000000000001"), "00000000000000010000000000000000");
  EXPECT_EQ(find("abcd0000000000000000000000000002"), "abcd0000000000000000000000000002");
  EXPECT_EQ(find("0000"), wrong) << "two battles";
  EXPECT_EQ(find("abcd000000000000000000000000000"), wrong) << "two battles";
  EXPECT_EQ(find("abce"), none);
  EXPECT_EQ(find("abc"), wrong) << "too short";
  EXPECT_EQ(find("wxyz"), wrong);
  EXPECT_EQ(find("7fffffffffffffffffffffffffffffff0"), wrong);
}

TEST_F(StoreTest, DetailsComeInTheSameOrder) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 3, 3));
  std::vector<Key> keys;
  std::vector<std::string> models;
  Check(store->ForEachDetail({}, [&](const BattleDetail& detail) -> Status {
    keys.push_back(detail.battle.key);
    models.push_back(detail.contestant_a.name);
    EXPECT_EQ(detail.instruction.key, detail.battle.instruction);
    EXPECT_EQ(detail.answer_a.key, detail.battle.answer_a);
    EXPECT_EQ(detail.answer_b.contestant, detail.battle.contestant_b);
    EXPECT_TRUE(detail.game_ab && detail.game_ba);
    return {};
  }));
  EXPECT_EQ(keys.size(), 9U);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  const std::vector<Seen> seen = ReadBattles(*store);
  for (std::size_t i = 0; i < seen.size(); ++i) EXPECT_EQ(models[i], seen[i].model_a);
}

TEST_F(StoreTest, TheSinkStopsTheReadingAndMayReadItself) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 3, 3));
  int calls = 0;
  const Status status = store->ForEachBattle({}, [&](const BattleRecord&) -> Status {
    EXPECT_EQ(store->Counts()->battles, 9);
    return ++calls == 4 ? Status(Cancelled("enough")) : Status();
  });
  EXPECT_EQ(calls, 4);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().message, "enough");
  EXPECT_EQ(ReadBattles(*store).size(), 9U);
}

TEST_F(StoreTest, AScanSeesOneStateWhileOthersWrite) {
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

TEST_F(StoreTest, OldReadersDoNotKeepOldStates) {
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

TEST_F(StoreTest, BatchTimeCommitsWithoutAFlush) {
  const auto store = Open(path_, {.batch_time = std::chrono::milliseconds(10)});
  const Game game = arena_.MakeGame(0, 1, 0);
  Check(store->PutGames({&game, 1}));
  for (int tries = 0; tries < 1000 && store->Counts()->games == 0; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_EQ(store->Counts()->games, 1);
}

TEST_F(StoreTest, NumbersThatAreNotFiniteAreRefusedAndSpoilNothing) {
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

TEST_F(StoreTest, ManyThreadsPutAndReadAtOnce) {
  const auto store = Open(path_, {.batch_rows = 16, .batch_time = std::chrono::milliseconds(1)});
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

TEST_F(StoreTest, TwoStoresOnOneFileWriteAtOnce) {
  const StoreOptions options = {.batch_rows = 4, .batch_time = std::chrono::milliseconds(1)};
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

TEST_F(StoreTest, TheFirstVerdictOfTwoStoresStands) {
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
  for (const GameOutcome& game : ReadBattles(*second)[0].games) {
    EXPECT_EQ(std::min(game.score_a, game.score_b), stands);
    EXPECT_EQ(std::max(game.score_a, game.score_b), 2);
  }
}

TEST_F(StoreTest, AFullDatabaseIsAnErrorThatStays) {
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

TEST_F(StoreTest, AReadOnlyStoreReadsAndRefusesToWrite) {
  EXPECT_EQ(OpenStore(path_, {.read_only = true}).error().code, ErrorCode::kNotFound);
  EXPECT_FALSE(std::filesystem::exists(path_));
  Check(arena_.PutAll(*Open(path_), 2, 3));
  const auto store = Open(path_, {.read_only = true});
  EXPECT_EQ(ReadBattles(*store).size(), 3U);
  EXPECT_FALSE(store->PutJudge(arena_.judge).ok());
  EXPECT_TRUE(store->Flush().ok());
}

TEST_F(StoreTest, StampsRowsWithTheInjectedClock) {
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
    const std::string path = folder_.File("clock" + std::to_string(i));
    Check(arena_.PutAll(*Open(path, {.clock = &clock}), 2, 3));
    std::ifstream stream(path, std::ios::binary);
    files[i].assign(std::istreambuf_iterator<char>(stream), {});
  }
  EXPECT_GT(files[0].size(), 4096U);
  EXPECT_NE(files[0].find(std::string("\x49\x96\x02\xD2", 4)), std::string::npos);
}

TEST_F(StoreTest, RefusesAddressesFoldersAndNames) {
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
