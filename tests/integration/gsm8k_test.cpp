// The main job on real data: four recorded models on GSM8K, whole, killed and continued.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "store/store.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

constexpr char kConfig[] = ARENA_SOURCE_DIR "/examples/gsm8k/arena.toml";
constexpr char kData[] = ARENA_SOURCE_DIR "/../shared/data/gsm8k/example_model_solutions.jsonl";

class Gsm8kTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(kData)) {
      GTEST_SKIP() << "the GSM8K solutions are not at " << kData
                   << "; examples/gsm8k/arena.toml says where to download them";
    }
  }

  std::vector<std::string> BattleArguments(const std::string& store) const {
    return {"battle", "-c", kConfig, "--store", store, "--json", "--set", "battle.batch_rows=20"};
  }

  static std::string Board(const std::string& store) {
    const ProgramResult rank = RunArena({"rank", "--store", store, "--json"});
    EXPECT_EQ(rank.exit_code, 0) << rank.err;
    return rank.out;
  }

  static std::int64_t Rows(Store& store) {
    const auto counts = store.Counts();
    EXPECT_TRUE(counts.ok()) << counts.error().message;
    return counts->instructions + counts->answers + counts->games + counts->battles;
  }

  /// All rows that the store holds durably.
  static std::int64_t Rows(const std::string& file) {
    const auto store = OpenStore(file, {.read_only = true});
    EXPECT_TRUE(store.ok()) << store.error().message;
    return Rows(**store);
  }

  /// Starts a run and waits until the store holds `rows` rows, or the run has ended.
  pid_t RunUntil(const std::string& file, std::int64_t rows) const {
    const pid_t pid = StartArena(BattleArguments(file));
    std::unique_ptr<Store> store;
    while (Running(pid)) {
      if (store == nullptr) {
        // Not there in the first moments of the first run.
        auto opened = OpenStore(file, {.read_only = true});
        if (opened.ok()) store = std::move(*opened);
      } else if (Rows(*store) >= rows) {
        break;
      }
      ::usleep(100);
    }
    return pid;
  }
};

TEST_F(Gsm8kTest, AllPairsOnAllProblemsGiveABoardWithIntervals) {
  const TemporaryFolder folder;
  const ProgramResult battle = RunArena(BattleArguments(folder / "gsm8k.db"));
  ASSERT_EQ(battle.exit_code, 0) << battle.err;
  const Json summary = ParseJson(battle.out).value_or(Json());
  EXPECT_EQ(summary.value("battles", 0), 7914);
  EXPECT_EQ(summary.value("battles_finished", 0), 7914);
  EXPECT_EQ(summary.value("failed_games", -1), 0);

  const Json board = ParseJson(Board(folder / "gsm8k.db")).value_or(Json());
  EXPECT_EQ(board.value("battles", 0), 7914);
  std::vector<std::string> names;
  for (const Json& row : board["contestants"]) {
    names.push_back(row["name"]);
    EXPECT_LT(row["lower"], row["rating"]);
    EXPECT_LT(row["rating"], row["upper"]);
    EXPECT_EQ(row["battles"], 3 * 1319);
  }
  EXPECT_THAT(names, ::testing::ElementsAre("175b_verification", "6b_verification",
                                            "175b_finetuning", "6b_finetuning"));
}

TEST_F(Gsm8kTest, RunningAgainJudgesNothingTwice) {
  const TemporaryFolder folder;
  ASSERT_EQ(RunArena(BattleArguments(folder / "gsm8k.db")).exit_code, 0);
  const std::string board = Board(folder / "gsm8k.db");
  const ProgramResult again = RunArena(BattleArguments(folder / "gsm8k.db"));
  const Json summary = ParseJson(again.out).value_or(Json());
  EXPECT_EQ(summary.value("games_played", -1), 0);
  EXPECT_EQ(summary.value("battles_kept", -1), 7914);
  EXPECT_EQ(Board(folder / "gsm8k.db"), board);
}

TEST_F(Gsm8kTest, TenKillsInTheMiddleLeaveTheSameBoard) {
  const TemporaryFolder folder;
  ASSERT_EQ(RunArena(BattleArguments(folder / "whole.db")).exit_code, 0);
  const std::int64_t total = Rows(folder / "whole.db");
  const std::string killed = folder / "killed.db";
  constexpr int kKills = 10;
  std::int64_t rows_before = 0;
  for (int kill = 1; kill <= kKills; ++kill) {
    // Past the last kill's rows by at least one commit.
    const pid_t pid = RunUntil(killed, std::max(total * kill / (2 * kKills), rows_before + 1));
    ::kill(pid, SIGKILL);
    ASSERT_EQ(WaitFor(pid), 128 + SIGKILL) << "the run ended before kill " << kill;
    const std::int64_t rows = Rows(killed);
    // Strictly between the first commit and the last one.
    ASSERT_GT(rows, rows_before);
    ASSERT_LT(rows, total);
    rows_before = rows;
  }
  ASSERT_EQ(RunArena(BattleArguments(killed)).exit_code, 0);
  EXPECT_EQ(Rows(killed), total);
  EXPECT_EQ(Board(killed), Board(folder / "whole.db"));
}

TEST_F(Gsm8kTest, CtrlCFinishesWhatIsInFlightAndContinues) {
  const TemporaryFolder folder;
  const std::string store = folder / "gsm8k.db";
  const pid_t pid = RunUntil(store, 3000);
  ::kill(pid, SIGINT);
  EXPECT_EQ(WaitFor(pid), 130);
  const ProgramResult again = RunArena(BattleArguments(store));
  const Json summary = ParseJson(again.out).value_or(Json());
  EXPECT_GT(summary.value("battles_kept", 0), 0);
  EXPECT_GT(summary.value("games_played", 0), 0);
  EXPECT_EQ(summary.value("battles_finished", 0), 7914);
}

}  // namespace
}  // namespace arena
