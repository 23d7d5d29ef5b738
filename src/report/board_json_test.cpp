#include "report/board_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "report/report_testing.h"

namespace arena {
namespace {

using testing::HasSubstr;

constexpr BoardJsonOptions kAll{true, true};

std::string ErrorOf(const std::string& text) {
  const Result<Json> json = ParseJson(text);
  EXPECT_TRUE(json.ok()) << text;
  const Result<Board> board = BoardFromJson(*json);
  EXPECT_FALSE(board.ok()) << text;
  return board.ok() ? "" : board.error().message;
}

/// A board document with `members` beside two contestants.
std::string Document(const std::string& members) {
  return R"({"contestants":[{"name":"a","rating":2,"lower":1,"upper":3},)"
         R"({"name":"b","rating":1,"lower":0,"upper":2}])" +
         members + "}";
}

TEST(BoardJsonTest, IsTheApprovedDocument) {
  ExpectGolden("board_small.json", DumpJson(BoardToJson(SmallBoard()), 2) + "\n");
  ExpectGolden("board_full.json", DumpJson(BoardToJson(FullBoard(), kAll), 2) + "\n");
}

TEST(BoardJsonTest, TheMembersThatScriptsRelyOnComeFirst) {
  EXPECT_THAT(DumpJson(BoardToJson(SmallBoard())),
              testing::StartsWith(
                  R"({"method":"bt","ci":"sandwich","seed":1,"battles":7914,"contestants":[)"
                  R"({"name":"175b_verification","rating":1143.271828,"lower":1124.0011,)"
                  R"("upper":1162.5425,"rank":1,"battles":3957,"win_rate":67.32373},)"));
  std::vector<std::string> names;
  const Json json = BoardToJson(SmallBoard());
  for (const auto& member : json.items()) {
    names.push_back(member.key());
  }
  names.resize(6);
  EXPECT_THAT(names,
              testing::ElementsAre("method", "ci", "seed", "battles", "contestants", "warnings"));
}

TEST(BoardJsonTest, ReadingWhatWasWrittenAndWritingItAgainGivesTheSameBytes) {
  for (const Board& board : {SmallBoard(), FullBoard(), LargeBoard(40)}) {
    const std::string text = DumpJson(BoardToJson(board, kAll));
    const Result<Json> json = ParseJson(text);
    ASSERT_TRUE(json.ok());
    const Result<Board> again = BoardFromJson(*json);
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(DumpJson(BoardToJson(*again, kAll)), text);
  }
}

TEST(BoardJsonTest, DifferencesBelowTheSixthDecimalDoNotShow) {
  Board board = SmallBoard();
  board.contestants[0].rating += 1e-9;
  board.contestants[3].win_rate -= 1e-10;
  EXPECT_EQ(DumpJson(BoardToJson(board)), DumpJson(BoardToJson(SmallBoard())));
}

TEST(BoardJsonTest, LargePartsAreWrittenOnlyWhenAskedFor) {
  const Json json = BoardToJson(FullBoard());
  EXPECT_FALSE(json.contains("win_matrix"));
  EXPECT_FALSE(json.contains("draws"));
}

TEST(BoardJsonTest, CategoriesFollowTheBoardOfAll) {
  const Json json = BoardsToJson({SmallBoard(), FullBoard()});
  EXPECT_EQ(json["method"], "bt");
  ASSERT_EQ(json["categories"].size(), 1U);
  EXPECT_EQ(json["categories"][0]["category"], "math & <code>");
  EXPECT_FALSE(BoardsToJson({SmallBoard()}).contains("categories"));
  EXPECT_TRUE(BoardsToJson({}).is_null());
  EXPECT_TRUE(BoardFromJson(json).ok());
}

TEST(BoardFromJsonTest, NeedsOnlyNamesRatingsAndBounds) {
  const Result<Board> board = BoardFromJson(
      *ParseJson(R"({"contestants":[{"name":"low","rating":1,"lower":0,"upper":2},)"
                 R"({"name":"high","rating":9,"lower":8,"upper":10,"later":true}],"other":{}})"));
  ASSERT_TRUE(board.ok()) << board.error().message;
  EXPECT_EQ(board->contestants[0].name, "high");
  EXPECT_EQ(board->contestants[0].rank, 1);
  EXPECT_EQ(board->contestants[1].rank, 2);
}

TEST(BoardFromJsonTest, SaysWhichMemberIsWrong) {
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("must be an object"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("contestants"));
  EXPECT_THAT(ErrorOf(R"({"contestants":[]})"), HasSubstr("at least one"));
  EXPECT_THAT(ErrorOf(R"({"contestants":[7]})"), HasSubstr("contestants[0] must be an object"));
  EXPECT_THAT(ErrorOf(R"({"contestants":[{"name":"a","lower":1,"upper":2}]})"),
              HasSubstr("contestants[0].rating must be a number"));
  EXPECT_THAT(ErrorOf(R"({"contestants":[{"name":"a","rating":null,"lower":1,"upper":2}]})"),
              HasSubstr("contestants[0].rating"));
  EXPECT_THAT(ErrorOf(R"({"contestants":[{"name":1,"rating":1,"lower":1,"upper":2}]})"),
              HasSubstr("contestants[0].name must be a string"));
  EXPECT_THAT(ErrorOf(R"({"contestants":[{"name":"a","rating":1,"lower":3,"upper":2}]})"),
              HasSubstr("lower 3 is above upper 2"));
  EXPECT_THAT(ErrorOf(Document(R"(,"seed":-1)")), HasSubstr("seed"));
  EXPECT_THAT(ErrorOf(Document(R"(,"battles":1.5)")), HasSubstr("battles"));
  EXPECT_THAT(ErrorOf(Document(R"(,"level":95)")), HasSubstr("level must be between 0 and 1"));
  EXPECT_THAT(ErrorOf(Document(R"(,"level":null)")), HasSubstr("level"));
  EXPECT_THAT(ErrorOf(Document(R"(,"warnings":[1])")), HasSubstr("warnings"));
  EXPECT_THAT(ErrorOf(Document(R"(,"style":{})")), HasSubstr("style"));
  EXPECT_THAT(ErrorOf(Document(R"(,"draws":[[1,2],[1]])")), HasSubstr("draws"));
  EXPECT_THAT(ErrorOf(Document(R"(,"draws":[[1,"2"]])")), HasSubstr("draws"));
  EXPECT_THAT(ErrorOf(Document(R"(,"win_matrix":{"battles":[[0,1]],"win_rate":[[null,1]]})")),
              HasSubstr("win_matrix"));
  EXPECT_THAT(ErrorOf(Document(R"(,"bootstrap_rounds":3000000000)")),
              HasSubstr("bootstrap_rounds"));
}

TEST(BoardFromJsonTest, ANameTwiceIsAnError) {
  EXPECT_THAT(ErrorOf(R"({"contestants":[{"name":"a","rating":2,"lower":1,"upper":3},)"
                      R"({"name":"a","rating":1,"lower":0,"upper":2}]})"),
              HasSubstr("\"a\" is listed twice"));
}

TEST(BoardFromJsonTest, DrawsOfAnUnsortedBoardWouldBeMisread) {
  EXPECT_THAT(ErrorOf(R"({"contestants":[{"name":"a","rating":1,"lower":0,"upper":2},)"
                      R"({"name":"b","rating":2,"lower":1,"upper":3}],"draws":[[1,2]]})"),
              HasSubstr("ordered best first"));
}

TEST(SortAndRankTest, RanksCountThoseWhoseIntervalsLieAbove) {
  Board board;
  board.contestants = {{"d", 0, -1, 1, 0, 0, 0, 0, 0, 0, {}},
                       {"b", 9, 4, 12, 0, 0, 0, 0, 0, 0, {}},
                       {"a", 10, 8, 12, 0, 0, 0, 0, 0, 0, {}},
                       {"c", 5, 3, 7, 0, 0, 0, 0, 0, 0, {}}};
  SortAndRank(board);
  std::vector<std::pair<std::string, int>> ranks;
  for (const BoardRow& row : board.contestants) {
    ranks.emplace_back(row.name, row.rank);
  }
  EXPECT_THAT(ranks, testing::ElementsAre(std::pair("a", 1), std::pair("b", 1), std::pair("c", 2),
                                          std::pair("d", 4)));
}

}  // namespace
}  // namespace arena
