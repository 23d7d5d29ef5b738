#include "flywheel/internal/replay.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <sstream>

#include "base/file.h"

namespace arena::flywheel_internal {
namespace {

namespace fs = std::filesystem;

class ReplayTest : public testing::Test {
 protected:
  ReplayTest() : folder_(fs::temp_directory_path() / ("replay-" + std::to_string(getpid()))) {
    fs::create_directories(folder_);
    std::string rows;
    for (int i = 0; i < 100; ++i) rows += std::to_string(i) + "\n";
    Write("first", rows);
    Write("second", "100\n101\n");
    Write("new", "a\nb\nc\nd\n");
  }
  ~ReplayTest() override { fs::remove_all(folder_); }

  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(WriteFileAtomic(folder_ / name, text).ok());
  }

  std::vector<int> Draw(double ratio, std::uint64_t seed) {
    const Status status =
        WriteReplay({folder_ / "first", folder_ / "second"},
                    {.rows_of = folder_ / "new", .ratio = ratio, .seed = seed}, folder_ / "out");
    EXPECT_TRUE(status.ok());
    std::istringstream lines(ReadFile(folder_ / "out").value());
    std::vector<int> rows;
    for (int row = 0; lines >> row;) rows.push_back(row);
    return rows;
  }

  const fs::path folder_;
};

TEST_F(ReplayTest, DrawsTheRatioInTheirOrder) {
  const std::vector<int> rows = Draw(2.5, 1);
  EXPECT_EQ(rows.size(), 10U);
  EXPECT_TRUE(std::is_sorted(rows.begin(), rows.end()));
  EXPECT_EQ(std::set<int>(rows.begin(), rows.end()).size(), 10U);
  EXPECT_EQ(Draw(2.5, 1), rows);
  EXPECT_NE(Draw(2.5, 2), rows);
}

TEST_F(ReplayTest, TakesAllWhereThereAreFewer) {
  EXPECT_EQ(Draw(1000, 1).size(), 102U);
  EXPECT_TRUE(Draw(0, 1).empty());
}

TEST_F(ReplayTest, EveryRowIsAsLikely) {
  // 400 draws of 10 of 102 rows: each is expected 39.2 times, with a deviation of 5.9.
  std::vector<int> counts(102);
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    for (const int row : Draw(2.5, seed)) ++counts[static_cast<std::size_t>(row)];
  }
  for (const int count : counts) {
    EXPECT_GT(count, 9);
    EXPECT_LT(count, 70);
  }
}

}  // namespace
}  // namespace arena::flywheel_internal
