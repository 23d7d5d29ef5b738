#include "battle/reparse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "judge/judge_transcript.h"
#include "store/store_fixture.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

/// What an LLM judge stored that was asked once.
std::string Replied(const std::string& text) {
  JudgeTranscript transcript;
  transcript.form = VerdictForm::kPairVerdict;
  transcript.samples = {{{{{text, "stop", ""}}, FailureKind::kNone, ""}}};
  return DumpJson(TranscriptToJson(transcript));
}

class ReparseTest : public testing::Test {
 protected:
  /// Contestants 0 and 1 on `questions` questions; game n was answered with texts[n].
  void Fill(const std::vector<std::string>& texts, VerdictReading reading) {
    Must(store_->PutJudge(arena_.judge));
    for (int i = 0; i < 2; ++i) Must(store_->PutContestant(arena_.MakeContestant(i)));
    std::size_t next = 0;
    for (int j = 0; next < texts.size(); ++j) {
      const Instruction question = arena_.MakeQuestion(j);
      Must(store_->PutInstructions({&question, 1}));
      for (int i = 0; i < 2; ++i) {
        const Answer answer = arena_.MakeAnswer(i, j);
        Must(store_->PutAnswers({&answer, 1}));
      }
      for (const auto& [first, second] : {std::pair(0, 1), std::pair(1, 0)}) {
        Game game = arena_.MakeGame(first, second, j);
        game.raw_reply = texts[next++];
        if (auto read = ReadAs(game, reading)) game = *read;
        Must(store_->PutGames({&game, 1}));
        keys_.push_back(game.key);
      }
      const Battle battle = arena_.MakeBattle(0, 1, j);
      Must(store_->PutBattles({&battle, 1}));
    }
    Must(store_->Flush());
  }

  static std::optional<Game> ReadAs(const Game& game, VerdictReading reading) {
    const auto json = ParseJson(game.raw_reply);
    if (!json.ok() || !json->contains("form")) return std::nullopt;
    Game read = ReadTranscript(*TranscriptFromJson(*json), reading);
    read.key = game.key;
    read.judge = game.judge;
    read.raw_reply = game.raw_reply;
    return read;
  }

  Game Stored(std::size_t n) { return **store_->GetGames({&keys_[n], 1})->begin(); }
  static void Must(const Status& status) { ASSERT_TRUE(status.ok()) << status.error().message; }

  ReparseReport Run(VerdictReading reading, bool dry_run = false) {
    auto report = Reparse(*store_, {}, reading, dry_run);
    EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
    return std::move(*report);
  }

  /// The outcomes of the battles as ratings see them.
  std::vector<BattleRecord> Battles() {
    std::vector<BattleRecord> battles;
    Must(store_->ForEachBattle({}, [&](const BattleRecord& battle) -> Status {
      battles.push_back(battle);
      return {};
    }));
    return battles;
  }

  const TemporaryFolder folder_;
  const SampleArena arena_;
  std::unique_ptr<Store> store_ = std::move(*OpenStore(folder_ / "store.db", {}));
  std::vector<Key> keys_;
};

TEST_F(ReparseTest, AnotherParserMakesOtherVerdictsOfTheSameReplies) {
  Fill({Replied("[[A]]"), Replied("Verdict: B"), Replied("[[A]] or [[B]]"), Replied("?")},
       VerdictReading::kStrict);
  const std::string before = Stored(1).raw_reply;
  EXPECT_EQ(Stored(1).failure, FailureKind::kUnparsable);
  const ReparseReport report = Run(VerdictReading::kTolerant);
  EXPECT_EQ(report.games, 4);
  EXPECT_EQ(report.now_done, 1);
  EXPECT_EQ(report.now_failed + report.other_verdict + report.without + report.unreadable, 0);
  ASSERT_EQ(report.changes.size(), 1U);
  EXPECT_EQ(report.changes[0].after.key, keys_[1]);
  const Game after = Stored(1);
  EXPECT_EQ(after.state, WorkState::kDone);
  EXPECT_EQ(after.failure, FailureKind::kNone);
  EXPECT_EQ(after.error, "");
  EXPECT_EQ(after.verdict.score_second, 7);
  EXPECT_EQ(after.raw_reply, before);
  EXPECT_EQ(Run(VerdictReading::kTolerant).changes.size(), 0U);
}

TEST_F(ReparseTest, BoardsSeeTheNewVerdictsAlsoOfGamesThatWereDone) {
  Fill({Replied("Verdict: A"), Replied("Verdict: B")}, VerdictReading::kTolerant);
  ASSERT_EQ(Battles().size(), 1U);
  EXPECT_FALSE(Battles()[0].games[0].is_void);
  const ReparseReport report = Run(VerdictReading::kStrict);
  EXPECT_EQ(report.now_failed, 2);
  EXPECT_TRUE(Battles()[0].games[0].is_void);
  EXPECT_TRUE(Battles()[0].games[1].is_void);
  EXPECT_EQ(Stored(0).failure, FailureKind::kUnparsable);
  // Nothing was lost: the first parser gives the first verdicts.
  EXPECT_EQ(Run(VerdictReading::kTolerant).now_done, 2);
  const BattleRecord back = Battles()[0];
  EXPECT_FALSE(back.games[0].is_void || back.games[1].is_void);
  EXPECT_EQ(std::abs(back.games[0].score_a - back.games[0].score_b), 3);
}

TEST_F(ReparseTest, ADryRunStoresNothing) {
  Fill({Replied("Verdict: A"), Replied("Verdict: B")}, VerdictReading::kStrict);
  EXPECT_EQ(Run(VerdictReading::kTolerant, true).now_done, 2);
  EXPECT_EQ(Stored(0).state, WorkState::kFailed);
}

TEST_F(ReparseTest, GamesOfOtherJudgesAndDamagedRepliesStayAsTheyAre) {
  Fill({"", R"({"judge":"llm"})", Replied("[[A]]"), "free text"}, VerdictReading::kTolerant);
  const ReparseReport report = Run(VerdictReading::kTolerant);
  EXPECT_EQ(report.games, 4);
  EXPECT_EQ(report.without, 2);
  EXPECT_EQ(report.unreadable, 1);
  EXPECT_EQ(report.changes.size(), 0U);
  ASSERT_EQ(report.problems.size(), 1U);
  EXPECT_THAT(report.problems[0], HasSubstr("damaged"));
  EXPECT_EQ(Stored(1).verdict.score_first, 2);
}

}  // namespace
}  // namespace arena
