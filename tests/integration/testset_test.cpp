// A test set from a real pool, kept out of the shards.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"
#include "tests/integration/program.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

constexpr char kData[] = ARENA_SOURCE_DIR "/../shared/data";

// Hashes of the runs of five words of a text, sorted: nothing here is the program's.
std::vector<std::size_t> FiveWordRuns(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || byte >= 0x80) {
      words.back() += static_cast<char>(std::tolower(byte));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  const std::size_t width = std::min<std::size_t>(5, words.size());
  std::set<std::size_t> runs;
  for (std::size_t i = 0; i + width <= words.size() && width > 0; ++i) {
    std::string run;
    for (std::size_t k = 0; k < width; ++k) run += words[i + k] + ' ';
    runs.insert(std::hash<std::string>()(run));
  }
  return {runs.begin(), runs.end()};
}

double Similarity(const std::vector<std::size_t>& a, const std::vector<std::size_t>& b) {
  std::size_t shared = 0;
  for (auto x = a.begin(), y = b.begin(); x != a.end() && y != b.end();) {
    shared += *x == *y ? 1 : 0;
    const bool both = *x == *y;
    if (both || *x < *y) {
      ++x;
      if (both) ++y;
    } else {
      ++y;
    }
  }
  const std::size_t all = a.size() + b.size() - shared;
  return all == 0 ? 0 : static_cast<double>(shared) / static_cast<double>(all);
}

std::string Asked(const Json& row) {
  std::string text;
  for (const Json& message : row.at("messages")) {
    if (message.at("role") == "user") text += message.at("content").get<std::string>() + "\n";
  }
  return text;
}

std::vector<Json> ReadRows(const std::filesystem::path& file) {
  std::vector<Json> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) rows.push_back(Json::parse(line));
  return rows;
}

// A pool of ASCII texts, so that the test's idea of a word is the program's: 12 subjects, and every
// tenth prompt again with another ending.
void WritePool(const std::string& file) {
  std::ofstream out(file);
  for (int i = 0; i < 1200; ++i) {
    std::string text = fmt::format("Subject{}", i % 12);
    for (int w = 0; w < 14; ++w) {
      text += fmt::format(" subject{}word{}", i % 12, (i * 31 + w * w * 7 + w) % 97);
    }
    const auto write = [&](const std::string& prompt) {
      out << Json{{"prompt", prompt}, {"category", fmt::format("c{}", i % 3)}, {"quality", i % 50}}
          << "\n";
    };
    write(text);
    if (i % 10 == 0) write(text + " with three more");
  }
}

TEST(TestsetCommand, MixIsKeptOutOfTheShardsByCurate) {
  const TemporaryFolder folder;
  WritePool(folder / "pool.jsonl");
  const ProgramResult made =
      RunArena({"testset", "--input", folder / "pool.jsonl", "--out", folder / "test", "--clusters",
                "12", "--hard", "30", "--score-column", "quality", "--json"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const Json summary = Json::parse(made.out);
  EXPECT_EQ(summary.at("diverse"), 24);
  EXPECT_EQ(summary.at("hard"), 30);
  EXPECT_EQ(summary.at("rater"), "column quality");
  const std::filesystem::path test = folder / "test";
  for (const char* file :
       {"diverse.jsonl", "hard.jsonl", "mix.jsonl", "report.html", "manifest.json"}) {
    EXPECT_TRUE(std::filesystem::exists(test / file)) << file;
  }
  const ProgramResult curated =
      RunArena({"curate", "--input", folder / "pool.jsonl", "--test-set",
                (test / "mix.jsonl").string(), "--out", folder / "curated", "--set",
                "curate.shards=2", "--set", "curate.steps=[\"test_set\"]"});
  ASSERT_EQ(curated.exit_code, 0) << curated.err;
  const auto rows = ReadRows(test / "mix.jsonl");
  ASSERT_EQ(rows.size(), 54U);
  int kept = 0;
  for (int s = 0; s <= 2; ++s) {
    for (const Json& item :
         ReadRows(folder.path() / "curated" / "shards" / fmt::format("D{}.jsonl", s))) {
      ++kept;
      const auto runs = FiveWordRuns(Asked(item));
      for (const Json& row : rows) ASSERT_LT(Similarity(runs, FiveWordRuns(Asked(row))), 0.4);
    }
  }
  EXPECT_GT(kept, 100);
  EXPECT_LT(kept, 1320 - 54 + 1);
}

TEST(TestsetCommand, ScoresBecomeColumnsAndColumnsRateHard) {
  const TemporaryFolder folder;
  WritePool(folder / "pool.jsonl");
  const ProgramResult scored = RunArena({"score", "--input", folder / "pool.jsonl", "--out",
                                         folder / "scored.jsonl", "--add", "length", "--json"});
  ASSERT_EQ(scored.exit_code, 0) << scored.err;
  EXPECT_EQ(Json::parse(scored.out).at("columns").at(0).at("rated"), 1320);
  const auto rows = ReadRows(folder / "scored.jsonl");
  ASSERT_EQ(rows.size(), 1320U);
  EXPECT_EQ(rows[0].at("length").get<std::size_t>() + 1, Asked(rows[0]).size());
  const ProgramResult made =
      RunArena({"testset", "--input", folder / "scored.jsonl", "--out", folder / "test",
                "--clusters", "12", "--hard", "30", "--score-column", "length"});
  ASSERT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, HasSubstr("by column length"));
}

TEST(TestsetCommand, WhatIsWrongIsSaid) {
  const TemporaryFolder folder;
  WritePool(folder / "pool.jsonl");
  const auto run = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments = {"testset", "--input", folder / "pool.jsonl", "--out",
                                          folder / "test"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const ProgramResult result = RunArena(arguments);
    EXPECT_NE(result.exit_code, 0);
    return result.err;
  };
  EXPECT_THAT(run({"--hard-by", "difficulty"}), HasSubstr("--rater DIR"));
  EXPECT_THAT(run({"--score-column", "nothing"}), HasSubstr("column nothing"));
  EXPECT_THAT(run({"--clusters", "0"}), HasSubstr("--clusters"));
  EXPECT_THAT(run({"--rater", folder / "nowhere"}), HasSubstr("nowhere"));
}

// The whole pool that the data folder has, by comparing each with each.
TEST(TestsetCommand, ARealPoolLeaksNothing) {
  const std::string data = kData;
  if (!std::filesystem::exists(data + "/instructions/t0_sample.jsonl")) {
    GTEST_SKIP() << "there is no pool at " << data << "/instructions/t0_sample.jsonl";
  }
  const TemporaryFolder folder;
  const std::vector<std::string> pool = {data + "/instructions/t0_sample.jsonl",
                                         data + "/self-instruct", data + "/gsm8k/train.jsonl"};
  std::vector<std::string> arguments = {"testset", "--out", folder / "test", "--clusters", "100",
                                        "--hard",  "200",   "--json",        "--input"};
  arguments.insert(arguments.end(), pool.begin(), pool.end());
  const ProgramResult made = RunArena(arguments);
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const auto rows = ReadRows(folder.path() / "test" / "mix.jsonl");
  EXPECT_EQ(Json::parse(made.out).at("diverse"), 200);
  EXPECT_EQ(Json::parse(made.out).at("hard"), 200);
  EXPECT_EQ(rows.size(), 400U);
  arguments = {"curate",
               "--out",
               folder / "curated",
               "--set",
               "curate.near_curve=false",
               "--test-set",
               folder / "test/mix.jsonl",
               "--input"};
  arguments.insert(arguments.end(), pool.begin(), pool.end());
  const ProgramResult curated = RunArena(arguments);
  ASSERT_EQ(curated.exit_code, 0) << curated.err;
  std::vector<std::vector<std::size_t>> test_runs;
  for (const Json& row : rows) test_runs.push_back(FiveWordRuns(Asked(row)));
  std::int64_t kept = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(folder.path() / "curated" / "shards")) {
    for (const Json& item : ReadRows(file.path())) {
      ++kept;
      const auto runs = FiveWordRuns(Asked(item));
      double most = 0;
      for (const auto& test : test_runs) most = std::max(most, Similarity(runs, test));
      // Letters beyond ASCII are told apart less well here: a little room.
      ASSERT_LT(most, 0.45) << Asked(item);
    }
  }
  EXPECT_GT(kept, 1000);
}

}  // namespace
}  // namespace arena
