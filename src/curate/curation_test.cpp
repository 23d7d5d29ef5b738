// Whole curations of a pool with planted duplicates and leaks.
#include "curate/curation.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/rng.h"
#include "base/temporary_folder.h"
#include "curate/pool_testing.h"
#include "curate/words.h"

// FAISS and OpenBLAS are not instrumented, nor is the OpenMP they run on: ThreadSanitizer does not
// see how their threads wait for each other.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "race:faiss::\nrace:libgomp.so\nrace:libopenblas.so\n";
}

namespace arena {
namespace {

using testing::HasSubstr;

std::string Words(Rng& rng, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("w{} ", rng.Below(1000000));
  return text;
}

// 400 items of fresh words, then what is planted; every item's id says what it is.
struct Planted {
  Planted() : pool({}) {
    Rng rng(11);
    for (int i = 0; i < 400; ++i) Add("own", Words(rng, 40));
    for (int i = 0; i < 20; ++i) Add("copy", TextOf(i) + "!");
    for (int i = 20; i < 40; ++i) Add("near", TextOf(i) + Words(rng, 4));
    for (int i = 0; i < 20; ++i) {
      benchmark.push_back(Words(rng, 30));
      Add("leak", "Question: " + benchmark.back() + Words(rng, 3));
    }
    Add("short", "hi");
    Add("flagged", Words(rng, 20));
    pool.items.back().flags = {{"toxic", ""}};
    for (std::size_t i = 0; i < pool.items.size(); ++i) {
      pool.items[i].file = i % 2 == 0 ? 0 : 1;
      pool.items[i].category = i % 3 == 0 ? "a" : "b";
    }
  }

  void Add(const std::string& kind, const std::string& text) {
    PoolItem item;
    item.line = static_cast<std::int64_t>(pool.items.size()) + 1;
    item.id = fmt::format("{}-{}", kind, pool.items.size());
    item.conversation = {{Role::kUser, text}, {Role::kAssistant, "an answer"}};
    pool.items.push_back(item);
  }
  std::string TextOf(int i) const {
    return pool.items[static_cast<std::size_t>(i)].conversation[0].content;
  }
  CurationInputs Inputs() const {
    CurationInputs inputs;
    inputs.pool = pool.source();
    inputs.files = {{"a.jsonl", {1, 2}}, {"b.jsonl", {3, 4}}};
    for (std::size_t i = 0; i < benchmark.size(); ++i) {
      inputs.benchmark.push_back(
          {fmt::format("q{}", i), fmt::format("bench:{}", i + 1), benchmark[i]});
    }
    inputs.version = "test";
    return inputs;
  }

  TestPool pool;
  std::vector<std::string> benchmark;
};

CurationSettings SmallSettings() {
  CurationSettings settings;
  settings.neighbours.neighbours = 1;
  settings.neighbours.least_similarity = 0.7;
  settings.split.shards = 3;
  return settings;
}

std::vector<Json> Rows(const std::filesystem::path& file) {
  std::vector<Json> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) rows.push_back(Json::parse(line));
  return rows;
}

std::string KindOf(const Json& id) {
  const auto text = id.get<std::string>();
  return text.substr(0, text.find('-'));
}

TEST(Curation, FindsWhatIsPlantedAndEveryItemIsAccountedFor) {
  const Planted planted;
  const TemporaryFolder folder;
  const auto out = folder.path() / "out";
  const auto report = RunCuration(planted.Inputs(), SmallSettings(), out, [](CurationStep) {});
  ASSERT_TRUE(report.ok()) << report.error().message;

  std::map<std::string, std::map<std::string, int>> by_step;
  std::multiset<std::int64_t> lines;
  for (const Json& row : Rows(out / "removed.jsonl")) {
    ++by_step[row.at("step")][KindOf(row.at("id"))];
    lines.insert(row.at("line").get<std::int64_t>());
    if (row.at("step") == "near") {
      EXPECT_GE(row.at("similarity").get<double>(), 0.4);
    }
  }
  using Kinds = std::map<std::string, int>;
  EXPECT_EQ(by_step["unsafe"], (Kinds{{"flagged", 1}}));
  EXPECT_EQ(by_step["length"], (Kinds{{"short", 1}}));
  EXPECT_EQ(by_step["exact"], (Kinds{{"copy", 20}}));
  EXPECT_EQ(by_step["prefix"], (Kinds{{"near", 20}}));
  EXPECT_EQ(by_step["neighbours"]["leak"] + by_step["overlap"]["leak"], 20);

  std::int64_t kept = 0;
  for (std::size_t s = 0; s < 4; ++s) {
    const auto rows = Rows(out / "shards" / fmt::format("D{}.jsonl", s));
    EXPECT_EQ(static_cast<std::int64_t>(rows.size()), report->shards[s]);
    kept += report->shards[s];
    for (const Json& row : rows) {
      EXPECT_EQ(KindOf(row.at("id")), "own");
      lines.insert(row.at("provenance").at("line").get<std::int64_t>());
      EXPECT_EQ(row.at("messages").size(), 2U);
    }
  }
  // Each item once: in a shard or in removed.jsonl.
  EXPECT_EQ(lines.size(), planted.pool.items.size());
  EXPECT_EQ(std::set<std::int64_t>(lines.begin(), lines.end()).size(), lines.size());
  std::int64_t removed = 0;
  for (const StepReport& step : report->steps) {
    removed += step.removed;
    std::int64_t by_file = 0;
    for (const std::int64_t count : step.removed_by_file) by_file += count;
    EXPECT_EQ(by_file, step.removed);
  }
  EXPECT_EQ(removed + kept, report->items);
  EXPECT_EQ(report->kept, kept);
}

TEST(Curation, NearDuplicatesAreFoundWithoutThePrefixStepToo) {
  const Planted planted;
  const TemporaryFolder folder;
  CurationSettings settings = SmallSettings();
  settings.steps = {CurationStep::kNear};
  const auto report = RunCuration(planted.Inputs(), settings, folder.path(), [](CurationStep) {});
  ASSERT_TRUE(report.ok());
  std::map<std::string, int> kinds;
  for (const Json& row : Rows(folder.path() / "removed.jsonl")) {
    ++kinds[KindOf(row.at("id"))];
    EXPECT_EQ(KindOf(row.at("matched_id")), "own");
  }
  EXPECT_EQ(kinds, (std::map<std::string, int>{{"copy", 20}, {"near", 20}}));
}

TEST(Curation, ASecondRunTakesStepsOverAndWritesTheSameBytes) {
  const Planted planted;
  const TemporaryFolder folder;
  const auto run = [&](const CurationSettings& settings) {
    const auto report = RunCuration(planted.Inputs(), settings, folder.path(), [](CurationStep) {});
    EXPECT_TRUE(report.ok());
    std::string done;
    for (const StepReport& step : report->steps) done += step.was_done ? 'd' : 'r';
    return done;
  };
  const auto bytes = [&] {
    return *ReadFile(folder.path() / "manifest.json") + *ReadFile(folder.path() / "removed.jsonl") +
           *ReadFile(folder.path() / "shards" / "D1.jsonl");
  };
  CurationSettings settings = SmallSettings();
  EXPECT_EQ(run(settings), "rrrrrrrrr");
  const std::string first = bytes();
  EXPECT_EQ(run(settings), "ddddddddd");
  EXPECT_EQ(bytes(), first);
  // A changed step and those after it run again; a damaged file is as good as none.
  settings.prefix.size = 11;
  EXPECT_EQ(run(settings), "dddrrrrrr");
  std::ofstream(folder.path() / "steps" / "overlap.jsonl") << "{\"version\": 1";
  EXPECT_EQ(run(settings), "dddddddrd");
}

TEST(Curation, ThreadsDoNotChangeAByte) {
  const Planted planted;
  std::vector<std::string> outputs;
  for (const unsigned threads : {1U, 4U}) {
    const TemporaryFolder folder;
    CurationSettings settings = SmallSettings();
    settings.near.near.threads = settings.neighbours.threads = settings.overlap.threads =
        settings.language.threads = threads;
    ASSERT_TRUE(RunCuration(planted.Inputs(), settings, folder.path(), [](CurationStep) {}).ok());
    outputs.push_back(*ReadFile(folder.path() / "removed.jsonl") +
                      *ReadFile(folder.path() / "manifest.json"));
  }
  EXPECT_EQ(outputs[0], outputs[1]);
}

TEST(Curation, AChangingPoolIsAnError) {
  Planted planted;
  const TemporaryFolder folder;
  CurationInputs inputs = planted.Inputs();
  int passes = 0;
  inputs.pool = [&](PoolSink sink) -> Status {
    if (++passes == 3) planted.pool.items.pop_back();
    return planted.pool.source()(sink);
  };
  const auto report = RunCuration(inputs, SmallSettings(), folder.path(), [](CurationStep) {});
  ASSERT_FALSE(report.ok());
  EXPECT_THAT(report.error().message, HasSubstr("changed"));
}

}  // namespace
}  // namespace arena
