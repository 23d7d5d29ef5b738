#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "base/child_process.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "base/function_ref.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/nearest.h"
#include "base/output_file.h"
#include "base/parallel.h"
#include "base/result.h"
#include "base/rng.h"
#include "base/temporary_folder.h"

namespace arena {
namespace {

Result<int> Half(int x) {
  if (x % 2 != 0) return InvalidInput("odd");
  return x / 2;
}

Result<int> Quarter(int x) {
  ARENA_ASSIGN_OR_RETURN(const int half, Half(x));
  ARENA_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(ResultTest, CarriesValuesAndPropagatesErrors) {
  EXPECT_EQ(*Quarter(12), 3);
  const auto failed = Quarter(6);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.error().message, "odd");
  EXPECT_EQ(InvalidLine("a.csv", 7, "bad label").message, "a.csv:7: bad label");
}

TEST(KeyTest, HexRoundTripsAndKeepsTheOrder) {
  const Key key = HashBytes("arena");
  EXPECT_EQ(key.Hex().size(), 32U);
  EXPECT_EQ(Key::FromHex(key.Hex()), key);
  EXPECT_FALSE(Key::FromHex("zz").has_value());
  const Key other = HashBytes("rival");
  EXPECT_EQ(key < other, key.Hex() < other.Hex());
}

TEST(KeyTest, FieldBoundariesAndDomainsMatter) {
  const auto key = [](std::string_view domain, std::string_view a, std::string_view b) {
    return KeyBuilder(domain).Add(a).Add(b).Build();
  };
  EXPECT_NE(key("x", "ab", "c"), key("x", "a", "bc"));
  EXPECT_NE(key("x", "a", "b"), key("y", "a", "b"));
  EXPECT_EQ(key("x", "a", "b"), key("x", "a", "b"));
}

TEST(RngTest, SameSeedSameNumbersOtherStreamOthers) {
  Rng a(1), b(1), c(1, 1);
  for (int i = 0; i < 100; ++i) {
    const auto x = a();
    EXPECT_EQ(x, b());
    EXPECT_NE(x, c());
  }
}

TEST(RngTest, GoesOnFromItsState) {
  Rng rng(5, 3);
  rng();
  Rng copy(rng.state());
  EXPECT_EQ(rng(), copy());
  EXPECT_EQ(rng(), copy());
}

TEST(RngTest, BelowIsUniform) {
  Rng rng(7);
  std::array<int, 10> counts{};
  for (int i = 0; i < 100000; ++i) ++counts[rng.Below(10)];
  double chi2 = 0;
  for (const int n : counts) chi2 += (n - 10000.0) * (n - 10000.0) / 10000.0;
  EXPECT_LT(chi2, 27.9);  // 99.9% quantile with 9 degrees of freedom
}

TEST(ParallelForTest, EveryItemOnce) {
  std::vector<std::atomic<int>> seen(1000);
  ParallelFor(seen.size(), 4, [&](std::size_t i) { ++seen[i]; });
  for (const auto& count : seen) EXPECT_EQ(count, 1);
}

TEST(FunctionRefTest, CallsWithCaptures) {
  int sum = 0;
  const auto add = [&](int x) { sum += x; };
  const FunctionRef<void(int)> ref = add;
  ref(2);
  ref(3);
  EXPECT_EQ(sum, 5);
}

TEST(OutputFileTest, AppearsWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const std::string path = folder / "out.txt";
  {
    auto file = OutputFile::Create(path);
    ASSERT_TRUE(file.ok() && file->Write("half").ok());
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "nothing is left without a Commit";
  auto file = OutputFile::Create(path);
  ASSERT_TRUE(file.ok());
  ASSERT_TRUE(file->Write("a").ok() && file->PadTo(4).ok() && file->Write("b").ok());
  EXPECT_EQ(file->size(), 5);
  ASSERT_TRUE(file->Commit().ok());
  EXPECT_EQ(ReadFile(path).value_or(""), std::string("a\0\0\0b", 5));
  EXPECT_FALSE(OutputFile::Create(folder / "none/out.txt").ok());
}

TEST(FileTest, AtomicWriteThenReadAndMap) {
  const auto path = std::filesystem::temp_directory_path() / "arena_file_test.bin";
  const std::string content("a\0b\n", 4);
  ASSERT_TRUE(WriteFileAtomic(path, content).ok());
  EXPECT_EQ(*ReadFile(path), content);
  EXPECT_EQ(MappedFile::Open(path)->bytes(), content);
  std::filesystem::remove(path);
  EXPECT_EQ(ReadFile(path).error().code, ErrorCode::kNotFound);
}

TEST(JsonTest, ErrorsAreResultsAndBadBytesSurviveDumping) {
  EXPECT_FALSE(ParseJson("{\"a\":").ok());
  EXPECT_EQ(DumpJson(Json{{"a", "\xff"}}), "{\"a\":\"\xEF\xBF\xBD\"}");
}

// All that a shell command prints.
std::string OutputOf(ChildProcess& process) {
  std::string text;
  char data[64];
  while (true) {
    const auto count = process.Read(data, sizeof data, std::chrono::seconds(10));
    if (!count.ok() || count->value_or(0) == 0) return text;
    text.append(data, **count);
  }
}

TEST(ChildProcessTest, TheEnvironmentIsThisOneWithChanges) {
  ASSERT_EQ(::setenv("ARENA_KEPT", "kept", 1), 0);
  ASSERT_EQ(::setenv("ARENA_CHANGED", "before", 1), 0);
  auto process = ChildProcess::Start(
      {.program = "sh",
       .arguments = {"-c", "echo $ARENA_KEPT $ARENA_CHANGED $ARENA_NEW; exit 7"},
       .environment = {"ARENA_CHANGED=after", "ARENA_NEW=a=b"}});
  ASSERT_TRUE(process.ok());
  EXPECT_EQ(OutputOf(*process), "kept after a=b\n");
  const ChildProcess::End end = process->WaitForEnd();
  EXPECT_EQ(end.exit_code, 7);
  EXPECT_EQ(end.text, "exit code 7");
}

TEST(ChildProcessTest, SignalsReachTheProgram) {
  auto process = ChildProcess::Start(
      {.program = "sh",
       .arguments = {"-c",
                     "trap 'echo caught; exit 3' INT; echo ready; while :; do sleep 1; done"}});
  ASSERT_TRUE(process.ok());
  char data[6];
  ASSERT_EQ(process->Read(data, sizeof data, std::chrono::seconds(10))->value_or(0), 6U);
  process->Signal(SIGINT);
  EXPECT_EQ(OutputOf(*process), "caught\n");
  EXPECT_EQ(process->WaitForEnd().exit_code, 3);

  auto killed = ChildProcess::Start({.program = "sleep", .arguments = {"60"}});
  ASSERT_TRUE(killed.ok());
  killed->Kill();
  const ChildProcess::End end = killed->WaitForEnd();
  EXPECT_EQ(end.exit_code, std::nullopt);
  EXPECT_EQ(end.text, "signal 9 (Killed)");
}

TEST(FolderLockTest, OneAtATimeUntilItIsLetGo) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("lock-" + std::to_string(getpid()));
  ASSERT_TRUE(MakeFolder(folder).ok());
  constexpr std::chrono::milliseconds kNow{0};
  {
    auto first = FolderLock::Take(folder, kNow);
    ASSERT_TRUE(first.ok());
    const auto second = FolderLock::Take(folder, kNow);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
    const FolderLock moved = *std::move(first);
    EXPECT_FALSE(FolderLock::Take(folder, kNow).ok());
  }
  EXPECT_TRUE(FolderLock::Take(folder, kNow).ok());
  std::filesystem::remove_all(folder);
  EXPECT_EQ(FolderLock::Take(folder, kNow).error().code, ErrorCode::kIo);
}

TEST(NearestNameTest, FindsTyposOnly) {
  constexpr std::array<std::string_view, 3> kNames = {"judge", "pairing", "seed"};
  EXPECT_EQ(NearestName("jugde", kNames), "judge");
  EXPECT_EQ(NearestName("pairings", kNames), "pairing");
  EXPECT_EQ(NearestName("xyz", kNames), std::nullopt);
}

}  // namespace
}  // namespace arena
