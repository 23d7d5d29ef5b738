// A newcomer's way through the program, on the sample data that `arena init` writes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SmallArenaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const ProgramResult init = RunArena({"init", folder_ / "demo"});
    ASSERT_EQ(init.exit_code, 0) << init.err;
  }
  ProgramResult Run(const std::vector<std::string>& arguments) const {
    return RunArena(arguments, folder_.path() / "demo");
  }
  static Json Parse(const ProgramResult& result) {
    EXPECT_THAT(result.err, IsEmpty());
    auto json = ParseJson(result.out);
    EXPECT_TRUE(json.ok()) << result.out;
    return json.value_or(Json());
  }
  void Replace(const std::string& name, const std::string& from, const std::string& to) const {
    const auto path = folder_.path() / "demo" / name;
    std::string text = ReadFile(path).value_or("");
    const auto at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    ASSERT_TRUE(WriteFileAtomic(path, text.replace(at, from.size(), to)).ok());
  }

  TemporaryFolder folder_;
};

TEST_F(SmallArenaTest, DoctorBattleRankShowWork) {
  const ProgramResult doctor = Run({"doctor"});
  EXPECT_EQ(doctor.exit_code, 0) << doctor.out;
  EXPECT_THAT(doctor.out, HasSubstr("All is well."));

  const ProgramResult battle = Run({"battle"});
  EXPECT_EQ(battle.exit_code, 0) << battle.err;
  EXPECT_THAT(battle.out, HasSubstr("400 of 400 battles on 40 instructions"));

  const Json board = Parse(Run({"rank", "--json"}));
  EXPECT_EQ(board["method"], "bt");
  EXPECT_EQ(board["battles"], 400);
  ASSERT_EQ(board["contestants"].size(), 5U);
  EXPECT_EQ(board["contestants"][0]["name"], "heron-9b");
  EXPECT_EQ(board["contestants"][4]["name"], "sparrow-1b");

  const ProgramResult list = Run({"show", "--list", "1"});
  EXPECT_EQ(list.exit_code, 0);
  const ProgramResult show = Run({"show", list.out.substr(0, 12)});
  EXPECT_EQ(show.exit_code, 0) << show.err;
  EXPECT_THAT(show.out, HasSubstr("reference"));
}

TEST_F(SmallArenaTest, RepeatedRunsAndThreadCountsGiveTheSameBytes) {
  ASSERT_EQ(Run({"battle", "--store", "one.db", "--set", "battle.threads=1"}).exit_code, 0);
  ASSERT_EQ(Run({"battle", "--store", "four.db", "--set", "battle.threads=4"}).exit_code, 0);
  for (const std::string ci : {"sandwich", "bootstrap"}) {
    const auto rank = [&](const std::string& store, const std::string& threads) {
      return Run({"rank", "--store", store, "--json", "--ci", ci, "--threads", threads}).out;
    };
    EXPECT_EQ(rank("one.db", "1"), rank("four.db", "4"));
    EXPECT_THAT(rank("one.db", "1"), Not(IsEmpty()));
  }
}

TEST_F(SmallArenaTest, EveryMethodAndOutputFormatAnswers) {
  ASSERT_EQ(Run({"battle"}).exit_code, 0);
  for (const std::string method : {"bt", "elo", "winrate"}) {
    EXPECT_EQ(Parse(Run({"rank", "--json", "--method", method}))["method"], method);
  }
  EXPECT_EQ(Parse(Run({"rank", "--json", "--method", "lc", "--baseline", "wren-3b"}))["method"],
            "lc");
  EXPECT_THAT(Run({"rank", "--csv"}).out, HasSubstr("heron-9b"));
  EXPECT_THAT(Run({"rank", "--markdown"}).out, HasSubstr("| heron"));
  EXPECT_EQ(Run({"rank", "--html", "board.html"}).exit_code, 0);
  EXPECT_THAT(ReadFile(folder_.path() / "demo/board.html").value_or(""), HasSubstr("<svg"));
  EXPECT_EQ(Parse(Run({"rank", "--json", "--by-category"}))["categories"].size(), 4U);
  EXPECT_EQ(Parse(Run({"rank", "--json", "--style-control"})).count("style"), 1U);
  EXPECT_EQ(Parse(Run({"judge", "--json"}))["battles"], 400);
}

TEST_F(SmallArenaTest, ExportsAreReadBackToTheSameBoard) {
  ASSERT_EQ(Run({"battle"}).exit_code, 0);
  const auto ratings = [](Json board) {
    std::vector<std::pair<std::string, double>> rows;
    for (const Json& row : board["contestants"]) rows.emplace_back(row["name"], row["rating"]);
    return rows;
  };
  const auto stored = ratings(Parse(Run({"rank", "--json"})));
  for (const auto& [format, reader] : std::vector<std::pair<std::string, std::string>>{
           {"jsonl", "arena"}, {"lmsys", "lmsys"}, {"fastchat", "fastchat"}}) {
    ASSERT_EQ(Run({"export", "--format", format, "-o", "out." + format}).exit_code, 0);
    EXPECT_EQ(ratings(Parse(Run({"rank", "--format", reader, "out." + format, "--json"}))), stored)
        << format;
  }
  EXPECT_EQ(Run({"export", "--format", "csv", "-o", "out.csv"}).exit_code, 0);
  EXPECT_EQ(Run({"export", "--format", "arena-hard", "--baseline", "wren-3b"}).exit_code, 2)
      << "battles without the baseline are an error";
}

TEST_F(SmallArenaTest, SelectWritesEveryKindInEveryFormat) {
  ASSERT_EQ(Run({"battle"}).exit_code, 0);
  // sparrow-1b gets 13 of 40 right, and each rival has some answers that it has not.
  for (const std::string kind : {"sft", "dpo", "rm", "kto", "ppo"}) {
    for (const std::string format :
         {"messages", "trl", "trl-plain", "openrlhf", "llama-factory", "sharegpt", "alpaca"}) {
      const ProgramResult select = Run({"select", "--target", "sparrow-1b", "--for", kind,
                                        "--format", format, "--out", format, "--json"});
      if (format == "messages" && kind != "sft" && kind != "ppo") {
        EXPECT_EQ(select.exit_code, 2) << kind;
        continue;
      }
      const Json card = Parse(select);
      EXPECT_EQ(card["battles"], 160);
      EXPECT_GT(card["selected"], 20) << kind << ' ' << format;
      const std::filesystem::path folder = folder_.path() / "demo" / format;
      const std::string rows = ReadFile(folder / (kind + ".jsonl")).value_or("");
      const std::string origins = ReadFile(folder / (kind + ".provenance.jsonl")).value_or("");
      EXPECT_EQ(std::count(rows.begin(), rows.end(), '\n'), card["rows"]);
      EXPECT_EQ(std::count(origins.begin(), origins.end(), '\n'), card["rows"]);
      EXPECT_THAT(ReadFile(folder / (kind + ".card.md")).value_or(""), HasSubstr("# Data card"));
      EXPECT_EQ(std::filesystem::exists(folder / "dataset_info.json"), format == "llama-factory");
    }
  }
}

TEST_F(SmallArenaTest, SelectRemovesTheTestSetAndRepeatsByteForByte) {
  ASSERT_EQ(Run({"battle"}).exit_code, 0);
  const std::vector<std::string> select = {"select",     "--target",        "wren-3b",
                                           "--test-set", "questions.jsonl", "--out"};
  const auto with = [&](std::vector<std::string> more) {
    std::vector<std::string> all = select;
    all.insert(all.end(), more.begin(), more.end());
    return Run(all);
  };
  EXPECT_EQ(Parse(with({"none", "--json"}))["rows"], 0) << "every question is in the test set";
  std::string half;
  const std::string all = ReadFile(folder_.path() / "demo/questions.jsonl").value_or("");
  half = all.substr(0, all.find('\n', all.size() / 2) + 1);
  ASSERT_TRUE(WriteFileAtomic(folder_.path() / "demo/questions.jsonl", half).ok());
  const Json card = Parse(with({"one", "--json"}));
  EXPECT_GT(card["rows"], 0);
  EXPECT_GT(card["test_set"]["overlap_removed"], 10);
  EXPECT_EQ(card["test_set"]["overlap"], 0);
  ASSERT_EQ(with({"two"}).exit_code, 0);
  for (const std::string file :
       {"sft.jsonl", "sft.provenance.jsonl", "sft.dropped.jsonl", "sft.card.json", "sft.card.md"}) {
    EXPECT_EQ(ReadFile(folder_.path() / "demo/one" / file).value_or("1"),
              ReadFile(folder_.path() / "demo/two" / file).value_or("2"))
        << file;
  }
  const ProgramResult unknown = Run({"select", "--target", "nobody", "--out", "x"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("it has: heron-2b, heron-9b, plover-7b, sparrow-1b, wren-3b"));
}

TEST_F(SmallArenaTest, ABoardAgreesWithItself) {
  ASSERT_EQ(Run({"battle"}).exit_code, 0);
  const ProgramResult rank = Run({"rank", "--json", "--ci", "bootstrap", "--draws"});
  ASSERT_TRUE(WriteFileAtomic(folder_ / "board.json", rank.out).ok());
  const Json agreement =
      Parse(Run({"agree", folder_ / "board.json", folder_ / "board.json", "--json"}));
  EXPECT_EQ(agreement["spearman"]["value"], 1.0);
  EXPECT_EQ(agreement["kendall"]["value"], 1.0);
}

TEST_F(SmallArenaTest, AnEditedAnswerIsANewVersionAndKeepsTheOtherVerdicts) {
  ASSERT_EQ(Run({"battle"}).exit_code, 0);
  Replace("table.csv", "wren-3b,391", "wren-3b,392");
  const Json summary = Parse(Run({"battle", "--json"}));
  EXPECT_EQ(summary["battles_finished"], 400);
  // One new text meets four others in two games each, less what they share.
  EXPECT_GT(summary["games_played"], 0);
  EXPECT_LE(summary["games_played"], 8);
  EXPECT_EQ(Parse(Run({"rank", "--json"}))["battles"], 400);
}

TEST_F(SmallArenaTest, AMissingAnswerIsListedAndVoidAndNeverATie) {
  Replace("heron-9b.jsonl", "\"question_id\": \"arith-01\"", "\"question_id\": \"other\"");
  const ProgramResult battle = Run({"battle", "--json"});
  EXPECT_EQ(battle.exit_code, 3);
  EXPECT_EQ(Parse(battle)["failed_answers"], 1);
  const Json board = Parse(Run({"rank", "--json"}));
  EXPECT_EQ(board["battles"], 396);
  EXPECT_EQ(board["void_battles"], 4);
  const ProgramResult doctor = Run({"doctor"});
  EXPECT_THAT(doctor.out, HasSubstr("no answer to 1 of 40 instructions"));
}

TEST_F(SmallArenaTest, DoctorFindsWhatIsWrongWithFileAndLine) {
  Replace("questions.jsonl", "\"prompt\": \"What is 17", "\"promt\": \"What is 17");
  Replace("arena.toml", "file = \"table.csv\"", "file = \"tabel.csv\"");
  const ProgramResult doctor = Run({"doctor"});
  EXPECT_EQ(doctor.exit_code, 2);
  EXPECT_THAT(doctor.out, HasSubstr("questions.jsonl:1"));
  EXPECT_THAT(doctor.out, HasSubstr("tabel.csv"));
  Replace("arena.toml", "match = \"numeric\"", "mach = \"numeric\"");
  EXPECT_THAT(Run({"doctor"}).out, HasSubstr("did you mean judge.match?"));
}

TEST_F(SmallArenaTest, WrongUsageIsExitCodeTwoAndSaysWhatToDo) {
  const ProgramResult typo = Run({"rank", "--jsno"});
  EXPECT_EQ(typo.exit_code, 2);
  EXPECT_THAT(typo.err, HasSubstr("Did you mean --json?"));
  EXPECT_EQ(Run({"rnak"}).exit_code, 2);
  EXPECT_EQ(Run({}).exit_code, 2);
  EXPECT_EQ(Run({"init", "."}).exit_code, 2) << "nothing is overwritten";
  const ProgramResult no_store = Run({"rank", "--store", "none.db"});
  EXPECT_EQ(no_store.exit_code, 2);
  EXPECT_THAT(no_store.err, HasSubstr("arena battle --store none.db"));
  const ProgramResult format = Run({"rank", "questions.jsonl", "--format", "lmsis"});
  EXPECT_THAT(format.err, HasSubstr("did you mean \"lmsys\"?"));
  EXPECT_EQ(Run({"--help"}).exit_code, 0);
  for (const std::string command :
       {"init", "doctor", "battle", "rank", "agree", "judge", "show", "export", "select"}) {
    const ProgramResult help = Run({command, "--help"});
    EXPECT_EQ(help.exit_code, 0);
    EXPECT_THAT(help.out, HasSubstr("Example")) << command;
  }
}

}  // namespace
}  // namespace arena
