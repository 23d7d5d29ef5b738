#include "lm/kernels.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "lm/precision.h"

namespace arena::lm {
namespace {

std::vector<float> RandomFloats(Rng& rng, std::size_t count, double range = 1) {
  std::vector<float> values(count);
  for (float& value : values) value = static_cast<float>((2 * rng.Uniform() - 1) * range);
  return values;
}

float Widen(Bfloat16 value) { return std::bit_cast<float>(std::uint32_t{value} << 16); }
Bfloat16 Cut(float value) {
  return static_cast<Bfloat16>(std::bit_cast<std::uint32_t>(value) >> 16);
}

template <typename Element>
std::size_t At(std::size_t depth, std::size_t k, std::size_t column) {
  return column / kPanelColumns * PanelSize<Element>(depth) +
         PanelIndex<Element>(k, column % kPanelColumns);
}

class KernelsTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (KernelsNamed(GetParam()) == nullptr) GTEST_SKIP() << "this processor has no " << GetParam();
  }
  const Kernels& kernels() const { return *KernelsNamed(GetParam()); }
};

TEST_P(KernelsTest, ProductsAgreeWithLoopsInDouble) {
  Rng rng(1);
  for (const std::size_t rows : {1U, 2U, 3U, 5U, 6U, 7U, 11U, 12U, 13U, 25U, 97U, 110U}) {
    for (const std::size_t panels : {1U, 2U, 3U}) {
      for (const std::size_t depth : {1U, 2U, 40U, 41U}) {
        const std::size_t columns = panels * kPanelColumns;
        const std::size_t x_stride = depth + 3, y_stride = columns + 5;
        std::vector<float> x = RandomFloats(rng, rows * x_stride);
        for (float& value : x) value = Widen(Cut(value));  // exact, for the set that rounds it
        const std::vector<float> y = RandomFloats(rng, rows * y_stride);
        const std::vector<float> w = RandomFloats(rng, depth * columns);
        // What fills the last pair of an odd depth must not count.
        std::vector<Bfloat16> narrow(panels * PanelSize<Bfloat16>(depth), 0x7FC0);
        for (std::size_t c = 0; c < columns; ++c) {
          for (std::size_t k = 0; k < depth; ++k) {
            narrow[At<Bfloat16>(depth, k, c)] = Cut(w[At<float>(depth, k, c)]);
          }
        }
        for (const bool accumulate : {false, true}) {
          std::vector<float> f32 = y, bf16 = y, rounded = y;
          kernels().multiply_f32({x.data(), x_stride, rows, depth, w.data(), panels, f32.data(),
                                  y_stride, accumulate});
          kernels().multiply_bf16({x.data(), x_stride, rows, depth, narrow.data(), panels,
                                   bf16.data(), y_stride, accumulate});
          kernels().multiply_rounded({x.data(), x_stride, rows, depth, narrow.data(), panels,
                                      rounded.data(), y_stride, accumulate});
          for (std::size_t r = 0; r < rows; ++r) {
            for (std::size_t c = 0; c < y_stride; ++c) {
              const std::size_t at = r * y_stride + c;
              if (c >= columns) {
                ASSERT_EQ(f32[at], y[at]) << "written past the panels";
                ASSERT_EQ(bf16[at], y[at]);
                ASSERT_EQ(rounded[at], y[at]);
                continue;
              }
              double sum = accumulate ? static_cast<double>(y[at]) : 0, narrow_sum = sum;
              for (std::size_t k = 0; k < depth; ++k) {
                const auto factor = static_cast<double>(x[r * x_stride + k]);
                const float weight = w[At<float>(depth, k, c)];
                sum += factor * static_cast<double>(weight);
                narrow_sum += factor * static_cast<double>(Widen(Cut(weight)));
              }
              ASSERT_NEAR(f32[at], sum, 1e-5) << rows << " " << panels << " " << depth;
              ASSERT_NEAR(rounded[at], narrow_sum, 1e-5);
              ASSERT_NEAR(bf16[at], narrow_sum, 1e-5) << rows << " " << panels << " " << depth;
            }
          }
        }
      }
    }
  }
}

TEST_P(KernelsTest, ARowHasTheSameBitsAmongOthers) {
  Rng rng(2);
  constexpr std::size_t kRows = 110, kDepth = 70, kPanels = 3, kColumns = kPanels * kPanelColumns;
  const std::vector<float> x = RandomFloats(rng, kRows * kDepth);
  const std::vector<float> w = RandomFloats(rng, kDepth * kColumns);
  std::vector<float> all(kRows * kColumns), one(kColumns);
  kernels().multiply_f32(
      {x.data(), kDepth, kRows, kDepth, w.data(), kPanels, all.data(), kColumns});
  for (std::size_t r = 0; r < kRows; ++r) {
    kernels().multiply_f32(
        {x.data() + r * kDepth, kDepth, 1, kDepth, w.data(), kPanels, one.data(), kColumns});
    for (std::size_t c = 0; c < kColumns; ++c) ASSERT_EQ(one[c], all[r * kColumns + c]);
  }
}

TEST_P(KernelsTest, RoundedProductsOfManyRowsAndAGreatDepth) {
  Rng rng(5);
  for (const std::size_t depth : {1023U, 1025U, 2100U}) {
    constexpr std::size_t kRows = 70, kPanels = 2, kColumns = kPanels * kPanelColumns;
    std::vector<float> x = RandomFloats(rng, kRows * depth);
    for (float& value : x) value = Widen(Cut(value));
    std::vector<Bfloat16> w(kPanels * PanelSize<Bfloat16>(depth), 0x7FC0);
    for (std::size_t c = 0; c < kColumns; ++c) {
      for (std::size_t k = 0; k < depth; ++k) {
        w[At<Bfloat16>(depth, k, c)] = Cut(static_cast<float>(rng.Uniform() - 0.5));
      }
    }
    std::vector<float> all(kRows * kColumns), one(kColumns);
    kernels().multiply_rounded(
        {x.data(), depth, kRows, depth, w.data(), kPanels, all.data(), kColumns});
    for (std::size_t r = 0; r < kRows; ++r) {
      kernels().multiply_rounded(
          {x.data() + r * depth, depth, 1, depth, w.data(), kPanels, one.data(), kColumns});
      for (std::size_t c = 0; c < kColumns; ++c) {
        double sum = 0;
        for (std::size_t k = 0; k < depth; ++k) {
          sum += static_cast<double>(x[r * depth + k]) *
                 static_cast<double>(Widen(w[At<Bfloat16>(depth, k, c)]));
        }
        ASSERT_NEAR(all[r * kColumns + c], sum, 1e-3);
        ASSERT_EQ(one[c], all[r * kColumns + c]) << "a row has the same bits among others";
      }
    }
  }
}

TEST_P(KernelsTest, ExponentialsAndTheirSum) {
  Rng rng(3);
  for (const std::size_t n : {1U, 15U, 16U, 17U, 1000U, 5000U}) {
    const std::vector<float> x = RandomFloats(rng, n, 30);
    std::vector<float> y(n);
    const double sum = kernels().exp_shifted(x.data(), 2.0F, 0.7F, n, y.data());
    double expected = 0;
    for (std::size_t i = 0; i < n; ++i) {
      const double value = std::exp(static_cast<double>((x[i] - 2.0F) * 0.7F));
      expected += value;
      ASSERT_NEAR(y[i] / value, 1, 1e-6) << x[i];
    }
    EXPECT_NEAR(sum / expected, 1, 1e-6);
  }
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> odd(40, 0.0F);
  EXPECT_TRUE(std::isfinite(kernels().exp_shifted(odd.data(), 1e30F, 1, 40, odd.data())));
  odd.assign(40, -infinity);
  EXPECT_LT(kernels().exp_shifted(odd.data(), 0, 1, 40, odd.data()), 1e-30);
  odd[39] = nan;
  EXPECT_TRUE(std::isnan(kernels().exp_shifted(odd.data(), 0, 1, 40, odd.data())));
}

TEST_P(KernelsTest, NormSiluRotationMaximumScale) {
  Rng rng(4);
  for (const std::size_t n : {2U, 16U, 34U, 96U, 130U}) {
    const std::vector<float> x = RandomFloats(rng, n, 3), w = RandomFloats(rng, n);
    std::vector<float> y(n), gate = x, turned = x, scaled = x;
    kernels().rms_norm(x.data(), w.data(), 1e-5F, n, y.data());
    kernels().silu_multiply(gate.data(), w.data(), n);
    const std::vector<float> cosine = RandomFloats(rng, n / 2), sine = RandomFloats(rng, n / 2);
    kernels().rotate(turned.data(), cosine.data(), sine.data(), n / 2);
    kernels().scale(scaled.data(), 0.3F, n);
    double squares = 0;
    for (const float value : x) squares += static_cast<double>(value) * static_cast<double>(value);
    const double norm = std::sqrt(squares / static_cast<double>(n) + 1e-5);
    float largest = x[0];
    for (std::size_t i = 0; i < n; ++i) {
      const auto value = static_cast<double>(x[i]), weight = static_cast<double>(w[i]);
      EXPECT_NEAR(y[i], value / norm * weight, 1e-6);
      EXPECT_NEAR(gate[i], value / (1 + std::exp(-value)) * weight, 1e-6);
      EXPECT_NEAR(scaled[i], value * 0.3, 1e-6);
      const std::size_t pair = i % (n / 2);
      const auto a = static_cast<double>(x[pair]), b = static_cast<double>(x[pair + n / 2]);
      const auto c = static_cast<double>(cosine[pair]), s = static_cast<double>(sine[pair]);
      EXPECT_NEAR(turned[i], i < n / 2 ? a * c - b * s : b * c + a * s, 1e-6);
      largest = std::max(largest, x[i]);
    }
    EXPECT_EQ(kernels().maximum(x.data(), n), largest);
  }
}

INSTANTIATE_TEST_SUITE_P(All, KernelsTest,
                         testing::Values("plain", "avx2", "avx512", "avx512bf16", "amx"),
                         [](const auto& each) { return std::string(each.param); });

TEST(KernelsChoiceTest, UnknownNamesAreNoKernels) {
  EXPECT_EQ(KernelsNamed("sse9"), nullptr);
  EXPECT_NE(KernelsNamed("plain"), nullptr);
}

TEST(ChoosePrecisionTest, AutoTakesBfloat16WhereItIsFasterAndLosesNothing) {
  const Precision fast = HasBfloat16Tiles() ? Precision::kBf16 : Precision::kF32;
  EXPECT_EQ(ChoosePrecision("auto", DType::kF32).value(), fast);
  EXPECT_EQ(ChoosePrecision("auto", DType::kF16).value(), fast);
  EXPECT_EQ(ChoosePrecision("auto", DType::kBf16).value(),
            HasBfloat16Dots() ? Precision::kBf16 : fast);
  EXPECT_EQ(ChoosePrecision("f32", DType::kBf16).value(), Precision::kF32);
  EXPECT_EQ(ChoosePrecision("bf16", DType::kF32).value(), Precision::kBf16);
  EXPECT_FALSE(ChoosePrecision("f16", DType::kF16).ok());
}

}  // namespace
}  // namespace arena::lm
