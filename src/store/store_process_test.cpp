// The store under several processes: kills, and writers at once. The program starts itself again
// as the child (a fork alone would keep threads' locks, which the sanitizers refuse).
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>

#include "store/store_fixture.h"

extern char** environ;  // NOLINT: POSIX

namespace arena {
namespace {

constexpr int kQuestionsPerFlush = 20;

/// Puts the battle of two contestants on each of the questions [begin, end) and says after each
/// flush, by a byte on standard output, that it has returned.
int PutQuestions(const std::string& path, int begin, int end) {
  // A kill must take nothing even where commits do not wait for the disk.
  const auto store = OpenStore(
      path,
      {.batch_rows = 7, .batch_time = std::chrono::milliseconds(1), .survive_power_loss = false});
  if (!store.ok()) {
    fmt::print(stderr, "{}\n", store.error().message);
    return 3;
  }
  const SampleArena arena;
  if (!(*store)->PutJudge(arena.judge).ok()) return 4;
  for (const int i : {0, 1}) {
    if (!(*store)->PutContestant(arena.MakeContestant(i)).ok()) return 4;
  }
  for (int j = begin; j < end; ++j) {
    const Instruction question = arena.MakeQuestion(j);
    const Answer answers[] = {arena.MakeAnswer(0, j), arena.MakeAnswer(1, j)};
    if (!(*store)->PutInstructions({&question, 1}).ok()) return 5;
    if (!(*store)->PutAnswers(answers).ok()) return 5;
    if (!arena.PutBattle(**store, 0, 1, j).ok()) return 5;
    if ((j + 1) % kQuestionsPerFlush != 0) continue;
    if (!(*store)->Flush().ok()) return 6;
    if (write(STDOUT_FILENO, ".", 1) != 1) return 7;
  }
  return (*store)->Flush().ok() ? 0 : 6;
}

/// A child process that runs PutQuestions(path, begin, end).
class Child {
 public:
  Child(const std::string& path, int begin, int end) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) std::abort();
    output_ = ends[0];
    std::string arguments[] = {"store_process_test", "--child", path, std::to_string(begin),
                               std::to_string(end)};
    char* argv[6] = {};
    for (std::size_t i = 0; i < 5; ++i) argv[i] = arguments[i].data();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, argv, environ) != 0) std::abort();
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { close(output_); }

  /// Waits until the child has flushed once more; false when it has ended.
  bool AwaitFlush() const {
    char byte;
    return read(output_, &byte, 1) == 1;
  }

  /// How many more flushes it told of before it ended.
  int DrainFlushes() const {
    int flushes = 0;
    while (AwaitFlush()) ++flushes;
    return flushes;
  }

  void Kill() const { kill(pid_, SIGKILL); }

  int Wait() const {
    int status = 0;
    waitpid(pid_, &status, 0);
    return status;
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

std::string IntegrityOf(const std::string& path) {
  soci::session session(soci::sqlite3, "db=\"" + path + "\"");
  std::string result;
  session << "PRAGMA integrity_check", soci::into(result);
  return result;
}

/// The number of leading questions of which everything is stored.
int CompleteQuestions(Store& store, int questions) {
  const SampleArena arena;
  for (int j = 0; j < questions; ++j) {
    const Key answers[] = {arena.MakeAnswer(0, j).key, arena.MakeAnswer(1, j).key};
    const Key games[] = {arena.MakeGame(0, 1, j).key, arena.MakeGame(1, 0, j).key};
    const std::vector<bool> all = {true, true};
    if (store.HaveAnswers(answers).value() != all || store.HaveGames(games).value() != all ||
        !store.FindBattle(arena.MakeBattle(0, 1, j).key.Hex()).ok()) {
      return j;
    }
  }
  return questions;
}

TEST(StoreProcessTest, WhatFlushReturnedFromSurvivesKill9) {
  const TemporaryFolder folder;
  const std::string path = folder / "store.db";
  // More than any child gets done before its kill, however late that comes.
  constexpr int kEndless = 10'000'000;
  int begin = 0;
  for (int kills = 0; kills < 10; ++kills) {
    const Child child(path, begin, kEndless);
    int flushes = 0;
    while (flushes < 1 + kills % 3 && child.AwaitFlush()) ++flushes;
    // Somewhere in the midst of the next commits.
    usleep(static_cast<useconds_t>(kills * 700));
    child.Kill();
    flushes += child.DrainFlushes();
    const int status = child.Wait();
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << status;
    ASSERT_EQ(IntegrityOf(path), "ok");
    const auto store = OpenStore(path, {});
    ASSERT_TRUE(store.ok()) << store.error().message;
    const int complete = CompleteQuestions(**store, kEndless);
    EXPECT_GE(complete, begin + flushes * kQuestionsPerFlush);
    begin = complete / kQuestionsPerFlush * kQuestionsPerFlush;
  }
  // A killed child was at most one flush ahead of what is complete.
  const int questions = begin + 2 * kQuestionsPerFlush;
  EXPECT_EQ(Child(path, begin, questions).Wait(), 0);
  const auto store = OpenStore(path, {.read_only = true});
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ(CompleteQuestions(**store, kEndless), questions);
  const StoreCounts counts = (*store)->Counts().value();
  EXPECT_EQ(counts.instructions, questions);
  EXPECT_EQ(counts.answers, 2 * questions);
  EXPECT_EQ(counts.games, 2 * questions);
  EXPECT_EQ(counts.battles, questions);
}

TEST(StoreProcessTest, ProcessesCreateAndWriteTheSameStoreAtOnce) {
  const TemporaryFolder folder;
  const std::string path = folder / "store.db";
  {
    // The second half of each child's questions is the first half of the next one's.
    const Child first(path, 0, 200);
    const Child second(path, 100, 300);
    const Child third(path, 200, 400);
    for (const Child* child : {&first, &second, &third}) {
      child->DrainFlushes();
      EXPECT_EQ(child->Wait(), 0);
    }
  }
  const auto store = OpenStore(path, {.read_only = true});
  ASSERT_TRUE(store.ok()) << store.error().message;
  EXPECT_EQ(CompleteQuestions(**store, 400), 400);
  const StoreCounts counts = (*store)->Counts().value();
  EXPECT_EQ(counts.instructions, 400);
  EXPECT_EQ(counts.contestants, 2);
  EXPECT_EQ(counts.answers, 800);
  EXPECT_EQ(counts.games, 800);
  EXPECT_EQ(counts.battles, 400);
  EXPECT_EQ(IntegrityOf(path), "ok");
}

}  // namespace

int RunChild(char** arguments) {
  int range[2] = {0, 0};
  for (int i = 0; i < 2; ++i) {
    const std::string_view text = arguments[i + 1];
    std::from_chars(text.data(), text.data() + text.size(), range[i]);
  }
  return PutQuestions(arguments[0], range[0], range[1]);
}

}  // namespace arena

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "--child") return arena::RunChild(argv + 2);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
