#include "rating/internal/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace arena::rating_internal {
namespace {

TEST(Kernels, LogisticMatchesTheLibraryOverItsRange) {
  std::vector<double> x;
  for (double value = -700; value <= 700; value += 0.37) x.push_back(value);
  for (double value = -5; value <= 5; value += 0.001) x.push_back(value);
  std::vector<double> y = x;
  Logistic(y.data(), y.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double exact = 1 / (1 + std::exp(-x[i]));
    ASSERT_NEAR(y[i] / exact, 1, 1e-15) << x[i];
  }
}

TEST(Kernels, LogisticIsFiniteBeyondItsRange) {
  std::vector<double> x = {-1e300, -800, 800, 1e300};
  Logistic(x.data(), x.size());
  EXPECT_GT(x[0], 0);
  EXPECT_LT(x[1], 1e-300);
  EXPECT_EQ(x[2], 1);
  EXPECT_EQ(x[3], 1);
}

TEST(Kernels, SumsCoverEveryLength) {
  std::vector<double> x;
  std::vector<double> y;
  for (std::size_t n = 0; n < 40; ++n) {
    double exact = 0;
    for (std::size_t i = 0; i < n; ++i) exact += x[i] * y[i];
    EXPECT_NEAR(Dot(x.data(), y.data(), n), exact, 1e-12);
    std::vector<double> sum = y;
    AddScaled(-2, x.data(), sum.data(), n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_EQ(sum[i], y[i] - 2 * x[i]);
    x.push_back(static_cast<double>(n) - 7.25);
    y.push_back(0.5 * static_cast<double>(n % 5) - 1);
  }
}

TEST(Kernels, StyleResidualsMatchTheFormula) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{16}, std::size_t{37}}) {
    StylePass pass;
    std::vector<std::vector<float>> columns(6);  // four features, share, weight
    for (std::size_t c = 0; c < columns.size(); ++c) {
      for (std::size_t i = 0; i < n; ++i) {
        columns[c].push_back(static_cast<float>(std::sin(static_cast<double>(7 * c + 3 * i + 1))));
      }
      columns[c].resize(n + kStylePadding, 0);
    }
    for (std::size_t f = 0; f < kStyleFeatures; ++f) {
      pass.features[f] = columns[f].data();
      pass.coefficients[f] = 0.3F * static_cast<float>(f) - 0.4F;
    }
    pass.share = columns[4].data();
    pass.weight = columns[5].data();
    std::vector<float> values(n + kStylePadding, 0);
    for (std::size_t i = 0; i < n; ++i) values[i] = 4 * static_cast<float>(i % 7) - 11;
    std::vector<double> exact_sums(kStyleFeatures, 0);
    std::vector<double> exact(n);
    for (std::size_t i = 0; i < n; ++i) {
      double logit = values[i];
      for (std::size_t f = 0; f < kStyleFeatures; ++f) {
        logit += double{pass.coefficients[f]} * double{columns[f][i]};
      }
      exact[i] = double{columns[5][i]} * (1 / (1 + std::exp(-logit)) - double{columns[4][i]});
      for (std::size_t f = 0; f < kStyleFeatures; ++f) {
        exact_sums[f] += exact[i] * double{columns[f][i]};
      }
    }
    StyleResiduals(pass, values.data(), n);
    for (std::size_t i = 0; i < n; ++i) EXPECT_NEAR(values[i], exact[i], 1e-6) << i;
    for (std::size_t f = 0; f < kStyleFeatures; ++f) {
      EXPECT_NEAR(pass.sums[f], exact_sums[f], 1e-5) << f;
    }
  }
}

TEST(Kernels, StyleResidualsOfExtremeLogitsAreFinite) {
  const std::vector<float> zeros(2 * kStylePadding, 0);
  const std::vector<float> ones(2 * kStylePadding, 1);
  StylePass pass;
  pass.features.fill(zeros.data());
  pass.share = zeros.data();
  pass.weight = ones.data();
  std::vector<float> values(2 * kStylePadding, 0);
  values[0] = -1e30F;
  values[1] = 1e30F;
  StyleResiduals(pass, values.data(), kStylePadding);
  EXPECT_GE(values[0], 0);
  EXPECT_LT(values[0], 1e-30F);
  EXPECT_EQ(values[1], 1);
}

TEST(Kernels, SumOfReadsNoFartherThanItsLength) {
  for (std::size_t n = 0; n < 40; ++n) {
    std::vector<float> values(n + kStylePadding, 1e6F);
    float exact = 0;
    for (std::size_t i = 0; i < n; ++i) exact += values[i] = static_cast<float>(i % 5) - 1.5F;
    EXPECT_NEAR(SumOf(values.data(), n), exact, 1e-5F) << n;
  }
}

}  // namespace
}  // namespace arena::rating_internal
