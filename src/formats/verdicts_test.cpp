#include "formats/verdicts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "formats/internal/test_files.h"
#include "formats/internal/test_verdicts.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr auto kAll = {VerdictFormat::kArena, VerdictFormat::kAlpacaEval, VerdictFormat::kLmsys,
                       VerdictFormat::kFastChat, VerdictFormat::kArenaHard};

/// The share of model A with which the format's own tool rates the battle; NaN: void.
double RatedShare(VerdictFormat format, const BattleRecord& record) {
  const auto rated = Outcome(record, DefaultOutcome(format));
  EXPECT_TRUE(rated.ok());
  if (!rated.ok() || rated->count == 0) return std::nan("");
  double sum = 0;
  double weight = 0;
  for (int i = 0; i < rated->count; ++i) {
    const RatedResult& result = rated->results[static_cast<std::size_t>(i)];
    sum += result.share_a * result.weight;
    weight += result.weight;
  }
  return sum / weight;
}

TEST(VerdictsTest, FormatsHaveNamesThatAreReadBack) {
  for (const auto format : kAll) EXPECT_EQ(ParseVerdictFormat(VerdictFormatName(format)), format);
  EXPECT_EQ(VerdictFormatName(VerdictFormat::kArenaHard), "arena-hard");
  EXPECT_EQ(ParseVerdictFormat("alpaca_eval"), std::nullopt);
}

TEST(VerdictsTest, EmptyFilesHaveNoBattles) {
  for (const auto format : kAll) {
    const auto read = ReadVerdictText(format, "");
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.report.rows, 0);
  }
}

TEST(ArenaVerdictsTest, ReadsBothGamesOfABattle) {
  const auto read = ReadVerdictText(
      VerdictFormat::kArena,
      R"({"battle":"9f","instruction":"i1",)"
      R"("category":"math","language":"en","judge":"numeric","model_a":"x","model_b":"y","games":[)"
      R"({"first":"a","score_a":1,"score_b":10,"share_a":0,"explanation":"no"},)"
      R"({"first":"b","score_a":9,"score_b":2.5,"share_a":1,"strong":true}],"time":12.5,)"
      R"("messages":[{"role":"user","content":"q"}],"answer_a":"A","answer_b":"B",)"
      R"("style_a":{"tokens":84,"headers":1,"lists":2,"bold":3},"style_b":null})"
      "\n");
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.battles.size(), 1U);
  const OwnedBattle& battle = read.battles[0];
  EXPECT_EQ(battle.instruction, "i1");
  EXPECT_EQ(battle.category, "math");
  EXPECT_EQ(battle.language, "en");
  EXPECT_EQ(battle.judge, "numeric");
  EXPECT_EQ(battle.model_a, "x");
  EXPECT_EQ(battle.model_b, "y");
  EXPECT_EQ(battle.text_a, "A");
  EXPECT_EQ(battle.text_b, "B");
  EXPECT_EQ(battle.record.time, 12.5);
  EXPECT_EQ(battle.record.style_a, (StyleCounts{84, 1, 2, 3}));
  EXPECT_EQ(battle.record.style_b, std::nullopt);
  ASSERT_EQ(battle.record.game_count, 2);
  const auto& games = battle.record.games;
  EXPECT_TRUE(games[0].a_first);
  EXPECT_FALSE(games[1].a_first);
  EXPECT_FALSE(games[0].strong);
  EXPECT_TRUE(games[1].strong);
  EXPECT_TRUE(games[0].has_scores);
  EXPECT_EQ(games[1].score_b, 2.5);
  EXPECT_EQ(games[0].share_a, 0);
  EXPECT_EQ(RatedShare(VerdictFormat::kArena, battle.record), 0);  // 5 against 6.25
}

TEST(ArenaVerdictsTest, VoidGamesNeedNoShareAndOthersDo) {
  const auto game = [](const std::string& fields) {
    return ReadVerdictText(VerdictFormat::kArena,
                           R"({"model_a":"x","model_b":"y","games":[{)" + fields + "}]}\n");
  };
  const auto read = game(R"("first":"b","void":true,"void_cause":"length")");
  ASSERT_EQ(read.battles.size(), 1U);
  EXPECT_TRUE(read.battles[0].record.games[0].is_void);
  EXPECT_TRUE(std::isnan(RatedShare(VerdictFormat::kArena, read.battles[0].record)));
  EXPECT_THAT(game(R"("first":"b")").error, HasSubstr("f1:1: a game that is not void needs"));
  EXPECT_THAT(game(R"("first":"b","share_a":1.5)").error, HasSubstr("from 0 to 1"));
  EXPECT_THAT(game(R"("first":"c","share_a":1)").error, HasSubstr("\"c\"; known are a, b"));
  EXPECT_THAT(game(R"("share_a":1)").error, HasSubstr("no field \"first\""));
  EXPECT_THAT(game(R"("first":"a","share_a":1,"score_a":3)").error, HasSubstr("both of"));
}

TEST(ArenaVerdictsTest, BattlesOfOtherShapesAreErrors) {
  const auto error = [](const std::string& text) {
    return ReadVerdictText(VerdictFormat::kArena, text + "\n").error;
  };
  EXPECT_THAT(error(R"({"model_a":"x","model_b":"x","games":[{"first":"a","share_a":1}]})"),
              HasSubstr("f1:1: \"x\" meets itself"));
  EXPECT_THAT(error(R"({"model_a":"x","model_b":"","games":[]})"), HasSubstr("no name"));
  EXPECT_THAT(error(R"({"model_a":"x","model_b":"y","games":[]})"), HasSubstr("one game or two"));
  EXPECT_THAT(error(R"({"model_a":"x","model_b":"y","games":[1]})"), HasSubstr("an object"));
  EXPECT_THAT(
      error(
          R"({"model_a":"x","model_b":"y","games":[{"first":"a","share_a":1}],"style_a":{"tokens":-1}})"),
      HasSubstr("\"style_a\" needs a \"tokens\" of 0 or more"));
}

TEST(ArenaVerdictsTest, ATornExportIsReadUpToTheTear) {
  const std::string row = R"({"model_a":"x","model_b":"y","games":[{"first":"a","share_a":1}]})";
  const auto read =
      ReadVerdictText(VerdictFormat::kArena, row + "\n" + row.substr(0, row.size() - 9));
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.report.rows, 1);
  EXPECT_EQ(read.report.bad_rows, 1);
  EXPECT_THAT(read.report.problems, ElementsAre(HasSubstr("f1:2: the last line is torn")));
  // The newline alone may be missing.
  EXPECT_EQ(ReadVerdictText(VerdictFormat::kArena, row + "\n" + row).report.rows, 2);
}

std::string Annotation(const std::string& preference) {
  return R"({"instruction":"Say hi","output_1":"base text","generator_1":"base","dataset":"vicuna",)"
         R"("output_2":"model text","generator_2":"model","annotator":"gpt","preference":)" +
         preference + ",\"price_per_example\":0.01,\"time_per_example\":1.2}";
}

TEST(AlpacaEvalVerdictsTest, PreferenceIsTheShareOfOutputTwo) {
  const auto read = ReadVerdictText(VerdictFormat::kAlpacaEval,
                                    "[\n" + Annotation("1") + ",\n" + Annotation("2.0") + ",\n" +
                                        Annotation("1.25") + ",\n" + Annotation("1.5") + ",\n" +
                                        Annotation("0") + ",\n" + Annotation("null") + "]\n");
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.battles.size(), 6U);
  const OwnedBattle& first = read.battles[0];
  EXPECT_EQ(first.model_a, "model");
  EXPECT_EQ(first.model_b, "base");
  EXPECT_EQ(first.text_a, "model text");
  EXPECT_EQ(first.text_b, "base text");
  EXPECT_EQ(first.instruction, "Say hi");
  EXPECT_EQ(first.category, "vicuna");
  EXPECT_EQ(first.judge, "gpt");
  EXPECT_FALSE(first.record.seats_known);
  const double shares[] = {0, 1, 0.25, 0.5, 0.5};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(RatedShare(VerdictFormat::kAlpacaEval, read.battles[i].record), shares[i]) << i;
  }
  EXPECT_TRUE(read.battles[5].record.games[0].is_void);
}

TEST(AlpacaEvalVerdictsTest, OtherPreferencesAreErrorsWithLineAndRow) {
  const auto error = [](const std::string& preference) {
    return ReadVerdictText(VerdictFormat::kAlpacaEval,
                           "[" + Annotation("1") + ",\n" + Annotation(preference) + "]")
        .error;
  };
  EXPECT_THAT(error("3"), HasSubstr("f1:2: row 2: preference 3 is neither"));
  EXPECT_THAT(error("0.5"), HasSubstr("preference 0.5"));
  EXPECT_THAT(error("\"1\""), HasSubstr("a number or null"));
  EXPECT_THAT(ReadVerdictText(VerdictFormat::kAlpacaEval,
                              R"([{"generator_1":"a","generator_2":"b","instruction":"i"}])")
                  .error,
              HasSubstr("no field \"preference\""));
}

TEST(AlpacaEvalVerdictsTest, PublishedWinRatesComeOut) {
  const std::filesystem::path folder = std::filesystem::path(ARENA_SOURCE_DIR) / ".." / "shared" /
                                       "data" / "alpaca-eval" / "results";
  if (!std::filesystem::exists(folder)) {
    GTEST_SKIP() << "the AlpacaEval annotations are not at " << folder;
  }
  const std::map<std::string, double> published = {
      {"text_davinci_003", 1.96},   {"falcon-7b-instruct", 2.15}, {"alpaca-7b", 2.59},
      {"chatglm2-6b", 2.76},        {"vicuna-7b", 4.16},          {"vicuna-13b", 5.83},
      {"gpt-3.5-turbo-0301", 9.62}, {"claude-2", 17.19}};
  std::vector<std::filesystem::path> files;
  for (const auto& [model, rate] : published)
    files.push_back(folder / (model + ".annotations.json"));
  std::map<std::string, double> sum;
  std::map<std::string, int> count;
  const auto report =
      ReadVerdicts(VerdictFormat::kAlpacaEval, files, {}, [&](const BattleRecord& b) -> Status {
        EXPECT_EQ(b.model_b, "gpt4_1106_preview");
        sum[std::string(b.model_a)] += RatedShare(VerdictFormat::kAlpacaEval, b);
        ++count[std::string(b.model_a)];
        return {};
      });
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->rows, 8 * 805);
  for (const auto& [model, rate] : published) {
    EXPECT_EQ(count[model], 805);
    EXPECT_NEAR(100 * sum[model] / 805, rate, 0.005) << model;
  }
}

std::string PairRow(const std::string& first, const std::string& second) {
  return R"({"question_id":81,"model_1":"x","model_2":"y","g1_winner":")" + first +
         R"(","g2_winner":")" + second +
         R"(","judge":["gpt-4","pair-v2"],"g1_judgment":"..","turn":2,"tstamp":100.5})"
         "\n";
}

TEST(FastChatVerdictsTest, PairJudgmentsAreTwoGamesThatMustAgree) {
  const auto read = ReadVerdictText(VerdictFormat::kFastChat,
                                    PairRow("model_1", "model_1") + PairRow("model_2", "model_2") +
                                        PairRow("model_1", "model_2") + PairRow("tie", "model_1") +
                                        PairRow("error", "model_1"));
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.battles.size(), 5U);
  const OwnedBattle& battle = read.battles[0];
  EXPECT_EQ(battle.model_a, "x");
  EXPECT_EQ(battle.model_b, "y");
  EXPECT_EQ(battle.instruction, "81:2");
  EXPECT_EQ(battle.judge, "gpt-4");
  EXPECT_EQ(battle.record.time, 100.5);
  EXPECT_TRUE(battle.record.games[0].a_first);
  EXPECT_FALSE(battle.record.games[1].a_first);
  const double shares[] = {1, 0, 0.5, 0.5};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(RatedShare(VerdictFormat::kFastChat, read.battles[i].record), shares[i]) << i;
  }
  EXPECT_TRUE(std::isnan(RatedShare(VerdictFormat::kFastChat, read.battles[4].record)));
}

TEST(FastChatVerdictsTest, UnknownWinnersAreErrorsWithFileAndLine) {
  EXPECT_EQ(
      ReadVerdictText(VerdictFormat::kFastChat, PairRow("tie", "tie") + PairRow("tie", "model_a"))
          .error,
      "f1:2: unknown g2_winner \"model_a\"; known are model_1, model_2, tie, error");
}

std::string ScoreRow(const std::string& model, int question, const std::string& score,
                     int turn = 1) {
  return R"({"question_id":)" + std::to_string(question) + R"(,"model":")" + model +
         R"(","judge":["gpt-4","single-v1"],"judgment":"..","score":)" + score + R"(,"turn":)" +
         std::to_string(turn) + "}\n";
}

TEST(FastChatVerdictsTest, SingleScoresArePairedAcrossFilesAtTheEnd) {
  const auto read = ReadVerdictTexts(VerdictFormat::kFastChat,
                                     {ScoreRow("z", 81, "9") + ScoreRow("z", 82, "5"),
                                      ScoreRow("x", 81, "7.5") + ScoreRow("y", 81, "7.55") +
                                          ScoreRow("x", 82, "-1") + ScoreRow("x", 81, "3", 2)});
  ASSERT_EQ(read.error, "");
  std::vector<std::string> met;
  std::vector<double> shares;
  for (const auto& battle : read.battles) {
    met.push_back(battle.instruction + " " + battle.model_a + battle.model_b);
    shares.push_back(RatedShare(VerdictFormat::kFastChat, battle.record));
    EXPECT_FALSE(battle.record.seats_known);
  }
  EXPECT_THAT(met, ElementsAre("81:1 xy", "81:1 xz", "81:1 yz", "82:1 xz"));
  EXPECT_EQ(shares[0], 0.5);  // within the margin
  EXPECT_EQ(shares[1], 0);
  EXPECT_EQ(shares[2], 0);
  EXPECT_TRUE(std::isnan(shares[3]));
  EXPECT_EQ(read.battles[1].record.games[0].score_b, 9);
  VerdictOptions exact;
  exact.score_tie_delta = 0;
  const auto strict = ReadVerdictTexts(
      VerdictFormat::kFastChat,
      {ScoreRow("x", 1, "7.5") + ScoreRow("y", 1, "7.55") + ScoreRow("z", 1, "7.5")}, exact);
  ASSERT_EQ(strict.battles.size(), 3U);
  EXPECT_EQ(strict.battles[0].record.games[0].share_a, 0);
  EXPECT_EQ(strict.battles[1].record.games[0].share_a, 0.5);
}

TEST(FastChatVerdictsTest, BadSingleScoresAreErrors) {
  EXPECT_THAT(
      ReadVerdictText(VerdictFormat::kFastChat, ScoreRow("x", 81, "7") + ScoreRow("x", 81, "8"))
          .error,
      HasSubstr("f1:2: \"x\" already has a score on 81:1 (f1:1)"));
  EXPECT_THAT(ReadVerdictText(VerdictFormat::kFastChat, ScoreRow("x", 81, "-2")).error,
              HasSubstr("score -2"));
  EXPECT_THAT(ReadVerdictText(VerdictFormat::kFastChat, ScoreRow("x", 81, "null")).error,
              HasSubstr("is null"));
  EXPECT_THAT(ReadVerdictText(VerdictFormat::kFastChat, "{\"model\":\"x\",\"score\":1}\n").error,
              HasSubstr("question_id"));
}

std::string HardV01(const std::string& games) {
  return R"({"question_id":"q1","model":"m","judge":"gpt-4","games":[)" + games + "]}\n";
}

TEST(ArenaHardVerdictsTest, ReadsV01WithTheBaselineOfTheOptions) {
  const auto read = ReadVerdictText(
      VerdictFormat::kArenaHard,
      HardV01(R"({"user_prompt":"p","judgment":"j","score":"B>>A"},{"score":"A>B"})") +
          HardV01(R"({"score":"A=B"},{"score":null})") +
          HardV01(R"({"score":"A>>B"},{"score":"B>A"})"));
  ASSERT_EQ(read.error, "");
  ASSERT_EQ(read.battles.size(), 3U);
  const OwnedBattle& battle = read.battles[0];
  EXPECT_EQ(battle.model_a, "m");
  EXPECT_EQ(battle.model_b, "gpt-4-0314");
  EXPECT_EQ(battle.instruction, "q1");
  // The baseline sits first in the first game.
  EXPECT_FALSE(battle.record.games[0].a_first);
  EXPECT_TRUE(battle.record.games[1].a_first);
  const auto rated = Outcome(battle.record, DefaultOutcome(VerdictFormat::kArenaHard));
  ASSERT_TRUE(rated.ok());
  ASSERT_EQ(rated->count, 2);
  EXPECT_EQ(rated->results[0].share_a, 1);
  EXPECT_EQ(rated->results[0].weight, 3);
  EXPECT_EQ(rated->results[1].share_a, 1);
  EXPECT_EQ(rated->results[1].weight, 1);
  // A failed game is left out, the other one counts.
  EXPECT_EQ(Outcome(read.battles[1].record, DefaultOutcome(VerdictFormat::kArenaHard))->count, 1);
  EXPECT_EQ(RatedShare(VerdictFormat::kArenaHard, read.battles[2].record), 0);
  VerdictOptions options;
  options.baseline = "other";
  EXPECT_EQ(ReadVerdictText(VerdictFormat::kArenaHard, HardV01("null"), options).battles[0].model_b,
            "other");
}

TEST(ArenaHardVerdictsTest, ReadsV2WithItsOwnBaseline) {
  const std::string row =
      R"({"uid":"u1","category":"hard_prompt","judge":"gpt-4.1","model":"m","baseline":"o3","games":[)"
      R"({"score":"A<<B","judgment":{"answer":".."},"prompt":[]},null]})"
      "\n";
  const auto read = ReadVerdictText(VerdictFormat::kArenaHard, row);
  ASSERT_EQ(read.error, "");
  const OwnedBattle& battle = read.battles.at(0);
  EXPECT_EQ(battle.model_b, "o3");
  EXPECT_EQ(battle.category, "hard_prompt");
  EXPECT_EQ(battle.instruction, "u1");
  EXPECT_EQ(battle.record.games[0].share_a, 1);
  EXPECT_TRUE(battle.record.games[0].strong);
  EXPECT_TRUE(battle.record.games[1].is_void);
}

TEST(ArenaHardVerdictsTest, UnknownScoresAreErrorsWithTheKnownOnes) {
  EXPECT_EQ(ReadVerdictText(VerdictFormat::kArenaHard, HardV01(R"({"score":"A"})")).error,
            "f1:1: unknown score \"A\"; known are A>>B, A>B, A=B, B>A, B>>A");
  EXPECT_THAT(ReadVerdictText(VerdictFormat::kArenaHard, HardV01("{},{},{}")).error,
              HasSubstr("one game or two"));
  EXPECT_THAT(ReadVerdictText(VerdictFormat::kArenaHard, HardV01("{}")).error,
              HasSubstr("no \"score\""));
  EXPECT_THAT(ReadVerdictText(VerdictFormat::kArenaHard, R"({"uid":"u","model":"m","games":[null]})"
                                                         "\n")
                  .error,
              HasSubstr("no field \"baseline\""));
}

TEST(VerdictsTest, SkippedRowsAreCountedOverAllFilesAndSinkErrorsStop) {
  VerdictOptions options;
  options.read.skip_bad_rows = true;
  const auto read = ReadVerdictTexts(
      VerdictFormat::kFastChat,
      {PairRow("x", "tie") + PairRow("tie", "tie"), "{]\n" + PairRow("tie", "tie")}, options);
  EXPECT_EQ(read.error, "");
  EXPECT_EQ(read.report.rows, 2);
  EXPECT_EQ(read.report.bad_rows, 2);
  EXPECT_THAT(read.report.problems,
              ElementsAre(HasSubstr("f1:1: unknown"), HasSubstr("f2:1: not valid")));
  const std::string text = PairRow("tie", "tie") + PairRow("tie", "tie");
  const std::vector<InputSource> sources = {InputSource::Memory("f", text)};
  int calls = 0;
  const auto stopped = ReadVerdictSources(VerdictFormat::kFastChat, sources, options,
                                          [&](const BattleRecord&) -> Status {
                                            ++calls;
                                            return Cancelled("enough");
                                          });
  ASSERT_FALSE(stopped.ok());
  EXPECT_EQ(stopped.error().code, ErrorCode::kCancelled);
  EXPECT_EQ(calls, 1);
}

TEST(VerdictsTest, FilesMayBeCompressedAndHaveAnyLineEnds) {
  std::string text = PairRow("model_1", "model_1");
  text.insert(text.size() - 1, "\r");
  const TestDirectory directory;
  const std::vector<std::filesystem::path> files = {directory.Write("a.jsonl", text),
                                                    directory.Write("b.jsonl.gz", Gzip(text)),
                                                    directory.Write("c.jsonl.zst", Zstd(text))};
  int battles = 0;
  const auto report =
      ReadVerdicts(VerdictFormat::kFastChat, files, {}, [&](const BattleRecord& b) -> Status {
        battles += b.model_a == "x";
        return {};
      });
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(battles, 3);
  const std::vector<std::filesystem::path> missing = {directory.path() / "none"};
  const auto absent = ReadVerdicts(VerdictFormat::kFastChat, missing, {},
                                   [](const BattleRecord&) -> Status { return {}; });
  ASSERT_FALSE(absent.ok());
  EXPECT_EQ(absent.error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace arena
