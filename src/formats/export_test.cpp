#include "formats/export.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <deque>
#include <sstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "formats/internal/test_files.h"
#include "formats/verdicts.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

GameOutcome Scored(bool a_first, double score_a, double score_b) {
  GameOutcome game;
  game.a_first = a_first;
  game.has_scores = true;
  game.score_a = score_a;
  game.score_b = score_b;
  game.share_a = score_a > score_b ? 1 : score_a < score_b ? 0 : 0.5;
  return game;
}

ExportedBattle MakeBattle(const std::string& id, GameOutcome first, GameOutcome second) {
  ExportedBattle battle;
  battle.battle_key = std::string(31, '0') + id;
  battle.instruction = MakeInstruction("What is 2+2, \"exactly\"?");
  battle.instruction.id = id;
  battle.instruction.category = "math";
  battle.model_a = "alpha";
  battle.model_b = "base";
  battle.judge = "reference";
  battle.turns_a = {"It is\n**4**, of course"};
  battle.turns_b = {"5"};
  battle.record.games = {first, second};
  battle.record.game_count = 2;
  battle.record.style_a = StyleCounts{11, 0, 0, 1};
  battle.record.style_b = StyleCounts{1, 0, 0, 0.5};
  battle.record.time = 1700000000.25;
  battle.explanations = {"4 is right", "5 is wrong"};
  battle.rated.count = 1;
  battle.rated.results[0].share_a = (first.share_a + second.share_a) / 2;
  return battle;
}

// One battle of each kind: won, lost, tied, disagreed, much better, void.
std::deque<ExportedBattle> SampleBattles() {
  GameOutcome no_verdict = Scored(false, 0, 0);
  no_verdict.is_void = true;
  std::deque<ExportedBattle> battles;
  battles.push_back(MakeBattle("1", Scored(true, 6, 5), Scored(false, 8, 6)));
  battles.push_back(MakeBattle("2", Scored(false, 1, 10), Scored(true, 1, 10)));
  battles.push_back(MakeBattle("3", Scored(true, 7, 7), Scored(false, 7, 7)));
  battles.push_back(MakeBattle("4", Scored(true, 6, 5), Scored(false, 5, 6)));
  battles.push_back(MakeBattle("5", Scored(true, 6, 5), no_verdict));
  battles.push_back(MakeBattle("6", Scored(true, 9, 2), Scored(false, 9, 4)));
  battles[4].rated.count = 0;
  battles[5].turns_a = {"caf\xC3\xA9, bad byte: \xFF \"quoted\"\r\n"};
  // The record's views point into the battles, which a deque does not move.
  for (ExportedBattle& battle : battles) {
    battle.record.model_a = battle.model_a;
    battle.record.model_b = battle.model_b;
    battle.record.judge = battle.judge;
    battle.record.category = battle.instruction.category;
    battle.record.instruction = battle.instruction.id;
    battle.record.text_a = battle.turns_a.back();
    battle.record.text_b = battle.turns_b.back();
  }
  return battles;
}

struct Written {
  std::string text;
  std::int64_t left_out = 0;
  std::string error;
};

template <typename Battles>
Written WriteAll(ExportFormat format, const Battles& battles,
                 const std::string& baseline = "base") {
  std::ostringstream out;
  ExportOptions options;
  options.baseline = baseline;
  const auto writer = MakeBattleWriter(format, options, out);
  Written written;
  for (const ExportedBattle& battle : battles) {
    const Status status = writer->Write(battle);
    if (!status.ok() && written.error.empty()) written.error = status.error().message;
  }
  EXPECT_TRUE(writer->Finish().ok());
  written.text = out.str();
  written.left_out = writer->left_out();
  return written;
}

// All that a record says, as text that can be compared and read.
std::string Describe(const BattleRecord& record) {
  std::string text =
      fmt::format("{}|{}|{}|{} v {}|{}|{}|{}", record.instruction, record.category, record.judge,
                  record.model_a, record.model_b, record.text_a, record.text_b, record.time);
  for (std::size_t g = 0; g < static_cast<std::size_t>(record.game_count); ++g) {
    const GameOutcome& game = record.games[g];
    text += game.is_void
                ? fmt::format("|{} void", game.a_first)
                : fmt::format("|{} {}{} {} {}:{}", game.a_first, game.share_a,
                              game.strong ? "!" : "", game.has_scores, game.score_a, game.score_b);
  }
  for (const auto& style : {record.style_a, record.style_b}) {
    if (style) {
      text += fmt::format("|{} {} {} {}", style->tokens, style->headers, style->lists, style->bold);
    }
  }
  return text;
}

std::vector<std::string> ReadBack(VerdictFormat format, const std::string& text) {
  const TestDirectory files;
  const std::array<std::filesystem::path, 1> paths = {files.Write("export", text)};
  std::vector<std::string> rows;
  const auto report = ReadVerdicts(format, paths, {}, [&](const BattleRecord& record) -> Status {
    rows.push_back(Describe(record));
    return {};
  });
  EXPECT_TRUE(report.ok()) << (report.ok() ? "" : report.error().message);
  return rows;
}

// The text of a battle after U+FFFD has replaced what is not UTF-8.
constexpr const char* kMended = "caf\xC3\xA9, bad byte: \xEF\xBF\xBD \"quoted\"\r\n";

TEST(ExportTest, EveryFormatNameIsReadBack) {
  for (const auto format : {ExportFormat::kJsonl, ExportFormat::kCsv, ExportFormat::kLmsys,
                            ExportFormat::kFastChat, ExportFormat::kArenaHard}) {
    EXPECT_EQ(ParseExportFormat(ExportFormatName(format)), format);
  }
}

TEST(ExportTest, OurOwnFormatKeepsEverything) {
  auto battles = SampleBattles();
  const Written written = WriteAll(ExportFormat::kJsonl, battles);
  EXPECT_EQ(written.error, "");
  battles[5].record.text_a = kMended;
  std::vector<std::string> expected;
  for (const ExportedBattle& battle : battles) expected.push_back(Describe(battle.record));
  EXPECT_EQ(ReadBack(VerdictFormat::kArena, written.text), expected);
}

// What a format of one winner a battle keeps of a record.
BattleRecord OneWinner(const ExportedBattle& battle) {
  BattleRecord record = battle.record;
  record.game_count = 1;
  record.games[0] = GameOutcome();
  record.games[0].share_a = battle.rated.results[0].share_a;
  return record;
}

TEST(ExportTest, LmsysAndCsvKeepThePolicysWinnerAndLeaveVoidBattlesOut) {
  auto battles = SampleBattles();
  for (const ExportFormat format : {ExportFormat::kLmsys, ExportFormat::kCsv}) {
    const Written written = WriteAll(format, battles);
    EXPECT_EQ(written.error, "");
    EXPECT_EQ(written.left_out, 1);
    std::vector<std::string> expected;
    for (const ExportedBattle& battle : battles) {
      BattleRecord record = OneWinner(battle);
      if (battle.instruction.id == "6") record.text_a = kMended;
      if (battle.rated.count > 0) expected.push_back(Describe(record));
    }
    EXPECT_EQ(ReadBack(VerdictFormat::kLmsys, written.text), expected);
  }
}

TEST(ExportTest, AWinnerOfTwoResultsIsTheirWeightedMean) {
  auto battles = SampleBattles();
  battles.resize(1);
  battles[0].rated.count = 2;
  battles[0].rated.results = {RatedResult{1, 0.5}, RatedResult{0, 1.5}};
  EXPECT_THAT(WriteAll(ExportFormat::kLmsys, battles).text, HasSubstr(R"("winner":"model_b")"));
  battles[0].rated.results = {RatedResult{0.4, 0.3}, RatedResult{0.6, 0.3}};
  EXPECT_THAT(WriteAll(ExportFormat::kLmsys, battles).text, HasSubstr(R"("winner":"tie")"));
}

// Games in the order in which formats of two games write them.
void SortGames(BattleRecord& record, bool a_first) {
  if (record.games[0].a_first != a_first) std::swap(record.games[0], record.games[1]);
}

TEST(ExportTest, FastChatKeepsTheWinnersOfBothGames) {
  const auto battles = SampleBattles();
  const Written written = WriteAll(ExportFormat::kFastChat, battles);
  EXPECT_EQ(written.error, "");
  std::vector<std::string> expected;
  for (const ExportedBattle& battle : battles) {
    BattleRecord record = battle.record;
    SortGames(record, true);
    for (GameOutcome& game : record.games) {
      game.has_scores = game.strong = false;
      game.score_a = game.score_b = 0;
    }
    const std::string instruction = battle.instruction.id + ":1";
    record.instruction = instruction;
    record.category = record.text_a = record.text_b = "";
    record.style_a = record.style_b = std::nullopt;
    expected.push_back(Describe(record));
  }
  EXPECT_EQ(ReadBack(VerdictFormat::kFastChat, written.text), expected);
}

TEST(ExportTest, ArenaHardKeepsWinnersAndHowClearlyTheyWon) {
  auto battles = SampleBattles();
  const Written written = WriteAll(ExportFormat::kArenaHard, battles);
  EXPECT_EQ(written.error, "");
  std::vector<std::string> expected;
  for (ExportedBattle& battle : battles) {
    BattleRecord record = battle.record;
    SortGames(record, false);
    for (GameOutcome& game : record.games) {
      game.strong = std::abs(game.score_a - game.score_b) >= 3;
      game.has_scores = false;
      game.score_a = game.score_b = 0;
    }
    record.text_a = record.text_b = "";
    record.style_a = record.style_b = std::nullopt;
    record.time = std::numeric_limits<double>::quiet_NaN();
    expected.push_back(Describe(record));
  }
  EXPECT_EQ(ReadBack(VerdictFormat::kArenaHard, written.text), expected);
}

TEST(ExportTest, ArenaHardLabelsAreOfTheSeatsAndTheBaselineSitsFirstInGameZero) {
  auto battles = SampleBattles();
  battles.resize(1);
  battles[0].record.games = {Scored(true, 9, 2), Scored(false, 6, 5)};
  EXPECT_THAT(WriteAll(ExportFormat::kArenaHard, battles).text,
              HasSubstr(R"("games":[{"score":"B>A")"));
  EXPECT_THAT(WriteAll(ExportFormat::kArenaHard, battles).text, HasSubstr(R"({"score":"A>>B")"));
  // The baseline may be model A as well.
  const std::string text = WriteAll(ExportFormat::kArenaHard, battles, "alpha").text;
  EXPECT_THAT(text, HasSubstr(R"("model":"base","baseline":"alpha","games":[{"score":"A>>B")"));
}

TEST(ExportTest, WhatAFormatCannotHoldIsAnErrorThatNamesTheBattle) {
  auto battles = SampleBattles();
  battles.resize(1);
  EXPECT_THAT(WriteAll(ExportFormat::kArenaHard, battles, "").error, HasSubstr("given: none"));
  EXPECT_THAT(WriteAll(ExportFormat::kArenaHard, battles, "other").error,
              HasSubstr("00001 is alpha against base"));
  battles[0].record.game_count = 1;
  for (const auto format : {ExportFormat::kFastChat, ExportFormat::kArenaHard}) {
    const Written written = WriteAll(format, battles);
    EXPECT_THAT(written.error, HasSubstr("has not two games with seats swapped"));
    EXPECT_EQ(written.text, "");
  }
}

TEST(ExportTest, AFullDiskIsReported) {
  auto battles = SampleBattles();
  for (const auto format : {ExportFormat::kJsonl, ExportFormat::kCsv}) {
    std::ostringstream out;
    const auto writer = MakeBattleWriter(format, {}, out);
    ASSERT_TRUE(writer->Write(battles[0]).ok());
    out.setstate(std::ios::badbit);
    EXPECT_FALSE(writer->Write(battles[0]).ok());
    EXPECT_FALSE(writer->Finish().ok());
  }
}

// Files that people and other tools will see change only on purpose: ARENA_UPDATE_GOLDEN=1 writes
// them anew.
TEST(ExportGoldenTest, FilesAreAsTheyWere) {
  const std::filesystem::path folder = ARENA_SOURCE_DIR "/tests/golden/export";
  auto battles = SampleBattles();
  for (const auto& [format, name] : {std::pair{ExportFormat::kJsonl, "battles.jsonl"},
                                     std::pair{ExportFormat::kCsv, "battles.csv"},
                                     std::pair{ExportFormat::kLmsys, "lmsys.jsonl"},
                                     std::pair{ExportFormat::kFastChat, "fastchat.jsonl"},
                                     std::pair{ExportFormat::kArenaHard, "arena-hard.jsonl"}}) {
    const std::string text = WriteAll(format, battles).text;
    if (std::getenv("ARENA_UPDATE_GOLDEN") != nullptr) {
      ASSERT_TRUE(WriteFileAtomic(folder / name, text).ok());
    }
    const auto golden = ReadFile(folder / name);
    ASSERT_TRUE(golden.ok()) << golden.error().message;
    EXPECT_EQ(text, *golden) << name << ": run with ARENA_UPDATE_GOLDEN=1 if this is meant";
  }
}

}  // namespace
}  // namespace arena
