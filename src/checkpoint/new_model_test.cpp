#include "checkpoint/new_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/checkpoint_testing.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

std::vector<float> Values(const TensorView& view) {
  std::vector<float> values(view.element_count());
  ReadFloats(view, 0, values);
  return values;
}

TEST(NewModelTest, ShapesHaveTheStatedSizes) {
  EXPECT_EQ(ParameterCount(ShapeConfig(ModelShape::kMini, 257)), 381792);
  EXPECT_EQ(ParameterCount(ShapeConfig(ModelShape::k135m, 49152)), 134515008);
  const std::int64_t sixty = ParameterCount(ShapeConfig(ModelShape::k60m, 49152));
  EXPECT_NEAR(static_cast<double>(sixty), 60e6, 1e6);
  for (const ModelShape shape : {ModelShape::kMini, ModelShape::k60m, ModelShape::k135m}) {
    EXPECT_EQ(ParseModelShape(ModelShapeName(shape)).value(), shape);
    const ModelConfig config = ShapeConfig(shape, 300);
    EXPECT_EQ(config.heads % config.kv_heads, 0);
    EXPECT_EQ(config.heads * config.head_dim, config.hidden_size);
  }
  EXPECT_THAT(ParseModelShape("7b").error().message, HasSubstr("mini, 60m and 135m"));
}

TEST(NewModelTest, WeightsAreNormalAndNormsOne) {
  const testing::TempDirectory directory;
  const ModelConfig config = ShapeConfig(ModelShape::kMini, 257);
  ASSERT_TRUE(NewModel(config, 1, directory.path()).ok());
  const auto checkpoint = Checkpoint::Open(directory.path());
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->config(), config);
  double sum = 0, squares = 0, fourths = 0;
  std::int64_t count = 0;
  for (const TensorView& tensor : checkpoint->tensors()) {
    for (const float value : Values(tensor)) {
      if (tensor.shape.size() == 1) {
        ASSERT_EQ(value, 1.0F);
        continue;
      }
      const double z = value / 0.02;
      sum += z;
      squares += z * z;
      fourths += z * z * z * z;
      ++count;
    }
  }
  // Five standard errors around the moments 0, 1 and 3 of a standard normal.
  const auto n = static_cast<double>(count);
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2 / n));
  EXPECT_NEAR(fourths / n, 3, 5 * std::sqrt(96 / n));
}

TEST(NewModelTest, TheSeedDecidesEveryByte) {
  const testing::TempDirectory directory;
  ModelConfig config = ShapeConfig(ModelShape::kMini, 30);
  config.dtype = DType::kBf16;
  const auto make = [&](const char* name, std::uint64_t seed) {
    EXPECT_TRUE(NewModel(config, seed, directory.path() / name).ok());
    return ReadFile(directory.path() / name / "model.safetensors").value();
  };
  const std::string a = make("a", 1);
  EXPECT_EQ(make("b", 1), a);
  EXPECT_NE(make("c", 2), a);
  EXPECT_EQ(Checkpoint::Open(directory.path() / "a")->tensors()[0].dtype, DType::kBf16);
  EXPECT_THAT(NewModel(config, 1, directory.path() / "a").error().message,
              HasSubstr("holds a model already"));
}

}  // namespace
}  // namespace arena
