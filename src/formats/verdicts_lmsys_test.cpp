#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/internal/test_files.h"
#include "formats/internal/test_verdicts.h"
#include "formats/verdicts.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

ReadBattles Read(const std::string& text, const VerdictOptions& options = {}) {
  return ReadVerdictText(VerdictFormat::kLmsys, text, options);
}

std::vector<double> Shares(const ReadBattles& read) {
  EXPECT_EQ(read.error, "");
  std::vector<double> shares;
  for (const auto& battle : read.battles) shares.push_back(battle.record.games[0].share_a);
  return shares;
}

TEST(LmsysVerdictsTest, TheSameVotesAsCsvTsvJsonAndJsonl) {
  const std::vector<std::string> labels = {"model_a", "model_b", "tie", "tie (bothbad)",
                                           "both_bad"};
  std::string csv = "model_a,model_b,winner,language,judge,tstamp\n";
  std::string tsv = "model_a\tmodel_b\twinner\n";
  std::string jsonl;
  std::string array;
  for (const auto& label : labels) {
    csv += "x,\"y, 2\"," + label + ",English,arena_user_7,1682351591.1322\r\n";
    tsv += "x\ty, 2\t" + label + "\n";
    const std::string row =
        R"({"model_a":"x","model_b":"y, 2","winner":")" + label +
        R"(","judge":"arena_user_7","turn":1,"anony":true,"language":"English","tstamp":1682351591.1322})";
    jsonl += row + "\n";
    array += (array.empty() ? "[" : ",") + row;
  }
  for (const std::string& text : {csv, tsv, jsonl, array + "]", Gzip(csv), Zstd(jsonl)}) {
    const auto read = Read(text);
    EXPECT_THAT(Shares(read), ElementsAre(1, 0, 0.5, 0.5, 0.5));
    ASSERT_EQ(read.battles.size(), 5U);
    EXPECT_EQ(read.battles[0].model_b, "y, 2");
    EXPECT_TRUE(read.battles[0].record.seats_known);
    EXPECT_EQ(read.battles[0].instruction, "");
    if (text == tsv) continue;
    EXPECT_EQ(read.battles[0].language, "English");
    EXPECT_EQ(read.battles[0].judge, "arena_user_7");
    EXPECT_DOUBLE_EQ(read.battles[0].record.time, 1682351591.1322);
  }
}

TEST(LmsysVerdictsTest, UnknownWinnersAreErrorsWithFileAndLine) {
  EXPECT_EQ(
      Read("model_a,model_b,winner\nx,y,tie\nx,y,draw\n").error,
      "f1:3: unknown winner \"draw\"; known are model_a, model_b, tie, tie (bothbad), both_bad");
  EXPECT_THAT(Read("model_a,model_b,winner\nx,y,\n").error, HasSubstr("f1:2: unknown winner \"\""));
  EXPECT_THAT(Read("model_a,model_b,winner\nx,x,tie\n").error,
              HasSubstr("f1:2: \"x\" meets itself"));
  EXPECT_THAT(Read("{\"model_a\":\"x\",\"model_b\":\"y\",\"winner\":\"Tie\"}\n").error,
              HasSubstr("f1:1: unknown winner \"Tie\""));
  EXPECT_THAT(Read("{\"model_a\":\"x\",\"model_b\":\"y\",\"winner\":null}\n").error,
              HasSubstr("is null"));
  EXPECT_THAT(Read("model_a,model_b,winer\n").error, HasSubstr("did you mean \"winer\"?"));
}

TEST(LmsysVerdictsTest, BadRowsOfACsvAreSkippedWhereAsked) {
  VerdictOptions options;
  options.read.skip_bad_rows = true;
  const auto read = Read("model_a,model_b,winner\nx,y,draw\nx,y\n\"x\"z,y,tie\nx,y,tie\n", options);
  EXPECT_THAT(Shares(read), ElementsAre(0.5));
  EXPECT_EQ(read.report.bad_rows, 3);
  EXPECT_THAT(read.report.problems.at(1), HasSubstr("f1:3: the row has 2 fields"));
}

TEST(LmsysVerdictsTest, ColumnsMayHaveOtherNames) {
  VerdictOptions options;
  options.columns = {
      {"model_a", "left"}, {"model_b", "right"}, {"winner", "vote"}, {"instruction", "q"}};
  for (const std::string text :
       {"left,right,vote,q\nx,y,model_b,who?\n",
        "{\"left\":\"x\",\"right\":\"y\",\"vote\":\"model_b\",\"q\":\"who?\"}\n"}) {
    const auto read = Read(text, options);
    EXPECT_THAT(Shares(read), ElementsAre(0));
    EXPECT_EQ(read.battles.at(0).instruction, "who?");
  }
  options.columns = {{"winer", "vote"}};
  EXPECT_THAT(Read("a\n", options).error, HasSubstr("did you mean \"winner\"?"));
}

TEST(LmsysVerdictsTest, FlatStyleColumnsAreReadFromCsvAndJson) {
  const std::string csv =
      "model_a,model_b,winner,instruction,category,sum_assistant_a_tokens,header_count_a,list_"
      "count_a,"
      "bold_count_a,sum_assistant_b_tokens,header_count_b,list_count_b,bold_count_b\n"
      "x,y,tie,i1,math,100,1,2,3,50.5,0,0,9\nx,y,tie,i1,math,,1,2,3,7,0,0,9\n";
  const auto read = Read(csv);
  ASSERT_EQ(read.error, "");
  EXPECT_EQ(read.battles.at(0).record.style_a, (StyleCounts{100, 1, 2, 3}));
  EXPECT_EQ(read.battles[0].record.style_b, (StyleCounts{50.5, 0, 0, 9}));
  EXPECT_EQ(read.battles[0].instruction, "i1");
  EXPECT_EQ(read.battles[0].category, "math");
  EXPECT_EQ(read.battles.at(1).record.style_a, std::nullopt);  // not counted, and not 0
  EXPECT_THAT(Read("model_a,model_b,winner,sum_assistant_a_tokens\nx,y,tie,many\n").error,
              HasSubstr("f1:2: unknown sum_assistant_a_tokens \"many\""));
  EXPECT_THAT(Read("model_a,model_b,winner,sum_assistant_a_tokens\nx,y,tie,-1\n").error,
              HasSubstr("0 or more"));
  const auto json = Read(
      R"({"model_a":"x","model_b":"y","winner":"tie","sum_assistant_a_tokens":4,"list_count_a":2})"
      "\n");
  EXPECT_EQ(json.battles.at(0).record.style_a, (StyleCounts{4, 0, 2, 0}));
  EXPECT_EQ(json.battles[0].record.style_b, std::nullopt);
}

TEST(LmsysVerdictsTest, ReadsTheConversationRelease) {
  const auto read = Read(
      R"([{"question_id":"58210e","model_a":"x","model_b":"y","winner":"model_a","judge":"u","conversation_a":[)"
      R"({"content":"q1","role":"user","num_tokens":2},{"content":"a1","role":"assistant"},)"
      R"({"content":"q2","role":"user"},{"content":"a2","role":"assistant"}],)"
      R"("conversation_b":[{"content":"q1","role":"user"},{"content":"b1","role":"assistant"}],"turn":2}])");
  ASSERT_EQ(read.error, "");
  EXPECT_EQ(read.battles.at(0).instruction, "58210e");
  EXPECT_EQ(read.battles[0].text_a, "a1\n\na2");
  EXPECT_EQ(read.battles[0].text_b, "b1");
}

TEST(LmsysVerdictsTest, ReadsThe140kRelease) {
  const auto read = Read(
      R"({"id":"9","model_a":"x","model_b":"y","winner":"both_bad","evaluation_order":1,"conversation_a":[)"
      R"({"role":"user","content":[{"type":"text","text":"look","image":null,"mimeType":null},{"type":"image","image":"u"}]},)"
      R"({"role":"assistant","content":[{"type":"text","text":"seen"}]}],"conversation_b":[],)"
      R"("conv_metadata":{"sum_assistant_a_tokens":30,"context_a_tokens":5,"header_count_a":{"h1":1,"h2":2,"h3":null},)"
      R"("list_count_a":{"ordered":4,"unordered":5},"bold_count_a":{"**":6,"__":1},)"
      R"("sum_assistant_b_tokens":0,"header_count_b":{},"list_count_b":{},"bold_count_b":{}},)"
      R"("category_tag":{"math_v0.1":{"math":false}},"language":"en","is_code":false})"
      "\n");
  EXPECT_THAT(Shares(read), ElementsAre(0.5));
  const OwnedBattle& battle = read.battles.at(0);
  EXPECT_EQ(battle.instruction, "look");
  EXPECT_EQ(battle.text_a, "seen");
  EXPECT_EQ(battle.language, "en");
  EXPECT_EQ(battle.record.style_a, (StyleCounts{30, 3, 9, 7}));
  EXPECT_EQ(battle.record.style_b, (StyleCounts{0, 0, 0, 0}));
}

TEST(LmsysVerdictsTest, ReadsThe55kRelease) {
  const std::string header =
      "id,model_a,model_b,prompt,response_a,response_b,winner_model_a,winner_model_b,winner_tie\n";
  const auto read = Read(
      header +
      "1,x,y,\"[\"\"q1\"\",\"\"q2\"\"]\",\"[\"\"a1\"\",\"\"a2\"\"]\",\"[\"\"b1\"\",null]\",1,0,0\n"
      "2,x,y,[\"q\"],[not json,plain,0,1,0\n3,x,y,q,a,b,0,0,1\n");
  EXPECT_THAT(Shares(read), ElementsAre(1, 0, 0.5));
  EXPECT_EQ(read.battles.at(0).instruction, "[\"q1\",\"q2\"]");
  EXPECT_EQ(read.battles[0].text_a, "a1\n\na2");
  EXPECT_EQ(read.battles[0].text_b, "b1");
  EXPECT_EQ(read.battles[1].text_a, "[not json");
  EXPECT_THAT(Read(header + "1,x,y,q,a,b,1,1,0\n").error, HasSubstr("exactly one of"));
  EXPECT_THAT(Read(header + "1,x,y,q,a,b,0,0,0\n").error, HasSubstr("exactly one of"));
  EXPECT_THAT(Read(header + "1,x,y,q,a,b,2,0,0\n").error,
              HasSubstr("unknown winner_model_a \"2\"; known are 0, 1"));
  EXPECT_THAT(
      Shares(Read(
          R"({"model_a":"x","model_b":"y","winner_model_a":0,"winner_model_b":0,"winner_tie":1})"
          "\n")),
      ElementsAre(0.5));
  EXPECT_THAT(
      Read(R"({"model_a":"x","model_b":"y","winner_model_a":0,"winner_model_b":0,"winner_tie":0.5})"
           "\n")
          .error,
      HasSubstr("should be 0 or 1"));
}

}  // namespace
}  // namespace arena
