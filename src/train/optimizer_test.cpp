#include "train/optimizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/rng.h"
#include "lm/kernels.h"
#include "train/internal/update.h"
#include "train/schedule.h"

namespace arena::train {
namespace {

using ::testing::HasSubstr;

std::vector<float> Random(std::size_t size, std::uint64_t stream) {
  Rng rng(11, stream);
  std::vector<float> numbers(size);
  for (float& number : numbers) number = static_cast<float>(2 * rng.Uniform() - 1);
  return numbers;
}

ParameterRange Range(std::size_t begin, std::size_t size, bool decays) {
  return {{"weight", {static_cast<std::int64_t>(size)}}, begin, size, decays};
}

// The formula in double, number by number.
class PlainAdamW {
 public:
  PlainAdamW(std::vector<double> parameters, const AdamWOptions& options)
      : p_(std::move(parameters)), m_(p_.size()), v_(p_.size()), options_(options) {}

  void Step(const std::vector<float>& gradients, double rate, double factor,
            std::size_t first_without_decay) {
    ++t_;
    for (std::size_t i = 0; i < p_.size(); ++i) {
      const double g = factor * static_cast<double>(gradients[i]);
      m_[i] = options_.beta1 * m_[i] + (1 - options_.beta1) * g;
      v_[i] = options_.beta2 * v_[i] + (1 - options_.beta2) * g * g;
      const double m = m_[i] / (1 - std::pow(options_.beta1, t_));
      const double v = v_[i] / (1 - std::pow(options_.beta2, t_));
      const double decay = i < first_without_decay ? options_.weight_decay : 0;
      p_[i] -= rate * decay * p_[i];
      p_[i] -= rate * m / (std::sqrt(v) + options_.epsilon);
    }
  }

  const std::vector<double>& parameters() const { return p_; }

 private:
  std::vector<double> p_, m_, v_;
  AdamWOptions options_;
  int t_ = 0;
};

TEST(AdamWTest, FollowsTheFormula) {
  constexpr std::size_t kSize = 1003, kDecaying = 700;
  const AdamWOptions options = {.beta1 = 0.9, .beta2 = 0.98, .epsilon = 1e-6, .weight_decay = 0.1};
  const std::vector<ParameterRange> ranges = {Range(0, kDecaying, true),
                                              Range(kDecaying, kSize - kDecaying, false)};
  std::vector<float> parameters = Random(kSize, 1);
  PlainAdamW plain({parameters.begin(), parameters.end()}, options);
  auto adamw = AdamW::Create(kSize, ranges, options);
  ASSERT_TRUE(adamw.ok()) << adamw.error().message;
  for (std::uint64_t step = 0; step < 20; ++step) {
    const std::vector<float> gradients = Random(kSize, 2 + step);
    adamw->Step(gradients, 0.01, 0.5, parameters);
    plain.Step(gradients, 0.01, 0.5, kDecaying);
  }
  EXPECT_EQ(adamw->steps(), 20);
  for (std::size_t i = 0; i < kSize; ++i) {
    EXPECT_NEAR(static_cast<double>(parameters[i]), plain.parameters()[i], 2e-6) << i;
  }
}

TEST(AdamWTest, TheFirstStepMovesByTheLearningRate) {
  std::vector<float> parameters = {1, 1, 1};
  auto adamw = AdamW::Create(3, std::vector{Range(0, 3, true)}, {});
  ASSERT_TRUE(adamw.ok());
  adamw->Step(std::vector<float>{1e-3F, -50, 0}, 0.25, 1, parameters);
  EXPECT_NEAR(parameters[0], 0.75, 1e-5);
  EXPECT_NEAR(parameters[1], 1.25, 1e-5);
  EXPECT_EQ(parameters[2], 1);
}

TEST(AdamWTest, GoesOnFromKeptMomentsAsIfItHadNotStopped) {
  const std::vector ranges = {Range(0, 100, true)};
  std::vector<float> straight = Random(100, 1), resumed = straight;
  auto one = AdamW::Create(100, ranges, {});
  auto two = AdamW::Create(100, ranges, {});
  ASSERT_TRUE(one.ok() && two.ok());
  one->Step(Random(100, 2), 0.1, 1, straight);
  resumed = straight;
  std::memcpy(two->first_moments().data(), one->first_moments().data(), 400);
  std::memcpy(two->second_moments().data(), one->second_moments().data(), 400);
  two->set_steps(one->steps());
  one->Step(Random(100, 3), 0.1, 1, straight);
  two->Step(Random(100, 3), 0.1, 1, resumed);
  EXPECT_EQ(straight, resumed);
}

TEST(AdamWTest, LeavesAloneWhatNoRangeCovers) {
  std::vector<float> parameters(300, 2);
  auto adamw = AdamW::Create(300, std::vector{Range(200, 50, true), Range(10, 90, true)}, {});
  ASSERT_TRUE(adamw.ok());
  adamw->Step(std::vector<float>(300, 1), 0.1, 1, parameters);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const bool covered = (i >= 10 && i < 100) || (i >= 200 && i < 250);
    EXPECT_EQ(parameters[i] != 2, covered) << i;
  }
}

TEST(AdamWTest, ThreadsDoNotChangeABit) {
  constexpr std::size_t kSize = (std::size_t{1} << 20) + 77;
  const std::vector ranges = {Range(0, kSize, true)};
  const std::vector<float> gradients = Random(kSize, 2);
  std::vector<float> one = Random(kSize, 1), three = one;
  auto alone = AdamW::Create(kSize, ranges, {});
  auto together = AdamW::Create(kSize, ranges, {.threads = 3});
  ASSERT_TRUE(alone.ok() && together.ok());
  alone->Step(gradients, 0.1, 1, one);
  together->Step(gradients, 0.1, 1, three);
  EXPECT_EQ(one, three);
  EXPECT_EQ(GlobalNorm(gradients, 1), GlobalNorm(gradients, 3));
}

TEST(AdamWTest, RefusesWrongOptionsAndRanges) {
  const auto error = [](const AdamWOptions& options, const std::vector<ParameterRange>& ranges) {
    const auto adamw = AdamW::Create(10, ranges, options);
    return adamw.ok() ? "no error" : adamw.error().message;
  };
  EXPECT_THAT(error({.beta2 = 1}, {}), HasSubstr("betas are 0.9 and 1"));
  EXPECT_THAT(error({.epsilon = 0}, {}), HasSubstr("epsilon is 0"));
  EXPECT_THAT(error({.weight_decay = -1}, {}), HasSubstr("weight decay is -1"));
  EXPECT_THAT(error({}, {Range(5, 6, true)}), HasSubstr("weight ends past the buffer"));
  EXPECT_THAT(error({}, {Range(5, 5, true), Range(0, 6, true)}), HasSubstr("overlap at 5"));
}

TEST(GlobalNormTest, IsTheSquareRootOfTheSumOfSquares) {
  const std::vector<float> gradients = Random(200'003, 3);
  double sum = 0;
  for (const float gradient : gradients) sum += static_cast<double>(gradient) * gradient;
  EXPECT_NEAR(GlobalNorm(gradients), std::sqrt(sum), 1e-10);
  EXPECT_EQ(GlobalNorm({}), 0);
  EXPECT_EQ(GlobalNorm(std::vector<float>{3e38F, 0, 0}), 3e38F);  // no overflow
  EXPECT_TRUE(std::isnan(GlobalNorm(std::vector<float>{1, std::nanf("")})));
  EXPECT_TRUE(std::isinf(GlobalNorm(std::vector<float>{std::numeric_limits<float>::infinity()})));
}

TEST(ClipFactorTest, BringsTheNormDown) {
  EXPECT_NEAR(ClipFactor(4, 1), 0.25, 1e-6);
  EXPECT_EQ(ClipFactor(0.5, 1), 1);
  EXPECT_EQ(ClipFactor(4, 0), 1);
}

#if defined(__x86_64__)
TEST(UpdateLoopsTest, EveryInstructionSetGivesTheSameBits) {
  const internal::AdamWNumbers numbers = {0.7F,   0.9F,  0.1F,  0.98F, 0.02F,
                                          1.234F, 1e-8F, 0.01F, 0.999F};
  constexpr std::size_t kSize = 1037;
  const std::vector<float> gradients = Random(kSize, 1);
  const auto results = [&](const internal::UpdateLoops& loops) {
    std::vector<float> p = Random(kSize, 2), m = Random(kSize, 3), v(kSize, 0.25F);
    for (int step = 0; step < 3; ++step) {
      loops.adamw(numbers, kSize, gradients.data(), p.data(), m.data(), v.data());
    }
    p.insert(p.end(), m.begin(), m.end());
    p.insert(p.end(), v.begin(), v.end());
    return std::pair(p, loops.sum_squares(gradients.data(), kSize));
  };
  const auto plain = results(internal::kPlainUpdate);
  if (lm::KernelsNamed("avx2") != nullptr) {
    EXPECT_EQ(plain, results(internal::kAvx2Update));
  }
  if (lm::KernelsNamed("avx512") != nullptr) {
    EXPECT_EQ(plain, results(internal::kAvx512Update));
  }
}
#endif

TEST(ScheduleTest, ComputesWhatOneComputesByHand) {
  Schedule schedule = {ScheduleShape::kConstant, 4, 12};
  EXPECT_EQ(ScheduleFactor(schedule, 0), 0);
  EXPECT_EQ(ScheduleFactor(schedule, 1), 0.25);
  EXPECT_EQ(ScheduleFactor(schedule, 4), 1);
  EXPECT_EQ(ScheduleFactor(schedule, 100), 1);
  schedule.shape = ScheduleShape::kLinear;
  EXPECT_EQ(ScheduleFactor(schedule, 3), 0.75);
  EXPECT_EQ(ScheduleFactor(schedule, 4), 1);
  EXPECT_EQ(ScheduleFactor(schedule, 6), 0.75);
  EXPECT_EQ(ScheduleFactor(schedule, 12), 0);
  EXPECT_EQ(ScheduleFactor(schedule, 100), 0);
  schedule.shape = ScheduleShape::kCosine;
  EXPECT_EQ(ScheduleFactor(schedule, 4), 1);
  EXPECT_NEAR(ScheduleFactor(schedule, 6), 0.85355339059327376, 1e-15);
  EXPECT_NEAR(ScheduleFactor(schedule, 8), 0.5, 1e-15);
  EXPECT_NEAR(ScheduleFactor(schedule, 12), 0, 1e-15);
  schedule.final_factor = 0.1;
  EXPECT_NEAR(ScheduleFactor(schedule, 8), 0.55, 1e-15);
  EXPECT_NEAR(ScheduleFactor(schedule, 50), 0.1, 1e-15);
}

TEST(ScheduleTest, WithoutWarmupItBeginsAt1) {
  EXPECT_EQ(ScheduleFactor({ScheduleShape::kLinear, 0, 4}, 0), 1);
  EXPECT_EQ(ScheduleFactor({ScheduleShape::kLinear, 0, 4}, 3), 0.25);
}

TEST(ScheduleTest, NamesAreChecked) {
  EXPECT_EQ(ParseScheduleShape("linear").value(), ScheduleShape::kLinear);
  const auto wrong = ParseScheduleShape("cosin");
  ASSERT_FALSE(wrong.ok());
  EXPECT_THAT(wrong.error().message, HasSubstr("did you mean cosine?"));
}

}  // namespace
}  // namespace arena::train
