#include "checkpoint/rope.h"

#include <gtest/gtest.h>

#include <cmath>

namespace arena {
namespace {

// Expected values are printed by testdata/rope_values.py.

ModelConfig WithHeads(std::int64_t head_dim, double theta, std::int64_t context) {
  ModelConfig config;
  config.head_dim = head_dim;
  config.rope_theta = theta;
  config.max_position_embeddings = context;
  return config;
}

void ExpectFrequencies(const ModelConfig& config, std::int64_t length,
                       const std::vector<float>& expected) {
  const std::vector<float> got = RopeInverseFrequencies(config, length);
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i] / expected[i], 1, 3e-7) << "dimension " << i;
  }
}

TEST(RopeTest, PlainAndLinear) {
  ModelConfig config = WithHeads(8, 10000, 64);
  ExpectFrequencies(config, 1000, {1, 0.1F, 0.01F, 0.001F});
  EXPECT_EQ(RopeAttentionScale(config), 1);
  config.rope = {.kind = RopeKind::kLinear, .factor = 4};
  ExpectFrequencies(config, 1000, {0.25F, 0.025F, 0.0025F, 0.00025F});
  EXPECT_EQ(RopeAttentionScale(config), 1);
}

TEST(RopeTest, DynamicStretchesOnlyBeyondTheContext) {
  ModelConfig config = WithHeads(8, 10000, 64);
  config.rope = {.kind = RopeKind::kDynamic, .factor = 2};
  for (const std::int64_t length : {0, 1, 64}) {
    ExpectFrequencies(config, length, {1, 0.1F, 0.01F, 0.001F});
  }
  ExpectFrequencies(config, 160, {1, 0.0629960525F, 0.00396850263F, 0.00025F});
}

TEST(RopeTest, Llama3KeepsFastDimensionsAndStretchesSlowOnes) {
  ModelConfig config = WithHeads(16, 500000, 131072);
  config.rope = {.kind = RopeKind::kLlama3,
                 .factor = 8,
                 .original_max_position_embeddings = 8192,
                 .low_freq_factor = 1,
                 .high_freq_factor = 4};
  ExpectFrequencies(config, 0,
                    {1, 0.193922745F, 0.0376060309F, 0.00729266474F, 0.000524846161F,
                     3.4281022e-05F, 6.64786987e-06F, 1.28917317e-06F});
  EXPECT_EQ(RopeAttentionScale(config), 1);
}

TEST(RopeTest, YarnRampsBetweenFastAndSlowDimensions) {
  ModelConfig config = WithHeads(16, 10000, 8192);
  config.rope = {.kind = RopeKind::kYarn, .factor = 4, .original_max_position_embeddings = 2048};
  ExpectFrequencies(
      config, 0,
      {1, 0.316227766F, 0.1F, 0.025693506F, 0.00625F, 0.00138349648F, 0.00025F, 7.90569415e-05F});
  EXPECT_FLOAT_EQ(RopeAttentionScale(config), 1.13862944F);
  config.rope.truncate = false;
  ExpectFrequencies(config, 0,
                    {1, 0.316227766F, 0.1F, 0.0238701923F, 0.00505697152F, 0.000811290382F,
                     0.00025F, 7.90569415e-05F});
  config.rope.truncate = true;
  config.rope.beta_fast = 16;
  config.rope.beta_slow = 2;
  ExpectFrequencies(
      config, 0,
      {1, 0.316227766F, 0.1F, 0.0237170825F, 0.005F, 0.000790569415F, 0.00025F, 7.90569415e-05F});
}

TEST(RopeTest, YarnWithoutAnOriginalContextTakesTheModels) {
  ModelConfig stated = WithHeads(16, 10000, 8192);
  stated.rope = {.kind = RopeKind::kYarn, .factor = 4, .original_max_position_embeddings = 2048};
  ModelConfig silent = stated;
  silent.rope.original_max_position_embeddings = 0;
  EXPECT_NE(RopeInverseFrequencies(stated, 0), RopeInverseFrequencies(silent, 0));
  silent.max_position_embeddings = 2048;
  EXPECT_EQ(RopeInverseFrequencies(stated, 0), RopeInverseFrequencies(silent, 0));
}

TEST(RopeTest, YarnMagnitudes) {
  ModelConfig config = WithHeads(16, 10000, 4096);
  config.rope = {.kind = RopeKind::kYarn, .factor = 40, .mscale = 0.5, .mscale_all_dim = 0.8};
  EXPECT_FLOAT_EQ(RopeAttentionScale(config), 0.914550615F);
  config.rope.attention_factor = 1.5;
  EXPECT_FLOAT_EQ(RopeAttentionScale(config), 1.5F);
  config.rope = {.kind = RopeKind::kYarn, .factor = 1};
  EXPECT_EQ(RopeAttentionScale(config), 1);
}

}  // namespace
}  // namespace arena
