#include "curate/near_duplicates.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <utility>

#include "base/rng.h"
#include "base/temporary_folder.h"
#include "curate/words.h"

namespace arena {
namespace {

using Texts = std::vector<std::string>;

ShingleSets SetsOf(const Texts& texts, const ShingleOptions& options = {}, unsigned threads = 1) {
  ShingleSets sets;
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  sets.Add(views, options, threads);
  return sets;
}

std::vector<std::uint32_t> InputOrder(std::size_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  return order;
}

std::vector<NearDuplicate> Find(const ShingleSets& sets, const NearDuplicateOptions& options = {}) {
  return FindNearDuplicates(sets, InputOrder(sets.size()), options);
}

// `count` words that occur nowhere else.
std::string FreshWords(int count, int& next) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("w{} ", next++);
  return text;
}

// The shingles of a text as strings: what the hashes stand for.
std::set<std::string> PlainShingles(const std::string& text, std::size_t size) {
  std::vector<std::string> words;
  std::string word;
  for (const char c : NormalizedText(text) + " ") {
    if (c != ' ') {
      word += c;
    } else if (!word.empty()) {
      words.push_back(std::exchange(word, {}));
    }
  }
  std::set<std::string> shingles;
  const std::size_t width = std::min(size, words.size());
  for (std::size_t i = 0; width > 0 && i + width <= words.size(); ++i) {
    std::string joined;
    for (std::size_t k = 0; k < width; ++k) joined += words[i + k] + " ";
    shingles.insert(joined);
  }
  return shingles;
}

double PlainJaccard(const std::string& a, const std::string& b) {
  const auto left = PlainShingles(a, 5), right = PlainShingles(b, 5);
  std::vector<std::string> both;
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(),
                        std::back_inserter(both));
  const auto shared = static_cast<double>(both.size());
  const double all = static_cast<double>(left.size() + right.size()) - shared;
  return all == 0 ? 0 : shared / all;
}

// Texts by the template: shared openings of random length, so that similarities of all sizes occur.
Texts MixedTexts(int count, std::uint64_t seed) {
  Rng rng(seed);
  Texts texts;
  for (int i = 0; i < count; ++i) {
    std::string text;
    const auto family = rng.Below(12);
    const auto common = rng.Below(60);
    for (std::uint64_t w = 0; w < common; ++w) text += fmt::format("f{}x{} ", family, w);
    const auto own = rng.Below(40);
    for (std::uint64_t w = 0; w < own; ++w) text += fmt::format("o{} ", rng.Below(100000));
    texts.push_back(text);
  }
  return texts;
}

TEST(Shingles, SimilarityIsThatOfTheSetsOfStrings) {
  const Texts texts = MixedTexts(60, 3);
  const ShingleSets sets = SetsOf(texts);
  for (std::size_t a = 0; a < texts.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      EXPECT_DOUBLE_EQ(Jaccard(sets[a], sets[b]), PlainJaccard(texts[a], texts[b]));
    }
  }
}

TEST(Shingles, CharactersCountCodePoints) {
  Shingler shingler({ShingleUnit::kCharacters, 3});
  EXPECT_EQ(shingler.Shingles("\u00c4\u00d6\u00dc ab").size(), 4U);  // of "äöü ab", 6 code points
  EXPECT_EQ(shingler.Shingles("aaaaaa").size(), 1U);
  EXPECT_EQ(shingler.Shingles("ab").size(), 1U);  // shorter than n: one shingle of it all
  EXPECT_TRUE(shingler.Shingles("!?").empty());
}

TEST(Shingles, ThreadsDoNotChangeTheSets) {
  const Texts texts = MixedTexts(1000, 4);
  const ShingleSets one = SetsOf(texts, {}, 1), three = SetsOf(texts, {}, 3);
  ASSERT_EQ(one.size(), three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_TRUE(std::ranges::equal(one[i], three[i])) << i;
  }
}

// The greedy rule word for word, with every earlier kept document as a candidate.
std::map<std::size_t, std::vector<std::pair<std::size_t, double>>> NearKept(
    const ShingleSets& sets, const std::vector<NearDuplicate>& found, double threshold) {
  std::set<std::size_t> removed;
  for (const NearDuplicate& duplicate : found) removed.insert(duplicate.document);
  std::map<std::size_t, std::vector<std::pair<std::size_t, double>>> near;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (removed.contains(k)) continue;
      const double similarity = Jaccard(sets[i], sets[k]);
      if (similarity >= threshold) near[i].emplace_back(k, similarity);
    }
  }
  return near;
}

TEST(NearDuplicates, EveryRemovalIsAgainstAKeptDocumentAtOrAboveTheThreshold) {
  const ShingleSets sets = SetsOf(MixedTexts(1500, 5));
  const auto found = Find(sets);
  ASSERT_GT(found.size(), 150U);
  const auto near = NearKept(sets, found, 0.4);
  for (const NearDuplicate& duplicate : found) {
    EXPECT_GE(duplicate.similarity, 0.4);
    EXPECT_DOUBLE_EQ(duplicate.similarity, Jaccard(sets[duplicate.document], sets[duplicate.kept]));
    EXPECT_TRUE(near.contains(duplicate.document));
  }
  // What stays although it resembles a kept document was no candidate of any: few, by the curve.
  double expected_misses = 0;
  const LshBands bands = BandsOf({});
  for (const auto& [document, kept] : near) {
    double missed_by_all = 1;
    for (const auto& [k, similarity] : kept) {
      missed_by_all *= 1 - CandidateProbability(similarity, bands);
    }
    expected_misses += missed_by_all;
  }
  const auto misses = static_cast<double>(near.size() - found.size());
  EXPECT_LE(misses, expected_misses + 5 * std::sqrt(expected_misses) + 1);
}

TEST(NearDuplicates, RemovalIsNotTransitive) {
  // b resembles a, c resembles b but not a: c stays, as b is not kept.
  int next = 0;
  const std::string x = FreshWords(30, next), y = FreshWords(30, next), z = FreshWords(30, next);
  const Texts chain = {x + y, x + y + z, y + z};
  const auto found = Find(SetsOf(chain));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].document, 1U);
  EXPECT_EQ(found[0].kept, 0U);
}

TEST(NearDuplicates, TheOrderDecidesWhatIsKept) {
  int next = 0;
  const std::string x = FreshWords(50, next);
  const Texts texts = {x, x + FreshWords(5, next), FreshWords(40, next)};
  const ShingleSets sets = SetsOf(texts);
  const std::vector<std::uint32_t> order = {1, 2, 0};
  const auto found = FindNearDuplicates(sets, order, {});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].document, 0U);
  EXPECT_EQ(found[0].kept, 1U);
}

TEST(NearDuplicates, ThreadsAndBlocksDoNotChangeTheResult) {
  // More than one block of documents.
  const ShingleSets sets = SetsOf(MixedTexts(9000, 6));
  NearDuplicateOptions options;
  options.threads = 1;
  const auto one = Find(sets, options);
  for (const unsigned threads : {2U, 3U, 8U}) {
    options.threads = threads;
    EXPECT_EQ(Find(sets, options), one) << threads;
  }
}

TEST(NearDuplicates, TablesOfAPartAtATimeChangeNothing) {
  const ShingleSets sets = SetsOf(MixedTexts(14000, 8));
  std::vector<std::uint32_t> order = InputOrder(sets.size());
  std::reverse(order.begin() + 2000, order.end());
  NearDuplicateOptions options;
  const auto whole = FindNearDuplicates(sets, order, options);
  EXPECT_GT(whole.size(), 1000U);
  EXPECT_GT(sets.size() - whole.size(), 6000U) << "too few for several passes";
  for (const std::size_t most : {1, 5000}) {
    options.most_in_tables = most;
    EXPECT_EQ(FindNearDuplicates(sets, order, options), whole) << most;
  }
}

TEST(Shingles, SpilledSetsAreTheSame) {
  const Texts texts = MixedTexts(900, 9);
  const ShingleSets whole = SetsOf(texts);
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  const TemporaryFolder folder;
  ShingleSets sets;
  EXPECT_FALSE(sets.is_spilled());
  for (std::size_t at = 0; at < views.size(); at += 300) {
    sets.Add(std::span(views).subspan(at, 300), {}, 1);
    const std::size_t before = sets.bytes();
    // The last part stays in memory.
    if (at == 600) break;
    ASSERT_TRUE(sets.Spill(folder.path()).ok());
    EXPECT_TRUE(sets.is_spilled());
    EXPECT_LT(sets.bytes(), before);
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "the file has no name";
  const ShingleSets moved = std::move(sets);
  ASSERT_EQ(moved.size(), whole.size());
  for (std::size_t d = 0; d < whole.size(); ++d) {
    ASSERT_TRUE(std::equal(moved[d].begin(), moved[d].end(), whole[d].begin(), whole[d].end()))
        << d;
  }
}

TEST(NearDuplicates, AnOrderByContentMakesTheInputOrderIrrelevant) {
  const Texts texts = MixedTexts(2000, 8);
  const auto kept = [](const Texts& input) {
    const ShingleSets sets = SetsOf(input);
    auto order = InputOrder(input.size());
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return input[a] < input[b]; });
    std::multiset<std::string> texts_kept(input.begin(), input.end());
    for (const auto& d : FindNearDuplicates(sets, order, {})) {
      texts_kept.erase(texts_kept.find(input[d.document]));
    }
    return texts_kept;
  };
  Texts shuffled = texts;
  Rng rng(9);
  std::shuffle(shuffled.begin(), shuffled.end(), rng);
  EXPECT_EQ(kept(texts), kept(shuffled));
}

// Pairs of known similarity are found at the rate that the bands' curve says.
TEST(NearDuplicates, PlantedPairsAreFoundAtTheRateOfTheCurve) {
  constexpr int kPairs = 400;
  NearDuplicateOptions options;
  options.threshold = 0.3;  // below the planted similarities: whatever is a candidate is removed
  options.false_positive_weight = 0.5;
  const LshBands bands = BandsOf(options);
  for (const int shared_words : {34, 44, 59}) {
    int next = 0;
    Texts texts;
    for (int i = 0; i < kPairs; ++i) {
      const std::string common = FreshWords(shared_words, next);
      texts.push_back(common + FreshWords(20, next));
      texts.push_back(common + FreshWords(20, next));
    }
    const ShingleSets sets = SetsOf(texts);
    const double similarity = Jaccard(sets[0], sets[1]);
    const double expected = CandidateProbability(similarity, bands);
    const double deviation = std::sqrt(expected * (1 - expected) / kPairs);
    const double found = static_cast<double>(Find(sets, options).size()) / kPairs;
    EXPECT_NEAR(found, expected, 4 * deviation + 1e-3) << similarity;
  }
}

TEST(NearDuplicates, ExactCopiesAreAlwaysFoundAndEmptyTextsNever) {
  Texts texts = MixedTexts(500, 10);
  std::erase_if(texts, [](const std::string& text) { return text.empty(); });
  const std::size_t own = texts.size();
  const Texts copies = texts;
  texts.insert(texts.end(), copies.begin(), copies.end());
  texts.push_back("");
  texts.push_back("...");
  const auto found = Find(SetsOf(texts));
  std::set<std::size_t> removed;
  for (const NearDuplicate& duplicate : found) removed.insert(duplicate.document);
  for (std::size_t i = own; i < 2 * own; ++i) EXPECT_TRUE(removed.contains(i)) << i;
  EXPECT_FALSE(removed.contains(2 * own));
  EXPECT_FALSE(removed.contains(2 * own + 1));
}

}  // namespace
}  // namespace arena
