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

}  // namespace
}  // namespace arena::rating_internal
