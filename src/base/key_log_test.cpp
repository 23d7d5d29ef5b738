#include "base/key_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/temporary_folder.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

Key KeyOf(int number) { return HashBytes(std::to_string(number)); }

std::unique_ptr<KeyLog> MustOpen(const fs::path& file) {
  auto log = KeyLog::Open(file);
  EXPECT_TRUE(log.ok()) << log.error().message;
  return log.ok() ? std::move(*log) : nullptr;
}

std::optional<std::string> Value(const KeyLog& log, int number) {
  const auto found = log.Find(KeyOf(number));
  EXPECT_TRUE(found.ok());
  return found.ok() ? *found : std::nullopt;
}

void MustAdd(KeyLog& log, int number, std::string value) {
  const std::vector<KeyLog::Entry> one = {{KeyOf(number), std::move(value)}};
  ASSERT_TRUE(log.Add(one).ok());
}

class KeyLogTest : public testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path file_ = folder_.path() / "inner" / "kept.log";
};

TEST_F(KeyLogTest, KeepsValuesOverOpenings) {
  {
    const auto log = MustOpen(file_);
    MustAdd(*log, 1, "one");
    MustAdd(*log, 2, "");
    MustAdd(*log, 3, std::string("\0three\n", 7));
    MustAdd(*log, 1, "one again");
    EXPECT_EQ(Value(*log, 1), "one again");
  }
  const auto log = MustOpen(file_);
  EXPECT_EQ(log->size(), 3U);
  EXPECT_EQ(Value(*log, 1), "one again");
  EXPECT_EQ(Value(*log, 2), "");
  EXPECT_EQ(Value(*log, 3), std::string("\0three\n", 7));
  EXPECT_EQ(Value(*log, 4), std::nullopt);
}

TEST_F(KeyLogTest, AFileCutAnywhereKeepsItsWholeRecords) {
  std::vector<std::uintmax_t> ends;
  {
    const auto log = MustOpen(file_);
    ends.push_back(fs::file_size(file_));
    for (int i = 0; i < 4; ++i) {
      MustAdd(*log, i, std::string(static_cast<std::size_t>(i), 'x'));
      ends.push_back(fs::file_size(file_));
    }
  }
  const std::string whole = ReadFile(file_).value_or("");
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    ASSERT_TRUE(WriteFileAtomic(file_, whole.substr(0, length)).ok());
    std::size_t kept = 0;
    while (kept < 4 && ends[kept + 1] <= length) ++kept;
    {
      const auto log = MustOpen(file_);
      EXPECT_EQ(log->size(), kept) << "cut to " << length;
      MustAdd(*log, 9, "later");
    }
    const auto log = MustOpen(file_);
    EXPECT_EQ(log->size(), kept + 1) << "cut to " << length;
    EXPECT_EQ(Value(*log, 9), "later");
  }
}

TEST_F(KeyLogTest, ADamagedRecordAndWhatFollowsItAreDropped) {
  std::uintmax_t begin = 0;
  {
    const auto log = MustOpen(file_);
    MustAdd(*log, 1, "one");
    begin = fs::file_size(file_);
    MustAdd(*log, 2, "two");
  }
  const std::string whole = ReadFile(file_).value_or("");
  for (std::size_t at = begin; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    ASSERT_TRUE(WriteFileAtomic(file_, damaged).ok());
    const auto log = MustOpen(file_);
    EXPECT_EQ(log->size(), 1U);
    EXPECT_EQ(Value(*log, 1), "one");
  }
}

TEST_F(KeyLogTest, OtherFilesAndOtherProcessesAreRefused) {
  const auto log = MustOpen(file_);
  const auto second = KeyLog::Open(file_);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("another process"));
  const fs::path other = folder_.path() / "notes.txt";
  for (const char* text : {"hello", "hello, this is a longer text"}) {
    ASSERT_TRUE(WriteFileAtomic(other, text).ok());
    const auto opened = KeyLog::Open(other);
    ASSERT_FALSE(opened.ok());
    EXPECT_THAT(opened.error().message, HasSubstr("notes.txt is not a file of kept values"));
    EXPECT_EQ(ReadFile(other).value_or(""), text);
  }
}

TEST_F(KeyLogTest, ManyThreadsAddAndFind) {
  constexpr int kEach = 200;
  {
    const auto log = MustOpen(file_);
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kEach; ++i) {
          MustAdd(*log, t * kEach + i, std::to_string(i));
          EXPECT_EQ(Value(*log, t * kEach + i), std::to_string(i));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  const auto log = MustOpen(file_);
  EXPECT_EQ(log->size(), 4U * kEach);
  for (int i = 0; i < 4 * kEach; ++i) EXPECT_EQ(Value(*log, i), std::to_string(i % kEach));
}

}  // namespace
}  // namespace arena
