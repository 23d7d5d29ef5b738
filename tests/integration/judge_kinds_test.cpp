// A program as judge, a jury, and stored replies that are read again, as a user has them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "store/store_fixture.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class JudgeKindsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(RunArena({"init", folder_ / "demo"}).exit_code, 0);
    // The longer answer is the better one, as the test of a judge that is plainly wrong.
    Write("length.sh", R"sh(while IFS= read -r line; do
  first=${line#*'"first":["'}; first=${first%%'"],"second"'*}; second=${line##*'"second":["'}
  if [ ${#first} -gt ${#second} ]; then echo '{"score_first":1,"score_second":0}'
  else echo '{"score_first":0,"score_second":1}'; fi
done
)sh");
  }
  void Write(const std::string& name, const std::string& text) const {
    ASSERT_TRUE(WriteFileAtomic(folder_.path() / "demo" / name, text).ok());
  }
  /// The arena of the sample with another [judge].
  void WriteConfig(const std::string& judge) const {
    std::string text = ReadFile(folder_.path() / "demo" / "arena.toml").value_or("");
    const auto begin = text.find("[judge]");
    const auto end = text.find("[battle]");
    ASSERT_NE(end, std::string::npos);
    Write("arena.toml", text.replace(begin, end - begin, judge + "\n"));
  }
  ProgramResult Run(const std::vector<std::string>& arguments) const {
    return RunArena(arguments, folder_.path() / "demo");
  }
  Json Parse(const ProgramResult& result) const {
    auto json = ParseJson(result.out);
    EXPECT_TRUE(json.ok()) << result.out << result.err;
    return json.value_or(Json());
  }

  const TemporaryFolder folder_;
};

constexpr const char* kCommand =
    "kind = \"command\"\nname = \"length\"\ncommand = [\"sh\", \"length.sh\"]\n"
    "workers = 2\nlowest = 0\nhighest = 1\n";

TEST_F(JudgeKindsTest, AProgramJudgesBattles) {
  WriteConfig(std::string("[judge]\n") + kCommand);
  const ProgramResult doctor = Run({"doctor"});
  EXPECT_EQ(doctor.exit_code, 0) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("sh starts"));
  const ProgramResult battle = Run({"battle"});
  EXPECT_EQ(battle.exit_code, 0) << battle.out << battle.err;
  EXPECT_THAT(battle.out, HasSubstr("400 of 400 battles"));
  // plover-7b writes long; by their correctness heron-9b is first.
  const Json board = Parse(Run({"rank", "--json"}));
  EXPECT_EQ(board["contestants"][0]["name"], "plover-7b");
  // Nothing that was judged is judged again, and another script is another judge.
  EXPECT_THAT(Run({"battle"}).out, HasSubstr("400 were there before, 0 games"));
  Write("length.sh", "while read -r l; do echo '{\"score_first\":0,\"score_second\":1}'; done\n");
  EXPECT_THAT(Run({"battle"}).out, HasSubstr("0 were there before"));
}

TEST_F(JudgeKindsTest, AJuryKeepsWhatItsMembersSay) {
  WriteConfig(std::string("[judge]\nkind = \"jury\"\n[[judge.member]]\n") + kCommand +
              "[[judge.member]]\nname = \"right\"\nmatch = \"numeric\"\n"
              "match_by_category = {choice = \"choice\", words = \"text\"}\n");
  const ProgramResult battle = Run({"battle", "--set", "instructions.sample=5"});
  EXPECT_EQ(battle.exit_code, 0) << battle.out << battle.err;
  const Json quality = Parse(Run({"judge", "--json"}));
  EXPECT_GT(quality["jury_agreement"]["count"], 0);
  EXPECT_EQ(quality["repeatability"], nullptr);
  EXPECT_THAT(Run({"judge"}).out, HasSubstr("same winner by two of the jury"));
  const Json again = Parse(Run({"judge", "--reparse", "--json"}));
  EXPECT_EQ(again["without_replies"], 0);
  EXPECT_EQ(again["changes"], Json::array());
}

/// A store in which an LLM judge's replies were read by a stricter parser.
void FillWithReplies(const std::string& path) {
  const SampleArena arena;
  const auto store = OpenStore(path, {});
  ASSERT_TRUE(store.ok());
  ASSERT_TRUE(arena.PutAll(**store, 2, 3).ok());
  for (int j = 0; j < 3; ++j) {
    Game game = arena.MakeGame(0, 1, j + 100);
    game.state = WorkState::kFailed;
    game.failure = FailureKind::kUnparsable;
    game.verdict = {};
    game.error = "no verdict";
    game.raw_reply = R"({"judge":"llm","form":"pair-verdict","samples":[[{"replies":[{"text":")" +
                     std::string(j == 2 ? "Well." : "Verdict: A") +
                     R"("}]}],[{"replies":[{"text":"[[A]]"}]}]]})";
    ASSERT_TRUE((*store)->PutGames({&game, 1}).ok());
    Battle battle = arena.MakeBattle(0, 1, j);
    battle.game_ab = game.key;
    ASSERT_TRUE((*store)->PutBattles({&battle, 1}).ok());
  }
  ASSERT_TRUE((*store)->Flush().ok());
}

TEST_F(JudgeKindsTest, StoredRepliesAreReadAgainWithoutCalls) {
  const std::string store = folder_ / "replies.db";
  FillWithReplies(store);
  const ProgramResult dry = Run({"judge", "--store", store, "--reparse", "--dry-run"});
  EXPECT_EQ(dry.exit_code, 0) << dry.err;
  EXPECT_THAT(dry.out, AllOf(HasSubstr("void (unparsable): no verdict -> 7 to 4\n"),
                             HasSubstr("2 have a verdict now that had none"),
                             HasSubstr("Nothing was stored")));
  const Json done = Parse(Run({"judge", "--store", store, "--reparse", "--json"}));
  EXPECT_EQ(done["now_done"], 2);
  EXPECT_EQ(done["changes"].size(), 3U) << done.dump(1);
  const Json again = Parse(Run({"judge", "--store", store, "--reparse", "--json"}));
  EXPECT_EQ(again["changes"].size(), 0U);
  const Json strict =
      Parse(Run({"judge", "--store", store, "--reparse", "--parser", "strict", "--json"}));
  EXPECT_EQ(strict["now_failed"], 2);
  EXPECT_EQ(Run({"judge", "--reparse", "--parser", "lax"}).exit_code, 2);
  EXPECT_EQ(Run({"judge", "--dry-run"}).exit_code, 2);
}

}  // namespace
}  // namespace arena
