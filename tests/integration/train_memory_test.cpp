// The memory of a training step against the formula of docs/training.md.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "base/temporary_folder.h"
#include "checkpoint/new_model.h"
#include "checkpoint/token_data.h"
#include "tests/integration/lm_process.h"

namespace arena {
namespace {

constexpr std::int64_t kTokens = 256;

double ExpectedBytes(const ModelConfig& config, bool activation_checkpointing) {
  const auto parameters = static_cast<double>(ParameterCount(config));
  const std::int64_t q = config.heads * config.head_dim, k = config.kv_heads * config.head_dim;
  const std::int64_t d = config.hidden_size, f = config.intermediate_size;
  const std::int64_t states = activation_checkpointing ? 1 : config.layers;
  const std::int64_t activations =
      kTokens * ((config.layers + 1) * d + states * (d + 2 * q + 2 * k + config.heads + 2 * f + 2));
  const std::int64_t logits = (kTokens - 1) * config.vocab_size;
  const std::int64_t work = kTokens * (3 * d + 2 * q + 2 * k + 6 * f);
  return 16 * parameters + 4 * static_cast<double>(activations + logits + work);
}

TEST(TrainMemory, Of135mIsWhatTheFormulaSays) {
  const TemporaryFolder folder;
  ModelConfig config = ShapeConfig(ModelShape::k135m, 49152);
  config.dtype = DType::kBf16;
  ASSERT_TRUE(NewModel(config, 1, folder / "model").ok());
  TokenData data;
  Rng rng(1);
  for (std::int64_t i = 0; i < kTokens; ++i) {
    data.tokens.push_back(static_cast<std::int32_t>(rng.Below(49152)));
    data.loss.push_back(i > 0 ? 1 : 0);
  }
  data.ends = {kTokens};
  data.rows = {1};
  ASSERT_TRUE(WriteTokenData(data, folder / "data.safetensors").ok());
  for (const bool is_checkpointing : {false, true}) {
    const Json job = {{"trainer", "sft"},
                      {"model", folder / "model"},
                      {"data", folder / "data.safetensors"},
                      {"out", folder / (is_checkpointing ? "b" : "a")},
                      {"settings",
                       {{"steps", "3"},
                        {"precision", "f32"},
                        {"save_every", "0"},
                        {"activation_checkpointing", is_checkpointing ? "true" : "false"}}}};
    ASSERT_TRUE(WriteFileAtomic(folder / "job.json", DumpJson(job)).ok());
    LmProcess process(ARENA_LM_PROGRAM, {"train", folder / "job.json"});
    for (int steps = 0; steps < 2;) {
      const std::string line = process.ReceiveText();
      ASSERT_FALSE(line.empty());
      steps += Json::parse(line)["type"] == "step" ? 1 : 0;
    }
    const double measured = static_cast<double>(process.StatusBytes("VmHWM"));
    const double expected = ExpectedBytes(config, is_checkpointing);
    EXPECT_GT(measured / expected, 0.9) << measured;
    EXPECT_LT(measured / expected, 1.12) << measured;
    RecordProperty(is_checkpointing ? "checkpointing" : "plain",
                   std::to_string(measured / expected));
    EXPECT_EQ(process.Wait(), 0);
  }
}

}  // namespace
}  // namespace arena
