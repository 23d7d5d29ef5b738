#include "rating/internal/binomial.h"

#include <gtest/gtest.h>

#include <boost/math/distributions/binomial.hpp>
#include <boost/math/distributions/chi_squared.hpp>
#include <cmath>
#include <numeric>
#include <vector>

namespace arena::rating_internal {
namespace {

struct Case {
  std::uint64_t trials;
  double p;
};

// Pearson's statistic over counts with at least 10 expected draws, the tails pooled.
double ChiSquare(const Case& c, int draws, std::size_t& degrees) {
  const boost::math::binomial_distribution<double> exact(static_cast<double>(c.trials), c.p);
  Rng rng(17, c.trials);
  std::vector<double> observed(c.trials + 1, 0);
  for (int i = 0; i < draws; ++i) ++observed[DrawBinomial(rng, c.trials, c.p)];
  double statistic = 0;
  double rest_observed = draws;
  double rest_expected = draws;
  degrees = 0;
  for (std::uint64_t k = 0; k <= c.trials; ++k) {
    const double expected = draws * boost::math::pdf(exact, static_cast<double>(k));
    if (expected < 10) continue;
    statistic += (observed[k] - expected) * (observed[k] - expected) / expected;
    rest_observed -= observed[k];
    rest_expected -= expected;
    ++degrees;
  }
  if (rest_expected > 5) {
    statistic += (rest_observed - rest_expected) * (rest_observed - rest_expected) / rest_expected;
    ++degrees;
  }
  --degrees;
  return statistic;
}

TEST(DrawBinomial, FollowsTheExactProbabilities) {
  // Both methods, both tails, both sides of the bound between the methods, and a product longer
  // than the rejection's shortcut.
  for (const Case c : {Case{1, 0.3}, Case{20, 0.4}, Case{20, 0.97}, Case{1000, 0.0099},
                       Case{1000, 0.0101}, Case{1000, 0.067}, Case{50, 0.5}, Case{400, 0.93},
                       Case{40'000, 0.5}, Case{100'000, 0.0006}}) {
    std::size_t degrees = 0;
    const double statistic = ChiSquare(c, 300'000, degrees);
    const boost::math::chi_squared_distribution<double> exact(static_cast<double>(degrees));
    EXPECT_LT(statistic, boost::math::quantile(exact, 0.9999)) << c.trials << " " << c.p;
    EXPECT_GT(statistic, boost::math::quantile(exact, 0.0001)) << c.trials << " " << c.p;
  }
}

TEST(DrawBinomial, KnowsTheEdges) {
  Rng rng(1);
  EXPECT_EQ(DrawBinomial(rng, 0, 0.5), 0U);
  EXPECT_EQ(DrawBinomial(rng, 10, 0), 0U);
  EXPECT_EQ(DrawBinomial(rng, 10, 1), 10U);
}

// Means and covariances of counts: n p_i, n p_i (1 - p_i) and -n p_i p_j.
void ExpectMultinomialMoments(const std::vector<double>& sizes) {
  const double n = std::accumulate(sizes.begin(), sizes.end(), 0.0);
  const Multinomial multinomial(sizes);
  constexpr int kDraws = 40'000;
  Rng rng(23);
  std::vector<double> counts;
  std::vector<double> sum(sizes.size(), 0);
  std::vector<std::vector<double>> products(sizes.size(), sum);
  for (int draw = 0; draw < kDraws; ++draw) {
    multinomial.Draw(rng, counts);
    ASSERT_EQ(std::accumulate(counts.begin(), counts.end(), 0.0), n);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      sum[i] += counts[i];
      for (std::size_t j = 0; j <= i; ++j) {
        products[i][j] += (counts[i] - sizes[i]) * (counts[j] - sizes[j]);
      }
    }
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const double deviation = std::sqrt(sizes[i] * (1 - sizes[i] / n));
    EXPECT_NEAR(sum[i] / kDraws, sizes[i], 4.5 * deviation / std::sqrt(kDraws)) << i;
    for (std::size_t j = 0; j <= i; ++j) {
      const double exact = (i == j ? sizes[i] : 0) - sizes[i] * sizes[j] / n;
      const double spread = std::sqrt(sizes[i] * sizes[j]) + 1;
      EXPECT_NEAR(products[i][j] / kDraws, exact, 6 * spread * std::sqrt(2.0 / kDraws))
          << i << " " << j;
    }
  }
}

TEST(Multinomial, HasTheExactMomentsForUnequalCategories) {
  ExpectMultinomialMoments({3, 0, 40, 200, 7, 1, 90, 5000, 40});
}

TEST(Multinomial, HasTheExactMomentsForSingleItems) {
  ExpectMultinomialMoments(std::vector<double>(12, 1));
}

TEST(Multinomial, HasTheExactMomentsForFewItems) { ExpectMultinomialMoments({1, 2, 1, 3}); }

TEST(Multinomial, HasTheExactMomentsForManyItemsInSmallCategories) {
  ExpectMultinomialMoments({30, 0, 64, 30, 500, 9, 120, 64, 2});
}

TEST(Multinomial, EachCountFollowsItsBinomial) {
  // 3000 items, so counts are Binomial(3000, size / 3000).
  const std::vector<double> sizes = {40, 400, 60, 1, 499, 2000};
  const Multinomial multinomial(sizes);
  constexpr int kDraws = 100'000;
  std::vector<std::vector<double>> observed(sizes.size(), std::vector<double>(3001, 0));
  Rng rng(31);
  std::vector<double> counts;
  for (int draw = 0; draw < kDraws; ++draw) {
    multinomial.Draw(rng, counts);
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      ++observed[i][static_cast<std::size_t>(counts[i])];
    }
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    const boost::math::binomial_distribution<double> exact(3000, sizes[i] / 3000);
    double statistic = 0;
    double degrees = -1;
    for (std::size_t k = 0; k < observed[i].size(); ++k) {
      const double expected = kDraws * boost::math::pdf(exact, static_cast<double>(k));
      if (expected < 10) continue;
      statistic += (observed[i][k] - expected) * (observed[i][k] - expected) / expected;
      degrees += 1;
    }
    const boost::math::chi_squared_distribution<double> chi_squared(degrees);
    EXPECT_LT(statistic, boost::math::quantile(chi_squared, 0.9999)) << i;
    EXPECT_GT(statistic, boost::math::quantile(chi_squared, 0.0001)) << i;
  }
}

TEST(Multinomial, OneCategoryTakesAll) {
  const Multinomial multinomial({12});
  Rng rng(3);
  std::vector<double> counts;
  multinomial.Draw(rng, counts);
  EXPECT_EQ(counts, std::vector<double>{12});
}

}  // namespace
}  // namespace arena::rating_internal
