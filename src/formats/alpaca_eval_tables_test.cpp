#include "formats/alpaca_eval_tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

class AlpacaEvalTablesTest : public ::testing::Test {
 protected:
  std::filesystem::path Write(std::string_view text) {
    file_ = std::filesystem::temp_directory_path() /
            ("arena_tables_" + std::to_string(::getpid()) + ".csv");
    EXPECT_TRUE(WriteFileAtomic(file_, text).ok());
    return file_;
  }
  ~AlpacaEvalTablesTest() override { std::filesystem::remove(file_); }
  std::filesystem::path file_;
};

TEST_F(AlpacaEvalTablesTest, AGamedTableGivesRowsAndDifficulties) {
  const auto table = ReadGamedTable(
      Write("model,preference,index,std_delta_len,instruction_difficulty,not_gamed_baseline\n"
            "concise,0.25,0,1.5,-0.5,False\nverbose,0.75,1,-2,0.125,False\n"
            "verbose,0.5,0,-1,-0.5,False\n"));
  ASSERT_TRUE(table.ok()) << table.error().message;
  ASSERT_EQ(table->rows.size(), 3U);
  EXPECT_EQ(table->rows[1].model, "verbose");
  EXPECT_EQ(table->rows[1].std_delta_len, -2);
  EXPECT_THAT(table->difficulty, ElementsAre(Pair(0, -0.5), Pair(1, 0.125)));
}

TEST_F(AlpacaEvalTablesTest, ErrorsNameTheLine) {
  const auto fail = [&](std::string_view rows) {
    return ReadGamedTable(Write("model,preference,index,std_delta_len,instruction_difficulty\n" +
                                std::string(rows)))
        .error()
        .message;
  };
  EXPECT_THAT(fail("a,0.5,0,1,0.1\na,x,0,1,0.1\n"), HasSubstr(":3: preference \"x\""));
  EXPECT_THAT(fail("a,1.5,0,1,0.1\n"), HasSubstr("between 0 and 1"));
  EXPECT_THAT(fail("a,0.5,0,1,0.1\na,0.5,0,1,0.2\n"), HasSubstr("another difficulty"));
  EXPECT_THAT(fail("a,0.5,0.5,1,0.1\n"), HasSubstr("not the position"));
}

TEST_F(AlpacaEvalTablesTest, ADifficultyTableIsReadByPosition) {
  const auto table = ReadDifficultyTable(Write("index,instruction_difficulty\n0,1.5\n1,-2\n"));
  EXPECT_THAT(*table, ElementsAre(Pair(0, 1.5), Pair(1, -2)));
}

}  // namespace
}  // namespace arena
