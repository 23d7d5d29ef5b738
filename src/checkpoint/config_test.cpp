#include "checkpoint/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "checkpoint/checkpoint_testing.h"

namespace arena {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The smallest configuration, with more members before its closing brace.
std::string Config(std::string_view architecture, std::string_view more = "") {
  return R"({"architectures": [")" + std::string(architecture) +
         R"("], "vocab_size": 300, "hidden_size": 64, "intermediate_size": 128,
         "num_hidden_layers": 4, "num_attention_heads": 8, "num_key_value_heads": 2)" +
         std::string(more) + "}";
}

ModelConfig Parsed(const std::string& text) {
  const auto config = ParseConfig(text, "config.json");
  EXPECT_TRUE(config.ok()) << (config.ok() ? "" : config.error().message) << "\n" << text;
  return config.ok() ? *config : ModelConfig{};
}

std::string ErrorOf(const std::string& text, std::string_view generation = "") {
  const auto config = ParseConfig(text, "config.json", generation);
  return config.ok() ? "no error" : config.error().message;
}

TEST(ConfigTest, ReadsALlama31Configuration) {
  // The published values of Llama-3.1-8B-Instruct.
  const ModelConfig config = Parsed(R"({
    "architectures": ["LlamaForCausalLM"], "attention_bias": false, "attention_dropout": 0.0,
    "bos_token_id": 128000, "eos_token_id": [128001, 128008, 128009], "hidden_act": "silu",
    "hidden_size": 4096, "initializer_range": 0.02, "intermediate_size": 14336,
    "max_position_embeddings": 131072, "mlp_bias": false, "model_type": "llama",
    "num_attention_heads": 32, "num_hidden_layers": 32, "num_key_value_heads": 8,
    "pretraining_tp": 1, "rms_norm_eps": 1e-05,
    "rope_scaling": {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
                     "original_max_position_embeddings": 8192, "rope_type": "llama3"},
    "rope_theta": 500000.0, "tie_word_embeddings": false, "torch_dtype": "bfloat16",
    "transformers_version": "4.42.3", "use_cache": true, "vocab_size": 128256})");
  EXPECT_EQ(config.architecture, Architecture::kLlama);
  EXPECT_EQ(config.head_dim, 128);
  EXPECT_EQ(config.rope.kind, RopeKind::kLlama3);
  EXPECT_EQ(config.rope.original_max_position_embeddings, 8192);
  EXPECT_EQ(config.eos_ids, (std::vector<std::int64_t>{128001, 128008, 128009}));
  EXPECT_EQ(config.dtype, DType::kBf16);
  EXPECT_EQ(ParameterCount(config), 8030261248);  // as its model card says: 8.03B
}

TEST(ConfigTest, CountsTheParametersOfPublishedModels) {
  ModelConfig smol = Parsed(R"({"architectures": ["LlamaForCausalLM"], "vocab_size": 49152,
    "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
    "num_attention_heads": 9, "num_key_value_heads": 3, "tie_word_embeddings": true})");
  EXPECT_EQ(ParameterCount(smol), 134515008);
  // Qwen2.5-0.5B and Qwen3-0.6B.
  const ModelConfig qwen2 = Parsed(R"({"architectures": ["Qwen2ForCausalLM"], "vocab_size": 151936,
    "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
    "num_attention_heads": 14, "num_key_value_heads": 2, "tie_word_embeddings": true})");
  EXPECT_EQ(ParameterCount(qwen2), 494032768);
  const ModelConfig qwen3 = Parsed(R"({"architectures": ["Qwen3ForCausalLM"], "vocab_size": 151936,
    "hidden_size": 1024, "intermediate_size": 3072, "num_hidden_layers": 28, "head_dim": 128,
    "num_attention_heads": 16, "num_key_value_heads": 8, "tie_word_embeddings": true})");
  EXPECT_EQ(ParameterCount(qwen3), 596049920);
}

TEST(ConfigTest, EachArchitectureHasItsBiasesAndNorms) {
  const auto has = [](const std::string& text, const std::string& name) {
    for (const TensorSpec& tensor : ExpectedTensors(Parsed(text))) {
      if (tensor.name == "model.layers.3.self_attn." + name) return true;
    }
    return false;
  };
  EXPECT_FALSE(has(Config("LlamaForCausalLM"), "q_proj.bias"));
  EXPECT_TRUE(has(Config("LlamaForCausalLM", R"(, "attention_bias": true)"), "o_proj.bias"));
  EXPECT_TRUE(has(Config("Qwen2ForCausalLM"), "k_proj.bias"));
  EXPECT_FALSE(has(Config("Qwen2ForCausalLM"), "o_proj.bias"));
  EXPECT_TRUE(has(Config("Qwen3ForCausalLM"), "q_norm.weight"));
  EXPECT_FALSE(has(Config("Qwen2ForCausalLM"), "q_norm.weight"));
  EXPECT_FALSE(has(Config("MistralForCausalLM", R"(, "attention_bias": true)"), "q_proj.bias"));
  const auto shape = [](const std::string& text, const std::string& name) {
    for (const TensorSpec& tensor : ExpectedTensors(Parsed(text))) {
      if (tensor.name == name) return tensor.shape;
    }
    return TensorShape{};
  };
  // Heads may be wider together than the model.
  EXPECT_EQ(shape(Config("Qwen3ForCausalLM"), "model.layers.0.self_attn.q_proj.weight"),
            (TensorShape{1024, 64}));
  EXPECT_EQ(shape(Config("Qwen3ForCausalLM"), "model.layers.0.self_attn.k_norm.weight"),
            (TensorShape{128}));
  EXPECT_EQ(shape(Config("LlamaForCausalLM"), "lm_head.weight"), (TensorShape{300, 64}));
  EXPECT_EQ(shape(Config("LlamaForCausalLM", R"(, "tie_word_embeddings": true)"), "lm_head.weight"),
            (TensorShape{}));
  EXPECT_EQ(shape(Config("LlamaForSequenceClassification", R"(, "id2label": {"0": "LABEL_0"})"),
                  "score.weight"),
            (TensorShape{1, 64}));
  // Likelihoods need the language head beside it.
  const auto reward = [&](const std::string& more) {
    return shape(Config("LlamaForSequenceClassification", R"(, "num_labels": 1)" + more),
                 "lm_head.weight");
  };
  EXPECT_EQ(reward(""), TensorShape{});
  EXPECT_EQ(reward(R"(, "likelihood_weight": 0.5)"), (TensorShape{300, 64}));
  EXPECT_EQ(reward(R"(, "likelihood_weight": 0.5, "tie_word_embeddings": true)"), TensorShape{});
}

TEST(ConfigTest, SlidingWindows) {
  EXPECT_EQ(Parsed(Config("MistralForCausalLM", R"(, "sliding_window": 16)")).WindowOfLayer(0), 16);
  EXPECT_EQ(Parsed(Config("MistralForCausalLM", R"(, "sliding_window": null)")).WindowOfLayer(0),
            0);
  EXPECT_EQ(Parsed(Config("MistralForCausalLM")).WindowOfLayer(0), 4096);
  EXPECT_EQ(Parsed(Config("LlamaForCausalLM", R"(, "sliding_window": 16)")).WindowOfLayer(3), 0);
  const std::string off = R"(, "use_sliding_window": false, "sliding_window": 16)";
  EXPECT_EQ(Parsed(Config("Qwen2ForCausalLM", off)).WindowOfLayer(3), 0);
  const std::string on =
      R"(, "use_sliding_window": true, "sliding_window": 16, "max_window_layers": 2)";
  const ModelConfig config = Parsed(Config("Qwen2ForCausalLM", on));
  EXPECT_EQ(config.WindowOfLayer(1), 0);
  EXPECT_EQ(config.WindowOfLayer(2), 16);
  const std::string full = R"("full_attention", "full_attention", )";
  const std::string agree =
      on + R"(, "layer_types": [)" + full + R"("sliding_attention", "sliding_attention"])";
  EXPECT_EQ(Parsed(Config("Qwen2ForCausalLM", agree)), config);
  const std::string differ =
      on + R"(, "layer_types": [)" + full + full.substr(0, full.size() - 2) + "]";
  EXPECT_THAT(ErrorOf(Config("Qwen2ForCausalLM", differ)), HasSubstr("layer_types"));
}

TEST(ConfigTest, RopeScalingOldAndNew) {
  const auto rope = [](const std::string& text) {
    return Parsed(Config("LlamaForCausalLM", ", " + text)).rope;
  };
  EXPECT_EQ(rope(R"("rope_scaling": null)").kind, RopeKind::kPlain);
  EXPECT_EQ(rope(R"("rope_scaling": {"rope_type": "default"})").kind, RopeKind::kPlain);
  EXPECT_EQ(rope(R"("rope_scaling": {"type": "linear", "factor": 2})"),
            (RopeScaling{.kind = RopeKind::kLinear, .factor = 2}));
  EXPECT_EQ(rope(R"("rope_scaling": {"type": "dynamic", "rope_type": "dynamic", "factor": 2.5})"),
            (RopeScaling{.kind = RopeKind::kDynamic, .factor = 2.5}));
  const RopeScaling yarn = rope(R"("rope_scaling": {"type": "yarn", "factor": 4.0,
      "original_max_position_embeddings": 32768, "beta_fast": 16, "mscale": 0.7, "truncate": false})");
  EXPECT_EQ(yarn.original_max_position_embeddings, 32768);
  EXPECT_EQ(yarn.beta_fast, 16);
  EXPECT_EQ(yarn.beta_slow, 1);
  EXPECT_EQ(yarn.mscale, 0.7);
  EXPECT_FALSE(yarn.truncate);
  const ModelConfig newer =
      Parsed(Config("Qwen3ForCausalLM",
                    R"(, "rope_parameters": {"rope_type": "default", "rope_theta": 1000000})"));
  EXPECT_EQ(newer.rope.kind, RopeKind::kPlain);
  EXPECT_EQ(newer.rope_theta, 1000000);
}

TEST(ConfigTest, TokenIdsComeFromTheGenerationConfigurationFirst) {
  const std::string text = Config("LlamaForCausalLM", R"(, "bos_token_id": 5, "eos_token_id": 6)");
  const auto config =
      ParseConfig(text, "config.json", R"({"eos_token_id": [7, 8], "pad_token_id": 9})");
  ASSERT_TRUE(config.ok());
  EXPECT_EQ(config->bos_id, 5);
  EXPECT_EQ(config->eos_ids, (std::vector<std::int64_t>{7, 8}));
  EXPECT_EQ(config->pad_id, 9);
  EXPECT_EQ(Parsed(Config("LlamaForCausalLM")).bos_id, 1);  // LlamaConfig's own default
  EXPECT_EQ(Parsed(Config("Qwen2ForCausalLM")).bos_id, std::nullopt);
  EXPECT_EQ(Parsed(Config("LlamaForCausalLM", R"(, "bos_token_id": null)")).bos_id, std::nullopt);
  EXPECT_EQ(Parsed(Config("LlamaForCausalLM", R"(, "pad_token_id": -1)")).pad_id, std::nullopt);
}

TEST(ConfigTest, RefusesWhatItDoesNotSupportByName) {
  const std::string llama = "LlamaForCausalLM";
  const auto refused = [&](const std::string& more) { return ErrorOf(Config(llama, ", " + more)); };
  EXPECT_THAT(ErrorOf(Config("GemmaForCausalLM")),
              AllOf(HasSubstr("config.json: \"architectures\" is [\"GemmaForCausalLM\"]"),
                    HasSubstr("Qwen3ForCausalLM")));
  EXPECT_THAT(refused(R"("hidden_act": "gelu")"),
              HasSubstr("\"hidden_act\" is \"gelu\"; supported: silu"));
  EXPECT_THAT(refused(R"("mlp_bias": true)"), HasSubstr("\"mlp_bias\" is true"));
  EXPECT_THAT(refused(R"("quantization_config": {"bits": 4})"), HasSubstr("quantization_config"));
  EXPECT_THAT(refused(R"("torch_dtype": "float8")"), HasSubstr("float32, float16, bfloat16"));
  EXPECT_THAT(refused(R"("rope_scaling": {"type": "longrope", "factor": 2})"),
              AllOf(HasSubstr("rope_scaling: \"type\" is \"longrope\""), HasSubstr("llama3")));
  EXPECT_THAT(refused(R"("rope_scaling": {"type": "linear"})"),
              HasSubstr("rope_scaling: \"factor\" is missing"));
  EXPECT_THAT(refused(R"("rope_scaling": {"type": "linear", "factr": 2})"), HasSubstr("factr"));
  EXPECT_THAT(refused(R"("rope_scaling": 3)"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(refused(R"("eos_token_id": 300)"), HasSubstr("\"eos_token_id\" is 300"));
  EXPECT_THAT(refused(R"("eos_token_id": [1, "a"])"), HasSubstr("eos_token_id"));
  EXPECT_THAT(refused(R"("head_dim": 7)"), HasSubstr("even"));
  EXPECT_THAT(refused(R"("num_key_value_heads": 3)"), HasSubstr("a divisor of 8"));
  EXPECT_THAT(refused(R"("num_hidden_layers": 1000000000)"), HasSubstr("from 1 to 4096"));
  EXPECT_THAT(refused(R"("vocab_size": 18446744073709551615)"), HasSubstr("vocab_size"));
  EXPECT_THAT(refused(R"("partial_rotary_factor": 0.5)"), HasSubstr("partial_rotary_factor"));
  EXPECT_THAT(ErrorOf("{"), HasSubstr("config.json: not valid JSON"));
  EXPECT_THAT(ErrorOf("[]"), HasSubstr("must be a JSON object"));
  EXPECT_THAT(ErrorOf("{}"), HasSubstr("\"architectures\" is missing"));
  EXPECT_THAT(ErrorOf(Config(llama), "nonsense"), HasSubstr("generation_config.json"));
  EXPECT_THAT(ErrorOf(Config("LlamaForSequenceClassification")), HasSubstr("one label"));
}

// A configuration of every kind that can be written.
std::vector<ModelConfig> Variants() {
  std::vector<ModelConfig> variants;
  for (const std::string_view name :
       {"LlamaForCausalLM", "MistralForCausalLM", "Qwen2ForCausalLM", "Qwen3ForCausalLM"}) {
    for (const std::string_view more :
         {R"()",
          R"(, "tie_word_embeddings": true, "eos_token_id": [1, 2], "torch_dtype": "float16")",
          R"(, "attention_bias": true, "sliding_window": 9, "use_sliding_window": true)",
          R"(, "rope_scaling": {"type": "linear", "factor": 3}, "head_dim": 10)",
          R"(, "rope_scaling": {"type": "dynamic", "factor": 3}, "pad_token_id": 4)",
          R"(, "rope_scaling": {"type": "llama3", "factor": 8, "low_freq_factor": 1,
               "high_freq_factor": 4, "original_max_position_embeddings": 100})",
          R"(, "rope_parameters": {"rope_type": "yarn", "rope_theta": 77, "factor": 8, "mscale": 1,
               "mscale_all_dim": 0.5, "truncate": false, "beta_slow": 2, "attention_factor": 1.1})"}) {
      variants.push_back(Parsed(Config(name, more)));
    }
  }
  variants.push_back(
      Parsed(Config("LlamaForSequenceClassification", R"(, "id2label": {"0": "LABEL_0"})")));
  return variants;
}

TEST(ConfigTest, WritingAndReadingGivesTheSameConfiguration) {
  const testing::TempDirectory directory;
  const std::vector<ModelConfig> variants = Variants();
  EXPECT_EQ(variants.size(), 29U);
  for (const ModelConfig& config : variants) {
    ASSERT_TRUE(SaveConfig(config, directory.path()).ok());
    const auto again = LoadConfig(directory.path());
    ASSERT_TRUE(again.ok()) << again.error().message;
    EXPECT_EQ(*again, config) << ConfigJson(config) << ConfigJson(*again);
  }
}

TEST(ConfigTest, AFileThatIsNoConfigurationIsNotRead) {
  const testing::TempDirectory directory;
  const auto path = directory.path() / "config.json";
  ASSERT_TRUE(WriteFileAtomic(path, "{").ok());
  std::filesystem::resize_file(path, std::uintmax_t{64} << 20);  // a hole: no disk is used
  EXPECT_THAT(LoadConfig(directory.path()).error().message, HasSubstr("at most 16777216"));
}

TEST(ConfigTest, AMissingFileIsNamed) {
  const testing::TempDirectory directory;
  const auto config = LoadConfig(directory.path());
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(config.error().message, HasSubstr("config.json"));
}

}  // namespace
}  // namespace arena
