// Reading battles: order, frame, queries, keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "store/store.h"
#include "store/store_test_support.h"

namespace arena {
namespace {

using testing::HasSubstr;

class StoreBattlesTest : public StoreTest {};

TEST_F(StoreBattlesTest, ABattleIsFoundWithEverything) {
  const auto store = Open(path_);
  const Instruction question = arena_.MakeQuestion(0);
  const Battle battle = arena_.MakeBattle(0, 1, 0);
  Check(store->PutInstructions({&question, 1}));
  Check(store->PutJudge(arena_.judge));
  for (const int i : {0, 1}) {
    Check(store->PutContestant(arena_.MakeContestant(i)));
    const Answer answer = arena_.MakeAnswer(i, 0);
    Check(store->PutAnswers({&answer, 1}));
  }
  Check(arena_.PutBattle(*store, 0, 1, 0));
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
  EXPECT_EQ(detail->instruction.key, question.key);
  EXPECT_EQ(detail->instruction.conversation, question.conversation);
  EXPECT_EQ(detail->answer_a.key, battle.answer_a);
  EXPECT_EQ(detail->answer_b.key, battle.answer_b);
  ASSERT_TRUE(detail->game_ab && detail->game_ba);
  EXPECT_EQ(detail->game_ab->key, battle.game_ab);
  EXPECT_EQ(detail->game_ba->key, battle.game_ba);
}

TEST_F(StoreBattlesTest, AnInstructionSurvivesAndTakesNewMetadata) {
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

TEST_F(StoreBattlesTest, BattlesComeInKeyOrderInTheFrameOfA) {
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

TEST_F(StoreBattlesTest, AGameThatIsNotDoneIsVoidUntilItIs) {
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

TEST_F(StoreBattlesTest, ABattlePutAgainTakesTheNewGames) {
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

TEST_F(StoreBattlesTest, QueriesRestrict) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 3, 4));
  EXPECT_EQ(ReadBattles(*store).size(), 12U);
  EXPECT_EQ(ReadBattles(*store, {.category = "odd"}).size(), 6U);
  EXPECT_EQ(ReadBattles(*store, {.judge = "judge"}).size(), 12U);
  EXPECT_EQ(ReadBattles(*store, {.contestants = {"model-0", "model-2"}}).size(), 4U);
  EXPECT_EQ(ReadBattles(*store, {.involving = "model-1"}).size(), 8U);
  EXPECT_EQ(
      ReadBattles(*store, {.contestants = {"model-0", "model-2"}, .involving = "model-0"}).size(),
      4U);
  EXPECT_TRUE(
      ReadBattles(*store, {.contestants = {"model-0", "model-2"}, .involving = "model-1"}).empty());
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
  EXPECT_THAT(error_of({.contestants = {"model-9"}}),
              HasSubstr("no contestant named 'model-9', did you mean 'model-0'?; it has: model-0, "
                        "model-1, model-2"));
  EXPECT_THAT(error_of({.involving = "other"}), HasSubstr("no contestant named 'other'; it has"));
  EXPECT_THAT(error_of({.category = "evn"}), HasSubstr("category 'evn'"));
}

TEST_F(StoreBattlesTest, ANewContestantSupersedesTheHolderOfItsName) {
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

TEST_F(StoreBattlesTest, ANewJudgeSupersedesTheHolderOfItsName) {
  const auto store = Open(path_);
  Check(arena_.PutAll(*store, 2, 2));
  JudgeIdentity newer = arena_.judge;
  newer.behaviour = R"({"kind":"stricter"})";
  Check(store->PutJudge(newer));
  Check(store->Flush());
  EXPECT_TRUE(ReadBattles(*store).empty()) << "verdicts of the earlier settings are not mixed in";
  EXPECT_TRUE(ReadBattles(*store, {.judge = newer.name}).empty());
  EXPECT_EQ(ReadBattles(*store, {.with_superseded = true}).size(), 2U);
  ASSERT_EQ(store->Judges()->size(), 1U);
  EXPECT_EQ(store->Judges()->front().behaviour, newer.behaviour);

  Check(store->PutJudge(arena_.judge));  // the first settings again
  Check(store->Flush());
  EXPECT_EQ(ReadBattles(*store).size(), 2U);
}

TEST_F(StoreBattlesTest, ABattleIsFoundByTheStartOfItsKey) {
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

TEST_F(StoreBattlesTest, DetailsComeInTheSameOrder) {
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

TEST_F(StoreBattlesTest, TheSinkStopsTheReadingAndMayReadItself) {
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

}  // namespace
}  // namespace arena
