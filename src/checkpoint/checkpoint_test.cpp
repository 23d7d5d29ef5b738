#include "checkpoint/checkpoint.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/file.h"
#include "checkpoint/checkpoint_testing.h"

namespace arena {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// A tiny checkpoint whose tensors a test may change before they are written.
class CheckpointTest : public ::testing::Test {
 protected:
  struct Tensor {
    TensorSpec spec;
    DType dtype = DType::kF32;
    std::vector<float> values;
  };
  using Change = std::function<void(std::vector<Tensor>&)>;

  Result<Checkpoint> Open(const Change& change) {
    std::vector<Tensor> tensors;
    for (TensorSpec& spec : ExpectedTensors(config_)) {
      const auto count = static_cast<std::size_t>(*ElementCount(spec.shape));
      tensors.push_back({std::move(spec), DType::kF32, std::vector<float>(count, 0.5F)});
    }
    change(tensors);
    std::vector<TensorSource> sources;
    std::vector<std::vector<std::byte>> bytes(tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      bytes[i].resize(tensors[i].values.size() * DTypeBytes(tensors[i].dtype));
      WriteFloats(tensors[i].values, tensors[i].dtype, bytes[i]);
      sources.push_back(
          SourceOf({tensors[i].spec.name, tensors[i].dtype, tensors[i].spec.shape, bytes[i]}));
    }
    ARENA_RETURN_IF_ERROR(WriteSafetensors(directory_.path(), sources));
    ARENA_RETURN_IF_ERROR(SaveConfig(config_, directory_.path()));
    return Checkpoint::Open(directory_.path());
  }
  std::string ErrorOf(const Change& change) {
    const auto checkpoint = Open(change);
    return checkpoint.ok() ? "no error" : checkpoint.error().message;
  }

  testing::TempDirectory directory_;
  ModelConfig config_ = testing::TinyConfig();
};

TEST_F(CheckpointTest, HasTheExpectedTensorsInOrder) {
  const auto checkpoint = Open([](auto& tensors) { std::reverse(tensors.begin(), tensors.end()); });
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  const auto expected = ExpectedTensors(config_);
  ASSERT_EQ(checkpoint->tensors().size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(checkpoint->tensors()[i].name, expected[i].name);
    EXPECT_EQ(checkpoint->Find(expected[i].name), &checkpoint->tensors()[i]);
  }
  EXPECT_EQ(checkpoint->total_bytes(), 4 * ParameterCount(config_));
  EXPECT_TRUE(checkpoint->warnings().empty());
  EXPECT_EQ(checkpoint->Find("nothing"), nullptr);
}

TEST_F(CheckpointTest, AMissingTensorIsNamed) {
  EXPECT_THAT(ErrorOf([](auto& tensors) { tensors.erase(tensors.begin() + 3); }),
              AllOf(HasSubstr("\"model.layers.0.self_attn.k_proj.weight\" [16, 32] is missing"),
                    HasSubstr(directory_.path().string())));
}

TEST_F(CheckpointTest, AWrongShapeIsNamed) {
  EXPECT_THAT(
      ErrorOf([](auto& tensors) {
        tensors[0].spec.shape = {32, 40};
      }),
      HasSubstr("\"model.embed_tokens.weight\" has the shape [32, 40], and config.json asks "
                "for [40, 32]"));
}

TEST_F(CheckpointTest, WeightsOfOtherTypesAreRefused) {
  EXPECT_THAT(ErrorOf([](auto& tensors) {
                tensors[1].dtype = DType::kI32;  // as large as F32
              }),
              HasSubstr("\"model.layers.0.input_layernorm.weight\" is I32; supported: F32"));
}

TEST_F(CheckpointTest, UnusedTensorsAreAWarning) {
  const auto checkpoint = Open([](auto& tensors) {
    tensors.push_back({{"model.layers.0.self_attn.rotary_emb.inv_freq", {1}}, DType::kF32, {1}});
    tensors.push_back({{"extra", {1}}, DType::kF32, {1}});
  });
  ASSERT_TRUE(checkpoint.ok());
  EXPECT_THAT(checkpoint->warnings(), ::testing::ElementsAre("1 tensor is not used: extra"));
}

TEST_F(CheckpointTest, ATiedHeadIsTheEmbedding) {
  config_.tie_word_embeddings = true;
  const auto checkpoint = Open([](auto&) {});
  ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
  EXPECT_EQ(checkpoint->Find("lm_head.weight"), checkpoint->Find("model.embed_tokens.weight"));
}

TEST_F(CheckpointTest, NonFiniteWeightsAreFound) {
  const auto sound = Open([](auto&) {});
  EXPECT_FALSE(sound->FindNonFinite().has_value());
  const auto checkpoint = Open([](auto& tensors) {
    tensors[4].dtype = DType::kBf16;
    tensors[4].values[17] = NAN;
    tensors[6].values[0] = INFINITY;
  });
  const auto found = checkpoint->FindNonFinite(2);
  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(Describe(*found), "model.layers.0.self_attn.v_proj.weight: element 17 is nan");
}

TEST_F(CheckpointTest, ATruncatedFileIsNamed) {
  ASSERT_TRUE(Open([](auto&) {}).ok());
  const auto path = directory_.path() / "model.safetensors";
  const std::string bytes = *ReadFile(path);
  for (std::size_t size = 0; size < bytes.size(); size += 997) {
    ASSERT_TRUE(WriteFileAtomic(path, std::string_view(bytes).substr(0, size)).ok());
    const auto checkpoint = Checkpoint::Open(directory_.path());
    ASSERT_FALSE(checkpoint.ok()) << size;
    EXPECT_THAT(checkpoint.error().message,
                AllOf(HasSubstr("model.safetensors"), HasSubstr("cut off")));
  }
}

TEST_F(CheckpointTest, ADirectoryWithoutWeightsIsSaidSo) {
  ASSERT_TRUE(SaveConfig(config_, directory_.path()).ok());
  const auto checkpoint = Checkpoint::Open(directory_.path());
  ASSERT_FALSE(checkpoint.ok());
  EXPECT_EQ(checkpoint.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(checkpoint.error().message, HasSubstr("has neither model.safetensors nor"));
}

}  // namespace
}  // namespace arena
