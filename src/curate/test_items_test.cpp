#include "curate/test_items.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/rng.h"
#include "curate/pool_testing.h"

namespace arena {
namespace {

// Sentences over few words, so that many share shingles.
std::string Sentence(Rng& rng) {
  std::string text;
  for (std::uint64_t i = 3 + rng.Below(12); i > 0; --i) text += fmt::format("w{} ", rng.Below(4));
  return text;
}

std::set<std::string> SlowShingles(const std::string& text, std::size_t size) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find(' ', at);
    words.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const std::size_t width = std::min(size, words.size());
  std::set<std::string> shingles;
  for (std::size_t i = 0; i + width <= words.size(); ++i) {
    std::string shingle;
    for (std::size_t k = 0; k < width; ++k) shingle += words[i + k] + " ";
    shingles.insert(shingle);
  }
  return shingles;
}

double SlowJaccard(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::size_t shared = 0;
  for (const std::string& shingle : a) shared += b.count(shingle);
  return static_cast<double>(shared) / static_cast<double>(a.size() + b.size() - shared);
}

TEST(RemoveTestItems, IsTheSameAsComparingEachWithEach) {
  Rng rng(17);
  std::vector<std::string> pool_texts, test_set;
  for (int i = 0; i < 400; ++i) pool_texts.push_back(Sentence(rng));
  for (int i = 0; i < 60; ++i) test_set.push_back(Sentence(rng));
  const TestPool pool(pool_texts);
  for (const double threshold : {0.2, 0.4, 0.8, 1.0}) {
    TestItemOptions options;
    options.shingles.size = 3;
    options.threshold = threshold;
    options.threads = 3;
    const auto removals = RemoveTestItems(pool.kept(), test_set, options);
    ASSERT_TRUE(removals.ok());
    std::map<std::uint32_t, double> found;
    for (const Removal& removal : *removals) {
      found[removal.item] = removal.similarity;
      EXPECT_DOUBLE_EQ(SlowJaccard(SlowShingles(pool_texts[removal.item], 3),
                                   SlowShingles(test_set[removal.matched], 3)),
                       removal.similarity);
    }
    std::size_t expected = 0;
    for (std::uint32_t i = 0; i < pool_texts.size(); ++i) {
      double most = 0;
      for (const std::string& text : test_set) {
        most = std::max(most, SlowJaccard(SlowShingles(pool_texts[i], 3), SlowShingles(text, 3)));
      }
      if (most < threshold) continue;
      ++expected;
      EXPECT_DOUBLE_EQ(found[i], most) << pool_texts[i];
    }
    EXPECT_EQ(removals->size(), expected);
    EXPECT_GT(expected, 0U);
  }
}

TEST(RemoveTestItems, TextsWithoutWordsMustBeEqual) {
  const TestPool pool({"???", "!!!", "a word"});
  const std::vector<std::string> test_set = {"!!!"};
  const auto removals = RemoveTestItems(pool.kept(), test_set, {});
  ASSERT_TRUE(removals.ok());
  ASSERT_EQ(removals->size(), 1U);
  EXPECT_EQ(removals->front().item, 1U);
  EXPECT_EQ(removals->front().similarity, 1);
}

TEST(RemoveTestItems, NoTestSetRemovesNothing) {
  const TestPool pool({"a word"});
  EXPECT_TRUE(RemoveTestItems(pool.kept(), {}, {})->empty());
}

}  // namespace
}  // namespace arena
