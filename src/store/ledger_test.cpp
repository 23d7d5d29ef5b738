#include "store/ledger.h"

#include <gtest/gtest.h>

#include "base/temporary_folder.h"
#include "store/store.h"

namespace arena {
namespace {

Answer AnswerOf(const Contestant& contestant, const std::string& question, WorkState state,
                int attempts, double cost_usd) {
  Answer answer;
  answer.contestant = contestant.key();
  answer.instruction = MakeInstruction(question).key;
  answer.key = AnswerKey(answer.contestant, answer.instruction, 0);
  answer.state = state;
  answer.attempts = attempts;
  answer.turns = {"text"};
  answer.usage.prompt_tokens = 10;
  answer.usage.completion_tokens = 3;
  answer.usage.cost_usd = cost_usd;
  return answer;
}

TEST(LedgerTest, SumsUpByContestantAndJudgeWithAllAttempts) {
  const TemporaryFolder folder;
  const std::string where = folder / "run.db";
  const Contestant alpha{"alpha", "", "{\"a\":1}"};
  const JudgeIdentity judge{"strict", "", "{\"j\":1}"};
  {
    const auto store = std::move(*OpenStore(where, {}));
    ASSERT_TRUE(store->PutContestant(alpha).ok());
    ASSERT_TRUE(store->PutJudge(judge).ok());
    const std::vector<Answer> answers = {AnswerOf(alpha, "one", WorkState::kDone, 1, 0.25),
                                         AnswerOf(alpha, "two", WorkState::kDone, 3, 0.5),
                                         AnswerOf(alpha, "three", WorkState::kFailed, 8, 1.0)};
    ASSERT_TRUE(store->PutAnswers(answers).ok());
    Game game;
    game.key = HashBytes("game");
    game.judge = judge.key();
    game.state = WorkState::kDone;
    game.attempts = 2;
    game.usage.cost_usd = 0.125;
    ASSERT_TRUE(store->PutGames({&game, 1}).ok());
    ASSERT_TRUE(store->Flush().ok());
  }
  const auto ledger = ReadLedger(where);
  ASSERT_TRUE(ledger.ok()) << ledger.error().message;
  ASSERT_EQ(ledger->size(), 2U);
  const LedgerLine& answers = (*ledger)[0];
  EXPECT_EQ(answers.name, "alpha");
  EXPECT_FALSE(answers.is_judge);
  EXPECT_EQ(answers.done, 2);
  EXPECT_EQ(answers.failed, 1);
  EXPECT_EQ(answers.attempts, 12);
  EXPECT_EQ(answers.usage.prompt_tokens, 30);
  EXPECT_EQ(answers.usage.completion_tokens, 9);
  EXPECT_DOUBLE_EQ(answers.usage.cost_usd, 1.75);
  const LedgerLine& games = (*ledger)[1];
  EXPECT_EQ(games.name, "strict");
  EXPECT_TRUE(games.is_judge);
  EXPECT_EQ(games.attempts, 2);
  EXPECT_DOUBLE_EQ(games.usage.cost_usd, 0.125);
}

TEST(LedgerTest, AFileThatIsNoStoreIsAnError) {
  const TemporaryFolder folder;
  EXPECT_FALSE(ReadLedger(folder / "none.db").ok());
}

}  // namespace
}  // namespace arena
