// The steps that judge items by themselves and the ones that compare them, on small pools.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/rng.h"
#include "curate/duplicates.h"
#include "curate/filters.h"
#include "curate/language.h"
#include "curate/leakage.h"
#include "curate/lexical_embedder.h"
#include "curate/pool_testing.h"
#include "curate/split.h"

namespace arena {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

std::vector<std::uint32_t> ItemsOf(const std::vector<Removal>& removals) {
  std::vector<std::uint32_t> items;
  for (const Removal& removal : removals) items.push_back(removal.item);
  return items;
}

TEST(Unsafe, FlagsThatCountAndPatternsRemove) {
  TestPool pool({"fine", "flagged", "redacted", "how to build a BOMB", "answers badly"});
  pool.items[1].flags = {{"openai_moderation", "violence"}};
  pool.items[2].flags = {{"redacted", ""}};
  pool.items[4].conversation.push_back({Role::kAssistant, "a bomb"});
  auto patterns = PatternSet::Parse("words.txt", "# weapons\n\n(?i)\\bbomb\\b\n");
  ASSERT_TRUE(patterns.ok()) << patterns.error().message;
  UnsafeOptions options{{"openai_moderation", "toxic"}, &*patterns};
  const auto removals = RemoveUnsafe(pool.kept(), options);
  ASSERT_TRUE(removals.ok());
  EXPECT_THAT(ItemsOf(*removals), ElementsAre(1, 3, 4));
  EXPECT_EQ((*removals)[0].reason, "flagged in the data: openai_moderation, violence");
  EXPECT_EQ((*removals)[1].reason, "the pattern of words.txt:3 occurs");
}

TEST(Unsafe, ABadPatternIsAnErrorWithItsLine) {
  const auto patterns = PatternSet::Parse("words.txt", "good\n(bad\n");
  ASSERT_FALSE(patterns.ok());
  EXPECT_THAT(patterns.error().message, HasSubstr("words.txt:2: not a valid RE2 pattern"));
}

TEST(Unsafe, AnEmptyFileOfPatternsFindsNothing) {
  const auto patterns = PatternSet::Parse("words.txt", "# nothing\n");
  ASSERT_TRUE(patterns.ok());
  EXPECT_FALSE(patterns->Find("anything"));
}

TEST(Length, CountsCodePointsOrWords) {
  EXPECT_EQ(PromptLength("  \u00e4\u00f6\u00fc \n", LengthUnit::kCharacters), 3);
  EXPECT_EQ(PromptLength("one, two - three", LengthUnit::kWords), 3);
  TestPool pool({"short", "just long enough", std::string(50, 'x')});
  const auto removals = RemoveByLength(pool.kept(), {LengthUnit::kCharacters, 10, 40});
  ASSERT_TRUE(removals.ok());
  EXPECT_THAT(ItemsOf(*removals), ElementsAre(0, 2));
  EXPECT_EQ((*removals)[0].reason, "5 characters, fewer than 10");
  EXPECT_EQ((*removals)[1].reason, "50 characters, more than 40");
}

TEST(ExactDuplicates, WordsDecideAndThePolicyChooses) {
  TestPool pool({"What is 2+2?", "what is 2 2", "What is   2+2??", "?!", "?!", "!?"});
  pool.items[1].score = 5;
  const auto kept_of = [&](KeepPolicy policy) {
    const auto removals = RemoveExactDuplicates(pool.kept(), pool.Order(policy));
    std::map<std::uint32_t, std::uint32_t> matched;
    for (const Removal& removal : *removals) matched[removal.item] = removal.matched;
    return matched;
  };
  using Matches = std::map<std::uint32_t, std::uint32_t>;
  EXPECT_EQ(kept_of(KeepPolicy::kFirst), (Matches{{1, 0}, {2, 0}, {4, 3}}));
  EXPECT_EQ(kept_of(KeepPolicy::kLongest), (Matches{{0, 2}, {1, 2}, {4, 3}}));
  EXPECT_EQ(kept_of(KeepPolicy::kBest), (Matches{{0, 1}, {2, 1}, {4, 3}}));
}

TEST(SharedPrefixes, OnlyPromptsThatAreLongEnoughCount) {
  TestPool pool({"one two three four", "One, two three FIVE", "one two", "one two"});
  const auto words = RemoveSharedPrefixes(pool.kept(), pool.Order(), {ShingleUnit::kWords, 3});
  ASSERT_TRUE(words.ok());
  EXPECT_THAT(ItemsOf(*words), ElementsAre(1));
  const auto characters =
      RemoveSharedPrefixes(pool.kept(), pool.Order(), {ShingleUnit::kCharacters, 7});
  ASSERT_TRUE(characters.ok());
  EXPECT_THAT(ItemsOf(*characters), ElementsAre(1, 2, 3));
}

TEST(NearStep, TheCurveFallsAndHasTheStepsOwnCount) {
  Rng rng(1);
  std::vector<std::string> texts;
  for (int i = 0; i < 300; ++i) {
    std::string text;
    for (std::uint64_t w = 0, shared = rng.Below(60); w < 60; ++w) {
      text += w < shared ? fmt::format("s{} ", w) : fmt::format("o{} ", rng.Below(1000000));
    }
    texts.push_back(text);
  }
  TestPool pool(texts);
  NearStepOptions options;
  options.curve_thresholds = {0.3, 0.4, 0.6, 0.8};
  const auto result = RemoveNearDuplicates(pool.kept(), pool.Order(), options);
  ASSERT_TRUE(result.ok());
  ASSERT_THAT(result->curve, SizeIs(4));
  EXPECT_EQ(result->curve[1].removed, static_cast<std::int64_t>(result->removals.size()));
  for (std::size_t k = 1; k < 4; ++k) {
    EXPECT_LT(result->curve[k].removed, result->curve[k - 1].removed);
  }
}

TEST(NearStep, LittleMemoryChangesNothing) {
  std::vector<std::string> texts;
  Rng rng(5);
  for (int i = 0; i < 9000; ++i) {
    std::string text;
    for (std::uint64_t w = 0, shared = rng.Below(20); w < 20; ++w) {
      text +=
          w < shared ? fmt::format("s{}{} ", i % 600, w) : fmt::format("o{} ", rng.Below(90000));
    }
    texts.push_back(text);
  }
  TestPool pool(texts);
  NearStepOptions options;
  options.curve_thresholds = {0.3, 0.7};
  const auto whole = RemoveNearDuplicates(pool.kept(), pool.Order(), options);
  options.memory_mb = 1;
  const auto spilled = RemoveNearDuplicates(pool.kept(), pool.Order(), options);
  ASSERT_TRUE(whole.ok() && spilled.ok());
  EXPECT_GT(whole->removals.size(), 1000U);
  EXPECT_EQ(spilled->removals, whole->removals);
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_EQ(spilled->curve[k].removed, whole->curve[k].removed);
  }
  options.spill_folder = "/nowhere/at/all";
  const auto failed = RemoveNearDuplicates(pool.kept(), pool.Order(), options);
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message, HasSubstr("cannot make a file in /nowhere/at/all"));
}

TEST(Languages, KeepsTheWantedAndWhatIsNotRecognised) {
  TestPool pool({"Please write a short story about a dog who travels to the mountains.",
                 "Schreibe bitte eine kurze Geschichte \u00fcber einen Hund in den Bergen.",
                 "x = y + 1;",
                 "\u8bf7\u5199\u4e00\u4e2a\u5173\u4e8e\u72d7\u7684\u6545\u4e8b\uff0c"
                 "\u5b83\u53bb\u4e86\u5c71\u91cc\u65c5\u884c\u3002"});
  LanguageOptions options;
  auto removals = RemoveOtherLanguages(pool.kept(), options);
  ASSERT_TRUE(removals.ok());
  EXPECT_THAT(ItemsOf(*removals), ElementsAre(1, 3));
  EXPECT_THAT((*removals)[0].reason, HasSubstr("de"));
  options.keep = {"en", "de"};
  options.keep_unknown = false;
  removals = RemoveOtherLanguages(pool.kept(), options);
  EXPECT_THAT(ItemsOf(*removals), ElementsAre(2, 3));
  EXPECT_TRUE(CheckLanguages(options).ok());
  options.keep = {"en", "klingonish"};
  EXPECT_FALSE(CheckLanguages(options).ok());
}

TEST(Overlap, LongItemsByNGramsShortOnesWhole) {
  const std::vector<std::string> benchmark = {
      "a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15",  // 15 words: by 13-grams
      "name the capital of France",                          // 5 words: all in a row
      "say hi",                                              // 2 words: only a prompt that is equal
  };
  const OverlapIndex index(benchmark, {});
  EXPECT_EQ(index.Find("x A2, a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 y"), 0U);
  EXPECT_EQ(index.Find("x a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 y"), std::nullopt);
  EXPECT_EQ(index.Find("Please name the capital of france, now"), 1U);
  EXPECT_EQ(index.Find("name the capital of Spain"), std::nullopt);
  EXPECT_EQ(index.Find("Say hi!"), 2U);
  EXPECT_EQ(index.Find("say hi to everyone"), std::nullopt);
  EXPECT_EQ(index.Find(""), std::nullopt);
}

// Texts as points: "x y" is the vector (x, y).
class PointEmbedder : public Embedder {
 public:
  std::size_t dimensions() const override { return 2; }
  Status Embed(std::span<const std::string_view> texts, std::span<float> vectors) const override {
    for (std::size_t i = 0; i < texts.size(); ++i) {
      const std::string text(texts[i]);
      if (text == "broken") return InvalidInput("broken text");
      const double angle = std::stod(text);
      vectors[2 * i] = static_cast<float>(std::cos(angle));
      vectors[2 * i + 1] = static_cast<float>(std::sin(angle));
    }
    return {};
  }
};

TEST(Neighbours, TheNearestOfEachBenchmarkItemGo) {
  TestPool pool({"0.0", "0.1", "0.2", "1.5", "1.6", "3.0"});
  const PointEmbedder embedder;
  const std::vector<std::string> benchmark = {"0.05", "1.5"};
  const auto two =
      RemoveNeighbours(pool.kept(), benchmark, embedder, {.neighbours = 2, .least_similarity = -1});
  ASSERT_TRUE(two.ok());
  EXPECT_THAT(ItemsOf(*two), ElementsAre(0, 1, 3, 4));
  EXPECT_EQ((*two)[2].matched, 1U);
  EXPECT_TRUE((*two)[2].is_benchmark);
  EXPECT_NEAR((*two)[2].similarity, 1, 1e-6);
  const auto floored = RemoveNeighbours(pool.kept(), benchmark, embedder,
                                        {.neighbours = 5, .least_similarity = std::cos(0.12)});
  ASSERT_TRUE(floored.ok());
  EXPECT_THAT(ItemsOf(*floored), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(*RemoveNeighbours(pool.kept(), {}, embedder, {}), IsEmpty());
}

TEST(Neighbours, AnEmbeddersErrorIsPassedOn) {
  TestPool pool({"0.0", "broken"});
  const auto removals =
      RemoveNeighbours(pool.kept(), std::vector<std::string>{"1"}, PointEmbedder(), {});
  ASSERT_FALSE(removals.ok());
  EXPECT_EQ(removals.error().message, "broken text");
}

// Brute force over a pool of several batches.
TEST(Neighbours, BatchesFindWhatOneSearchFinds) {
  Rng rng(3);
  std::vector<std::string> texts, benchmark;
  for (int i = 0; i < 20000; ++i) texts.push_back(fmt::format("{}", 6.28 * rng.Uniform()));
  for (int i = 0; i < 5; ++i) benchmark.push_back(fmt::format("{}", 6.28 * rng.Uniform()));
  TestPool pool(texts);
  const auto removals = RemoveNeighbours(pool.kept(), benchmark, PointEmbedder(), {});
  ASSERT_TRUE(removals.ok());
  std::set<std::uint32_t> expected;
  for (const std::string& query : benchmark) {
    std::vector<std::pair<double, std::uint32_t>> distances;
    for (std::uint32_t i = 0; i < texts.size(); ++i) {
      distances.emplace_back(-std::cos(std::stod(query) - std::stod(texts[i])), i);
    }
    std::sort(distances.begin(), distances.end());
    for (std::size_t k = 0; k < 5; ++k) expected.insert(distances[k].second);
  }
  // Single precision may swap the fifth and the sixth.
  std::size_t shared = 0;
  for (const std::uint32_t item : ItemsOf(*removals)) shared += expected.count(item);
  EXPECT_GE(shared + 2, expected.size());
}

TEST(LexicalEmbedder, SimilarTextsAreNearAndOthersAreNot) {
  LexicalEmbedder embedder(1);
  const std::vector<std::string_view> texts = {
      "How do I reverse a linked list in Python?", "how do i reverse a linked list in python",
      "How can I reverse a singly linked list using Python code?",
      "Write a poem about the autumn sea and its grey waves.", ""};
  embedder.Count(texts, 1);
  std::vector<float> vectors(texts.size() * embedder.dimensions());
  ASSERT_TRUE(embedder.Embed(texts, vectors).ok());
  const auto similarity = [&](std::size_t a, std::size_t b) {
    double sum = 0;
    for (std::size_t d = 0; d < embedder.dimensions(); ++d) {
      sum += static_cast<double>(vectors[a * embedder.dimensions() + d]) *
             static_cast<double>(vectors[b * embedder.dimensions() + d]);
    }
    return sum;
  };
  EXPECT_NEAR(similarity(0, 0), 1, 1e-5);
  EXPECT_NEAR(similarity(0, 1), 1, 1e-5);
  EXPECT_GT(similarity(0, 2), 0.25);
  EXPECT_LT(similarity(0, 3), 0.2);
  EXPECT_EQ(similarity(4, 4), 0);
}

TEST(LexicalEmbedder, RareWordsWeighMore) {
  LexicalEmbedder embedder(1);
  std::vector<std::string> texts(200, "please tell me about the thing");
  texts.push_back("please tell me about zebras");
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const std::vector<std::string_view> three = {"tell me about zebras", "zebras zebras",
                                               "tell me about"};
  const auto nearer_to_rare = [&] {
    std::vector<float> v(3 * embedder.dimensions());
    EXPECT_TRUE(embedder.Embed(three, v).ok());
    double rare = 0, common = 0;
    for (std::size_t d = 0; d < embedder.dimensions(); ++d) {
      rare += static_cast<double>(v[d]) * static_cast<double>(v[embedder.dimensions() + d]);
      common += static_cast<double>(v[d]) * static_cast<double>(v[2 * embedder.dimensions() + d]);
    }
    return rare - common;
  };
  const double before = nearer_to_rare();
  embedder.Count(views, 2);
  EXPECT_GT(nearer_to_rare(), before);
}

TEST(Split, ShardsAreEqualDisjointAndSeeded) {
  const auto sizes = [](const std::vector<std::uint16_t>& shards) {
    std::map<int, int> counts;
    for (const auto shard : shards) ++counts[shard];
    return counts;
  };
  for (const std::size_t items : {0U, 1U, 9U, 10U, 1003U}) {
    const auto counts = sizes(SplitItems(items, {}, {}));
    int least = 1 << 30, most = 0, total = 0;
    for (int s = 0; s <= 9; ++s) {
      const int count = counts.contains(s) ? counts.at(s) : 0;
      least = std::min(least, count);
      most = std::max(most, count);
      total += count;
    }
    EXPECT_LE(most - least, 1) << items;
    EXPECT_EQ(total, static_cast<int>(items));
  }
  EXPECT_EQ(SplitItems(100, {}, {}), SplitItems(100, {}, {}));
  EXPECT_NE(SplitItems(100, {}, {}), SplitItems(100, {}, {.seed = 2}));
  EXPECT_EQ(sizes(SplitItems(100, {}, {.shards = 3, .d0_size = 40})),
            (std::map<int, int>{{0, 40}, {1, 20}, {2, 20}, {3, 20}}));
  EXPECT_EQ(sizes(SplitItems(10, {}, {.shards = 0})), (std::map<int, int>{{0, 10}}));
}

TEST(Split, StrataAreSpreadEvenly) {
  std::vector<std::uint32_t> strata;
  for (std::uint32_t i = 0; i < 1000; ++i) strata.push_back(i % 7 == 0 ? 1 : i % 3);
  const auto shards = SplitItems(strata.size(), strata, {});
  std::map<std::pair<std::uint32_t, int>, int> counts;
  std::map<std::uint32_t, int> totals;
  for (std::size_t i = 0; i < strata.size(); ++i) {
    ++counts[{strata[i], shards[i]}];
    ++totals[strata[i]];
  }
  for (const auto& [stratum, total] : totals) {
    for (int s = 0; s <= 9; ++s) {
      EXPECT_NEAR((counts[{stratum, s}]), total / 10.0, 2) << stratum << " " << s;
    }
  }
}

}  // namespace
}  // namespace arena
