// Whole test sets of small pools.
#include "curate/test_set_build.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/rng.h"
#include "base/temporary_folder.h"
#include "curate/curation.h"
#include "curate/raters.h"
#include "curate/words.h"

namespace arena {
namespace {

using testing::Contains;
using testing::HasSubstr;

constexpr std::string_view kTopics[] = {"poem rhyme verse stanza", "python sort array loop",
                                        "bread oven flour yeast", "planet orbit moon comet",
                                        "tax income invoice ledger"};

// `each` prompts on every topic, of different lengths.
std::vector<PoolItem> TopicPool(int each) {
  std::vector<PoolItem> items;
  Rng rng(21);
  for (std::size_t t = 0; t < std::size(kTopics); ++t) {
    for (int i = 0; i < each; ++i) {
      std::string text = fmt::format("{} ", kTopics[t]);
      for (std::uint64_t w = 2 + rng.Below(20); w > 0; --w) {
        text += fmt::format("{} word{} ", kTopics[t], rng.Below(5000));
      }
      PoolItem item;
      item.line = static_cast<std::int64_t>(items.size()) + 1;
      item.id = fmt::format("{}-{}", t, i);
      item.category = t % 2 == 0 ? "even" : "";
      item.conversation = {{Role::kUser, text}, {Role::kAssistant, "an answer"}};
      items.push_back(item);
    }
  }
  return items;
}

TestSetInputs InputsOf(const std::vector<PoolItem>& items, InstructionRater& rater) {
  TestSetInputs inputs;
  inputs.pool = [&items](PoolSink sink) -> Status {
    for (const PoolItem& item : items) ARENA_RETURN_IF_ERROR(sink(item));
    return {};
  };
  inputs.files = {{"pool.jsonl", {1, 2}}};
  inputs.rater = &rater;
  inputs.version = "test";
  return inputs;
}

TestSetSettings Small() {
  TestSetSettings settings;
  settings.clusters = 5;
  settings.candidates_per_cluster = 8;
  settings.hard = 12;
  return settings;
}

std::vector<Json> RowsOf(const std::filesystem::path& file) {
  std::vector<Json> rows;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) rows.push_back(Json::parse(line));
  return rows;
}

void Quiet(std::string_view) {}

TEST(BuildTestSet, TakesFromEveryClusterAndTheHardestOfTheRest) {
  const auto items = TopicPool(30);
  LengthRater rater;
  const TemporaryFolder folder;
  const auto report = BuildTestSet(InputsOf(items, rater), Small(), folder.path(), Quiet);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_TRUE(report->notes.empty());
  const auto diverse = RowsOf(folder.path() / "diverse.jsonl");
  const auto hard = RowsOf(folder.path() / "hard.jsonl");
  const auto mix = RowsOf(folder.path() / "mix.jsonl");
  ASSERT_EQ(diverse.size(), 10U);
  ASSERT_EQ(hard.size(), 12U);
  ASSERT_EQ(mix.size(), 22U);
  std::map<int, int> by_cluster;
  for (const Json& row : diverse) ++by_cluster[row.at("cluster").get<int>()];
  EXPECT_EQ(by_cluster.size(), 5U);
  for (const auto& [cluster, count] : by_cluster) EXPECT_EQ(count, 2);
  std::set<std::string> ids;
  for (const Json& row : mix) ids.insert(row.at("id").get<std::string>());
  EXPECT_EQ(ids.size(), 22U);
  EXPECT_EQ(mix.front(), diverse.front());
  EXPECT_EQ(mix.back(), hard.back());
  for (std::size_t i = 1; i < hard.size(); ++i) {
    EXPECT_GE(hard[i - 1].at("rating").get<double>(), hard[i].at("rating").get<double>());
  }
  // The twelve best ratings of all candidates are those of Hard.
  ASSERT_EQ(report->ratings.size(), 40U);
  EXPECT_EQ(hard.back().at("rating").get<double>(), report->ratings[40 - 12]);
  // Labels are the topics' words, and every item of a topic is in one cluster.
  std::map<std::string, std::string> label_of_topic;
  for (const Json& row : mix) {
    const std::string topic = row.at("id").get<std::string>().substr(0, 1);
    const auto label = row.at("label").get<std::string>();
    EXPECT_EQ(label_of_topic.emplace(topic, label).first->second, label);
    EXPECT_THAT(std::string(kTopics[std::stoul(topic)]),
                HasSubstr(label.substr(0, label.find(','))));
    EXPECT_EQ(row.value("category", ""), topic[0] % 2 == 0 ? "even" : "");
    EXPECT_EQ(row.at("messages").size(), 2U);
  }
}

TEST(BuildTestSet, OrderAndThreadsDoNotMatter) {
  auto items = TopicPool(20);
  LengthRater rater;
  const TemporaryFolder a, b;
  TestSetSettings settings = Small();
  settings.threads = 1;
  ASSERT_TRUE(BuildTestSet(InputsOf(items, rater), settings, a.path(), Quiet).ok());
  Rng rng(5);
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng.Below(i)]);
  settings.threads = 4;
  ASSERT_TRUE(BuildTestSet(InputsOf(items, rater), settings, b.path(), Quiet).ok());
  for (const char* file : {"diverse.jsonl", "hard.jsonl", "mix.jsonl"}) {
    EXPECT_EQ(*ReadFile(a.path() / file), *ReadFile(b.path() / file)) << file;
  }
}

TEST(BuildTestSet, PromptsThatAskTheSameTakePartOnce) {
  auto items = TopicPool(10);
  const std::size_t distinct = items.size();
  for (std::size_t i = 0; i < distinct; ++i) {
    items.push_back(items[i]);
    items.back().conversation[0].content += "!";
    items.back().conversation[1].content = "another answer";
  }
  LengthRater rater;
  const TemporaryFolder folder;
  TestSetSettings settings = Small();
  settings.hard = 1000;
  const auto report = BuildTestSet(InputsOf(items, rater), settings, folder.path(), Quiet);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->distinct, static_cast<std::int64_t>(distinct));
  std::set<std::string> prompts;
  const auto rows = RowsOf(folder.path() / "mix.jsonl");
  for (const Json& row : rows) {
    prompts.insert(NormalizedText(row.at("messages").at(0).at("content").get<std::string>()));
  }
  EXPECT_EQ(prompts.size(), rows.size());
}

TEST(BuildTestSet, ShortClustersAndSmallPoolsGiveWhatTheyHaveAndSaySo) {
  LengthRater rater;
  const TemporaryFolder folder;
  // 15 prompts in 12 clusters: most have fewer than two.
  const auto items = TopicPool(3);
  TestSetSettings settings = Small();
  settings.clusters = 12;
  settings.diverse_per_cluster = 1;
  settings.hard = 50;
  auto report = BuildTestSet(InputsOf(items, rater), settings, folder.path(), Quiet);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->diverse, 12);
  EXPECT_EQ(report->hard, 3);
  EXPECT_THAT(report->notes, Contains(HasSubstr("Hard has 3 prompts in place of 50")));

  const std::vector<PoolItem> one(items.begin(), items.begin() + 1);
  settings = Small();
  settings.hard = 0;
  report = BuildTestSet(InputsOf(one, rater), settings, folder.path(), Quiet);
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_EQ(report->diverse, 1);
  EXPECT_THAT(report->notes, Contains(HasSubstr("1 clusters in place of 5")));
  EXPECT_EQ(*ReadFile(folder.path() / "hard.jsonl"), "");

  EXPECT_FALSE(BuildTestSet(InputsOf({}, rater), settings, folder.path(), Quiet).ok());
}

TEST(BuildTestSet, LargeClustersGiveMoreWhereOthersAreShort) {
  // 3 prompts on one topic, 40 on another: k-means separates them.
  auto items = TopicPool(40);
  items.erase(items.begin() + 43, items.end());
  LengthRater rater;
  const TemporaryFolder folder;
  TestSetSettings settings = Small();
  settings.clusters = 2;
  settings.diverse_per_cluster = 6;
  const auto report = BuildTestSet(InputsOf(items, rater), settings, folder.path(), Quiet);
  ASSERT_TRUE(report.ok());
  EXPECT_EQ(report->diverse, 12);
  ASSERT_EQ(report->clusters.size(), 2U);
  EXPECT_EQ(report->clusters[1].diverse, std::min<std::int64_t>(report->clusters[1].items, 6));
}

TEST(BuildTestSet, RatingsThatAreMissingLeaveItemsOutAndNoneAtAllIsAnError) {
  auto items = TopicPool(20);
  RecordedRater rater("quality");
  const TemporaryFolder folder;
  const auto none = BuildTestSet(InputsOf(items, rater), Small(), folder.path(), Quiet);
  ASSERT_FALSE(none.ok());
  EXPECT_THAT(none.error().message, HasSubstr("column quality"));
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i % 10 == 0) items[i].score = static_cast<double>(i);
  }
  const auto some = BuildTestSet(InputsOf(items, rater), Small(), folder.path(), Quiet);
  ASSERT_TRUE(some.ok()) << some.error().message;
  EXPECT_EQ(some->hard, some->candidates - some->unrated);
  EXPECT_LT(some->hard, 12);
  for (const Json& row : RowsOf(folder.path() / "hard.jsonl")) {
    EXPECT_EQ(row.at("rating"), row.at("score"));
  }
}

TEST(BuildTestSet, CategoriesCanBeTheClusters) {
  const auto items = TopicPool(20);
  LengthRater rater;
  const TemporaryFolder folder;
  TestSetSettings settings = Small();
  settings.category = TestCategory::kCluster;
  ASSERT_TRUE(BuildTestSet(InputsOf(items, rater), settings, folder.path(), Quiet).ok());
  for (const Json& row : RowsOf(folder.path() / "mix.jsonl")) {
    EXPECT_EQ(row.at("category"), row.at("label"));
  }
}

// Word runs of a text, found without anything of the curation.
std::set<std::string> FiveWords(const std::string& text) {
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
      words.back() += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) words.pop_back();
  const std::size_t width = std::min<std::size_t>(5, words.size());
  std::set<std::string> runs;
  for (std::size_t i = 0; i + width <= words.size(); ++i) {
    std::string run;
    for (std::size_t k = 0; k < width; ++k) run += words[i + k] + " ";
    runs.insert(run);
  }
  return runs;
}

// By comparing each with each: after a curation with --test-set nothing that resembles the test set
// is in a shard, also near copies that were planted.
TEST(BuildTestSet, ACurationKeepsItOutOfTheShards) {
  auto items = TopicPool(60);
  Rng rng(9);
  for (std::size_t i = 0; i < 300; ++i) {
    PoolItem copy = items[i];
    copy.id += "-near";
    std::string& text = copy.conversation[0].content;
    text = "First: " + text + (rng.Below(2) == 0 ? "and thanks" : "please answer in one line");
    items.push_back(copy);
  }
  LengthRater rater;
  const TemporaryFolder folder;
  const TestSetInputs test_inputs = InputsOf(items, rater);
  TestSetSettings settings = Small();
  settings.hard = 40;
  ASSERT_TRUE(BuildTestSet(test_inputs, settings, folder.path() / "test", Quiet).ok());

  std::vector<std::set<std::string>> test_runs;
  CurationInputs inputs;
  inputs.pool = test_inputs.pool;
  inputs.files = test_inputs.files;
  for (const Json& row : RowsOf(folder.path() / "test" / "mix.jsonl")) {
    const auto text = row.at("messages").at(0).at("content").get<std::string>();
    inputs.benchmark.push_back({row.at("id").get<std::string>(), "mix", text});
    test_runs.push_back(FiveWords(text));
  }
  inputs.test_items = inputs.benchmark.size();
  CurationSettings curation;
  curation.steps = {CurationStep::kTestSet};
  curation.split.shards = 2;
  const auto report = RunCuration(inputs, curation, folder.path() / "curated", [](CurationStep) {});
  ASSERT_TRUE(report.ok()) << report.error().message;
  EXPECT_GE(report->steps[0].removed, static_cast<std::int64_t>(test_runs.size()));
  std::int64_t rows = 0;
  for (int s = 0; s <= 2; ++s) {
    const auto file = folder.path() / "curated" / "shards" / fmt::format("D{}.jsonl", s);
    for (const Json& row : RowsOf(file)) {
      ++rows;
      const auto runs = FiveWords(row.at("messages").at(0).at("content").get<std::string>());
      for (const auto& test : test_runs) {
        std::vector<std::string> shared;
        std::set_intersection(runs.begin(), runs.end(), test.begin(), test.end(),
                              std::back_inserter(shared));
        const std::size_t all = runs.size() + test.size() - shared.size();
        EXPECT_LT(static_cast<double>(shared.size()) / static_cast<double>(all), 0.4);
      }
    }
  }
  EXPECT_GT(rows, 100);
}

}  // namespace
}  // namespace arena
