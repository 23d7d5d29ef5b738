// The files of a selection: accounting, provenance, repetition, earlier data, the data card.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/rng.h"
#include "flywheel/selection_testing.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) rows.push_back(line);
  return rows;
}

Json Parse(const std::string& text) { return ParseJson(text).value_or(Json()); }

std::set<std::string> Members(const std::vector<std::string>& lines, const char* name) {
  std::set<std::string> values;
  for (const std::string& line : lines) values.insert(Parse(line)[name].get<std::string>());
  return values;
}

class FilesTest : public SelectionTest {
 protected:
  FilesTest() { settings_.target = "target"; }

  // Battles of the target with three rivals, in every state, as the seed says.
  void PutRandomArena(std::uint64_t seed, int questions) {
    Rng rng(seed);
    const auto score = [&] { return static_cast<double>(1 + rng.Below(10)); };
    for (int q = 0; q < questions; ++q) {
      const Instruction question =
          Question("question " + std::to_string(q), q % 3 == 0 ? "even" : "odd");
      const Side target = {"target", {Word(rng)}, {score(), score()}};
      for (const char* rival : {"alpha", "beta", "gamma"}) {
        Side side = {rival, {Word(rng)}, {score(), score()}};
        Side mine = target;
        mine.scores = {score(), rng.Below(10) == 0 ? -1 : score()};
        PutBattle(question, mine, side);
      }
      PutBattle(question, {"alpha", {"a"}, {score(), score()}},
                {"beta", {"b"}, {score(), score()}});
    }
  }

  // Few words, so that some answers are equal and some are empty.
  static std::string Word(Rng& rng) {
    constexpr std::array<const char*, 5> kWords = {"yes", "no", "42", "It depends.", ""};
    return kWords[rng.Below(kWords.size())];
  }

  SelectionSettings settings_;
};

std::vector<SelectionSettings> ManySettings() {
  std::vector<SelectionSettings> all;
  for (const TrainingKind kind :
       {TrainingKind::kSft, TrainingKind::kDpo, TrainingKind::kRewardModel, TrainingKind::kKto,
        TrainingKind::kPpo}) {
    SelectionSettings settings;
    settings.target = "target";
    settings.kind = kind;
    settings.format = DefaultTrainerFormat(kind);
    all.push_back(settings);
    settings.k = 2;
    settings.rival_choice = RivalChoice::kEach;
    settings.pairs = PairChoice::kAll;
    settings.disagreement = DisagreementRule::kDownWeight;
    settings.size = 9;
    all.push_back(settings);
    settings.by = SelectionRule::kRandom;
    settings.disagreement = DisagreementRule::kExclude;
    settings.min_score = 6;
    all.push_back(settings);
    settings.by = SelectionRule::kBattles;
    settings.pairs = PairChoice::kLosses;
    all.push_back(settings);
  }
  return all;
}

TEST_F(FilesTest, EveryBattleIsSelectedOrDroppedWithAReason) {
  PutRandomArena(7, 25);
  for (const SelectionSettings& settings : ManySettings()) {
    const DataCard card = MustSelect(settings);
    const auto origins = Lines(Text(".provenance.jsonl"));
    const auto dropped = Lines(Text(".dropped.jsonl"));
    EXPECT_EQ(Lines(Text(".jsonl")).size(), origins.size());
    EXPECT_EQ(static_cast<std::int64_t>(origins.size()), card.rows);
    const auto selected_battles = Members(origins, "battle");
    const auto dropped_battles = Members(dropped, "battle");
    EXPECT_EQ(static_cast<std::int64_t>(selected_battles.size()), card.selected);
    EXPECT_EQ(dropped_battles.size(), dropped.size());
    for (const std::string& battle : selected_battles) EXPECT_EQ(dropped_battles.count(battle), 0U);
    const bool with_rivals = settings.pairs == PairChoice::kAll &&
                             settings.kind != TrainingKind::kSft &&
                             settings.by == SelectionRule::kBattles;
    EXPECT_EQ(card.battles, with_rivals ? 100 : 75);
    std::int64_t sum = card.selected;
    std::map<std::string, std::int64_t> reasons;
    for (const std::string& line : dropped) ++reasons[Parse(line)["reason"]];
    for (const auto& [reason, count] : card.dropped) {
      sum += count;
      EXPECT_EQ(count, reasons.count(reason) > 0 ? reasons[reason] : 0) << reason;
    }
    EXPECT_EQ(sum, card.battles);
    if (settings.size > 0) {
      EXPECT_LE(card.selected, settings.size);
    }
    std::int64_t by_pair = 0;
    for (const CardPair& pair : card.pairs) {
      EXPECT_EQ(pair.battles, pair.a_won + pair.tied + pair.b_won + pair.voided);
      by_pair += pair.selected;
    }
    EXPECT_EQ(by_pair, card.selected);
  }
}

TEST_F(FilesTest, RowsStandInTheOrderOfBattleKeysAndRepeatByteForByte) {
  PutRandomArena(8, 20);
  for (const SelectionSettings& settings : ManySettings()) {
    MustSelect(settings);
    std::vector<std::string> battles;
    for (const std::string& line : Lines(Text(".provenance.jsonl"))) {
      battles.push_back(Parse(line)["battle"]);
    }
    EXPECT_TRUE(std::is_sorted(battles.begin(), battles.end()));
    const std::vector<std::string> files = {Text(".jsonl"), Text(".provenance.jsonl"),
                                            Text(".dropped.jsonl"), Text(".card.json")};
    std::filesystem::remove_all(folder_.path() / "data");
    MustSelect(settings);
    EXPECT_EQ(files, (std::vector<std::string>{Text(".jsonl"), Text(".provenance.jsonl"),
                                               Text(".dropped.jsonl"), Text(".card.json")}));
  }
}

TEST_F(FilesTest, TheProvenanceNamesBattleGamesAndScores) {
  const Key battle =
      PutBattle(Question("q", "math"), {"target", {"bad"}, {3, 4}}, {"strong", {"good"}, {9, 8}});
  MustSelect(settings_);
  const Json origin = Parse(Text(".provenance.jsonl"));
  EXPECT_EQ(origin["battle"], battle.Hex());
  EXPECT_EQ(origin["instruction"], Question("q").key.Hex());
  EXPECT_EQ(origin["instruction_id"], "q");
  EXPECT_EQ(origin["category"], "math");
  EXPECT_EQ(origin["by"], "battles");
  EXPECT_EQ(origin["judge"], "judge");
  EXPECT_EQ(origin["chosen"], "strong");
  EXPECT_EQ(origin["against"], "target");
  EXPECT_EQ(origin["chosen_score"], 8.5);
  EXPECT_EQ(origin["against_score"], 3.5);
  EXPECT_EQ(origin["margin"], 5);
  EXPECT_EQ(origin["disagreement"], false);
  ASSERT_EQ(origin["games"].size(), 2U);
  for (const Json& game : origin["games"]) {
    const bool target_first = game["first"] == "target";
    EXPECT_EQ(game["second"], target_first ? "strong" : "target");
    EXPECT_GT(game[target_first ? "score_second" : "score_first"],
              game[target_first ? "score_first" : "score_second"]);
  }
}

TEST_F(FilesTest, NothingIsLeftWhenWritingFails) {
  PutSimple("q", 3, "strong", 9);
  std::filesystem::create_directories(DataFile("out"));  // a folder in the data file's place
  EXPECT_NE(SelectError(settings_), "");
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder_.path() / "data")) {
    left.push_back(entry.path().filename());
  }
  EXPECT_THAT(left, testing::ElementsAre("out.jsonl"));
}

TEST_F(FilesTest, LlamaFactoryFindsItsDatasetInfo) {
  PutSimple("q", 3, "strong", 9);
  settings_.format = TrainerFormat::kLlamaFactory;
  MustSelect(settings_, {}, "one");
  settings_.kind = TrainingKind::kDpo;
  MustSelect(settings_, {}, "two");
  const Json info = Parse(ReadFile(folder_.path() / "data/dataset_info.json").value_or(""));
  EXPECT_EQ(info["one"]["file_name"], "one.jsonl");
  EXPECT_EQ(info["two"]["ranking"], true);
  Must(WriteFileAtomic(folder_.path() / "data/dataset_info.json", "no"));
  EXPECT_THAT(SelectError(settings_), HasSubstr("dataset_info.json"));
}

class EarlierTest : public FilesTest {
 protected:
  // Twelve lost battles in two shards of six; the first shard is selected as "one".
  EarlierTest() {
    for (int i = 0; i < 12; ++i) {
      const std::string question = "q" + std::to_string(i);
      PutSimple(question, 3, "strong", 9);
      (i < 6 ? first_ : second_).insert(Question(question).key);
    }
    SelectionInputs inputs;
    inputs.instructions = &first_;
    MustSelect(settings_, inputs, "one");
    inputs_.instructions = &second_;
    inputs_.earlier = {DataFile("one")};
  }

  std::unordered_set<Key, KeyHash> first_;
  std::unordered_set<Key, KeyHash> second_;
  SelectionInputs inputs_;
};

TEST_F(EarlierTest, AccumulateKeepsAllRowsBeforeTheNewOnes) {
  const DataCard card = MustSelect(settings_, inputs_, "two");
  EXPECT_EQ(card.rows, 12);
  EXPECT_EQ(card.earlier.kept, 6);
  const auto rows = Lines(Text(".jsonl", "two"));
  const auto earlier = Lines(Text(".jsonl", "one"));
  EXPECT_TRUE(std::equal(earlier.begin(), earlier.end(), rows.begin()));
  EXPECT_EQ(Lines(Text(".provenance.jsonl", "two")).size(), 12U);
  // Rows that came twice are written once.
  inputs_.earlier = {DataFile("one"), DataFile("two")};
  const DataCard third = MustSelect(settings_, inputs_, "three");
  EXPECT_EQ(third.rows, 12);
  EXPECT_EQ(third.earlier.rows, 18);
  EXPECT_EQ(third.earlier.repeated, 12) << "six of the first file again, six are selected anew";
}

TEST_F(EarlierTest, TheRatioOfReplayLimitsThem) {
  settings_.replay = 0;
  EXPECT_EQ(MustSelect(settings_, inputs_, "none").rows, 6);
  settings_.replay = 0.5;
  const DataCard half = MustSelect(settings_, inputs_, "half");
  EXPECT_EQ(half.rows, 9);
  EXPECT_EQ(half.earlier.kept, 3);
  EXPECT_EQ(half.earlier.not_drawn, 3);
  const auto drawn = Text(".jsonl", "half");
  settings_.seed = 3;
  MustSelect(settings_, inputs_, "half");
  EXPECT_NE(Text(".jsonl", "half"), drawn);
  settings_.replay = 100;
  EXPECT_EQ(MustSelect(settings_, inputs_, "many").rows, 12);
}

TEST_F(EarlierTest, TheTestSetHoldsForEarlierRowsToo) {
  TestSet test_set;
  test_set.Add(MakeInstruction("Q0").conversation);
  inputs_.test_set = &test_set;
  const DataCard card = MustSelect(settings_, inputs_, "two");
  EXPECT_EQ(card.earlier.in_test_set, 1);
  EXPECT_EQ(card.rows, 11);
}

TEST_F(EarlierTest, DataThatDoesNotFitIsAnError) {
  settings_.format = TrainerFormat::kTrl;
  EXPECT_THAT(SelectError(settings_, inputs_),
              HasSubstr("holds sft data in the format messages, and this is sft in trl"));
  settings_.format = TrainerFormat::kMessages;
  Must(WriteFileAtomic(DataFile("one"), Text(".jsonl", "one") + "{}\n"));
  EXPECT_THAT(SelectError(settings_, inputs_), HasSubstr("equally many lines"));
  Must(WriteFileAtomic(folder_.path() / "data/one.provenance.jsonl", "{}\n"));
  EXPECT_THAT(SelectError(settings_, inputs_), HasSubstr("one.provenance.jsonl:1"));
  inputs_.earlier = {folder_ / "mine.jsonl"};
  EXPECT_THAT(SelectError(settings_, inputs_), HasSubstr("mine.card.json"));
}

TEST_F(FilesTest, TheCardIsAsApproved) {
  PutBattle(Question("What is 2+2?", "math"), {"target", {"5"}, {2, 3}},
            {"strong", {"4"}, {10, 9}});
  PutBattle(Question("What is 2+2?", "math"), {"target", {"5"}, {2, 3}}, {"weak", {"6"}, {2, 2}});
  PutBattle(Question("Name a colour."), {"target", {"red"}, {8, 8}}, {"strong", {"blue"}, {8, 8}});
  PutBattle(Question("Void"), {"target", {"x"}, {-1, 8}}, {"strong", {"y"}, {-1, 8}});
  PutBattle(Question("In the test set"), {"target", {"x"}, {1, 1}}, {"strong", {"y"}, {9, 9}});
  TestSet test_set;
  test_set.Add(MakeInstruction("in the test set").conversation);
  const std::unordered_map<Key, double, KeyHash> difficulty = {{Question("What is 2+2?").key, 2.5},
                                                               {Question("Name a colour.").key, 1}};
  SelectionInputs inputs;
  inputs.test_set = &test_set;
  inputs.difficulty = &difficulty;
  inputs.files = {{"test set", "test.jsonl", std::string(32, '0'), 1}};
  settings_.kind = TrainingKind::kDpo;
  settings_.format = TrainerFormat::kTrl;
  MustSelect(settings_, inputs, "card");
  const std::filesystem::path golden =
      std::filesystem::path(ARENA_SOURCE_DIR) / "tests/golden/select";
  if (std::getenv("ARENA_UPDATE_GOLDEN") != nullptr) {
    Must(WriteFileAtomic(golden / "card.json", Text(".card.json", "card")));
  }
  EXPECT_EQ(Text(".card.json", "card"), ReadFile(golden / "card.json").value_or(""))
      << "run with ARENA_UPDATE_GOLDEN=1 if this is meant";
}

}  // namespace
}  // namespace arena
