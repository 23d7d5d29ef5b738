#include "curate/clustering.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "base/rng.h"
#include "curate/cluster_terms.h"

namespace arena {
namespace {

constexpr std::size_t kSide = 16;

// `each` noisy vectors around each of `groups` axes, group after group.
std::vector<float> Groups(std::size_t groups, std::size_t each, double noise) {
  Rng rng(3);
  std::vector<float> vectors;
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < each; ++i) {
      std::vector<double> vector(kSide);
      double squares = 0;
      for (std::size_t d = 0; d < kSide; ++d) {
        vector[d] = (d == g ? 1 : 0) + noise * (rng.Uniform() - 0.5);
        squares += vector[d] * vector[d];
      }
      for (const double value : vector) {
        vectors.push_back(static_cast<float>(value / std::sqrt(squares)));
      }
    }
  }
  return vectors;
}

TEST(Clustering, FindsGroupsThatAreFarApart) {
  const auto vectors = Groups(6, 50, 0.2);
  const auto clustering = ClusterVectors(vectors, kSide, {.clusters = 6, .seed = 4});
  ASSERT_TRUE(clustering.ok()) << clustering.error().message;
  ASSERT_EQ(clustering->clusters, 6U);
  // Groups are never split between clusters of which both hold others, too: each cluster is made of
  // whole groups or each group of whole clusters.
  std::map<std::uint32_t, std::set<std::size_t>> groups_in;
  for (std::size_t i = 0; i < clustering->cluster_of.size(); ++i) {
    groups_in[clustering->cluster_of[i]].insert(i / 50);
  }
  std::size_t pure = 0;
  for (const auto& [cluster, groups] : groups_in) pure += groups.size() == 1 ? 1 : 0;
  EXPECT_GE(pure, 4U);
  for (const float similarity : clustering->similarity) EXPECT_LE(similarity, 1.0001F);
}

// Against the obvious search.
TEST(Clustering, EveryVectorIsWithItsNearestCentre) {
  const auto vectors = Groups(5, 40, 1.5);
  const auto clustering = ClusterVectors(vectors, kSide, {.clusters = 9, .seed = 1});
  ASSERT_TRUE(clustering.ok());
  for (std::size_t i = 0; i < 200; ++i) {
    double best = -2;
    double own = -2;
    for (std::size_t c = 0; c < clustering->clusters; ++c) {
      double product = 0;
      for (std::size_t d = 0; d < kSide; ++d) {
        product += static_cast<double>(vectors[i * kSide + d]) *
                   static_cast<double>(clustering->centres[c * kSide + d]);
      }
      best = std::max(best, product);
      if (c == clustering->cluster_of[i]) own = product;
    }
    EXPECT_NEAR(own, best, 1e-5);
    EXPECT_NEAR(own, static_cast<double>(clustering->similarity[i]), 1e-5);
  }
}

TEST(Clustering, TheSameSeedGivesTheSameClusters) {
  const auto vectors = Groups(5, 40, 1.5);
  const auto first = ClusterVectors(vectors, kSide, {.clusters = 9, .seed = 1});
  const auto again = ClusterVectors(vectors, kSide, {.clusters = 9, .seed = 1});
  EXPECT_EQ(first->cluster_of, again->cluster_of);
  EXPECT_EQ(first->centres, again->centres);
}

TEST(Clustering, FewVectorsMakeFewClusters) {
  const auto vectors = Groups(3, 1, 0);
  const auto clustering = ClusterVectors(vectors, kSide, {.clusters = 100});
  ASSERT_TRUE(clustering.ok()) << clustering.error().message;
  EXPECT_EQ(clustering->clusters, 3U);
  EXPECT_EQ(
      std::set<std::uint32_t>(clustering->cluster_of.begin(), clustering->cluster_of.end()).size(),
      3U);
  EXPECT_FALSE(ClusterVectors({}, kSide, {}).ok());
}

TEST(PlaneMap, KeepsTheDirectionsThatVaryMost) {
  // Points on a plane: 3 times as wide along axis 5 as along axis 2.
  Rng rng(8);
  std::vector<float> vectors;
  std::vector<std::pair<double, double>> planned;
  for (int i = 0; i < 300; ++i) {
    const double x = 3 * (rng.Uniform() - 0.5);
    const double y = rng.Uniform() - 0.5;
    planned.emplace_back(x, y);
    for (std::size_t d = 0; d < kSide; ++d) {
      vectors.push_back(static_cast<float>(d == 5 ? x : d == 2 ? y : 0));
    }
  }
  const auto map = PlaneMap::Learn(vectors, kSide);
  ASSERT_TRUE(map.ok());
  double mean_x = 0;
  for (const auto& [x, y] : planned) mean_x += x / 300;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const auto point = (*map)(std::span(vectors).subspan(i * kSide, kSide));
    // The axes may lean a little, as the draw is not exactly symmetric.
    EXPECT_NEAR(point.x, planned[i].first - mean_x, 0.15);
  }
}

TEST(PlaneMap, FewVectorsAreAllAtTheOrigin) {
  const std::vector<float> one(kSide, 0.25F);
  const auto map = PlaneMap::Learn(one, kSide);
  ASSERT_TRUE(map.ok());
  EXPECT_EQ((*map)(one).x, 0);
  EXPECT_EQ((*map)(one).y, 0);
}

TEST(ClusterTerms, NamesWhatIsFrequentHereAndRareElsewhere) {
  ClusterTerms terms(2);
  for (int i = 0; i < 10; ++i) {
    terms.Add(0, fmt::format("Please write a poem about the moon, number {}", i));
    terms.Add(1, fmt::format("Please write code about sorting in Python {}", i));
  }
  terms.Add(0, "zebra");
  EXPECT_EQ(terms.Label(0, 3), "moon, number, poem");
  EXPECT_EQ(terms.Label(1, 2), "code, python");
  EXPECT_EQ(ClusterTerms(1).Label(0, 3), "");
}

}  // namespace
}  // namespace arena
