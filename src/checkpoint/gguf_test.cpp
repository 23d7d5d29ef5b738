#include "checkpoint/gguf.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <map>

#include "base/file.h"
#include "checkpoint/checkpoint_testing.h"
#include "checkpoint/internal/gguf_parts.h"
#include "checkpoint/new_model.h"
#include "checkpoint/rope.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

// A second reading of the format, from its description, for what these tests look at.
class Reader {
 public:
  explicit Reader(std::string bytes) : bytes_(std::move(bytes)) {
    EXPECT_EQ(bytes_.substr(0, 4), "GGUF");
    at_ = 4;
    EXPECT_EQ(Take<std::uint32_t>(), 3U);
    const auto tensors = Take<std::uint64_t>();
    for (auto left = Take<std::uint64_t>(); left > 0; --left) {
      const std::string key = TakeText();
      values_[key] = TakeValue(Take<std::uint32_t>());
    }
    for (std::uint64_t i = 0; i < tensors; ++i) {
      const std::string name = TakeText();
      Tensor tensor;
      for (auto d = Take<std::uint32_t>(); d > 0; --d) tensor.dims.push_back(Take<std::uint64_t>());
      tensor.type = Take<std::uint32_t>();
      tensor.offset = Take<std::uint64_t>();
      EXPECT_EQ(tensor.offset % 32, 0U);
      EXPECT_TRUE(tensors_.emplace(name, tensor).second) << name;
    }
    data_ = (at_ + 31) / 32 * 32;
  }

  struct Tensor {
    std::vector<std::uint64_t> dims;
    std::uint32_t type = 0;
    std::uint64_t offset = 0;
  };
  const std::map<std::string, Tensor>& tensors() const { return tensors_; }
  /// Text of a value; "" where there is none. Arrays: joined with '|'.
  std::string operator[](const std::string& key) const {
    const auto found = values_.find(key);
    return found == values_.end() ? "" : found->second;
  }

  std::vector<float> Values(const std::string& name) const {
    const Tensor& tensor = tensors_.at(name);
    std::size_t count = 1;
    for (const std::uint64_t size : tensor.dims) count *= size;
    std::vector<float> out(count);
    const char* from = bytes_.data() + data_ + tensor.offset;
    for (std::size_t i = 0; i < count; ++i) out[i] = Number(from, tensor.type, i);
    return out;
  }

 private:
  static std::uint16_t Short(const char* from) {
    std::uint16_t bits;
    std::memcpy(&bits, from, sizeof bits);
    return bits;
  }
  static float Number(const char* from, std::uint32_t type, std::size_t i) {
    float value = 0;
    switch (type) {
      case 0:
        std::memcpy(&value, from + 4 * i, 4);
        return value;
      case 1:
        return HalfToFloat(Short(from + 2 * i));
      case 30:
        return Bf16ToFloat(Short(from + 2 * i));
      case 8: {
        const char* block = from + i / 32 * 34;
        return HalfToFloat(Short(block)) *
               static_cast<float>(static_cast<signed char>(block[2 + i % 32]));
      }
      default:
        ADD_FAILURE() << "type " << type;
        return 0;
    }
  }
  template <typename T>
  T Take() {
    T value{};
    std::memcpy(&value, bytes_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string TakeText() {
    const auto size = Take<std::uint64_t>();
    at_ += size;
    return bytes_.substr(at_ - size, size);
  }
  std::string TakeValue(std::uint32_t type) {
    switch (type) {
      case 4:
        return std::to_string(Take<std::uint32_t>());
      case 5:
        return std::to_string(Take<std::int32_t>());
      case 6:
        return fmt::format("{}", Take<float>());
      case 7:
        return Take<char>() != 0 ? "true" : "false";
      case 8:
        return TakeText();
      case 9: {
        const auto element = Take<std::uint32_t>();
        std::string joined;
        for (auto left = Take<std::uint64_t>(); left > 0; --left)
          joined += TakeValue(element) + "|";
        return joined;
      }
      default:
        ADD_FAILURE() << "value type " << type;
        return "";
    }
  }

  std::string bytes_;
  std::size_t at_ = 0, data_ = 0;
  std::map<std::string, std::string> values_;
  std::map<std::string, Tensor> tensors_;
};

class GgufTest : public ::testing::Test {
 protected:
  // Makes a model with random weights and exports it.
  Status Export(GgufType type) {
    std::filesystem::remove_all(directory_.path() / "model");
    ARENA_RETURN_IF_ERROR(NewModel(config_, 5, directory_.path() / "model"));
    ARENA_ASSIGN_OR_RETURN(const Checkpoint checkpoint,
                           Checkpoint::Open(directory_.path() / "model"));
    return ExportGguf(checkpoint, vocabulary_, {.type = type, .name = ""},
                      directory_.path() / "model.gguf");
  }
  Reader Exported(GgufType type = GgufType::kF32) {
    const Status status = Export(type);
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error().message);
    return Reader(ReadFile(directory_.path() / "model.gguf").value());
  }
  std::vector<float> Weights(const std::string& name) {
    const auto checkpoint = Checkpoint::Open(directory_.path() / "model");
    const TensorView* view = checkpoint->Find(name);
    std::vector<float> values(view->element_count());
    ReadFloats(*view, 0, values);
    return values;
  }

  testing::TempDirectory directory_;
  ModelConfig config_ = testing::TinyConfig();
  GgufVocabulary vocabulary_ = {.model = "llama",
                                .pre = "",
                                .tokens = {"<unk>", "<s>", "</s>", "a"},
                                .scores = {0, 0, 0, -1},
                                .kinds = {GgufTokenKind::kUnknown, GgufTokenKind::kControl,
                                          GgufTokenKind::kControl, GgufTokenKind::kNormal},
                                .merges = {},
                                .bos_id = 1,
                                .eos_id = 2,
                                .eot_id = {},
                                .unknown_id = 0,
                                .pad_id = {},
                                .add_bos = true,
                                .chat_template = "{{ x }}"};
};

TEST_F(GgufTest, StatesTheModelAndItsVocabulary) {
  const Reader file = Exported();
  EXPECT_EQ(file["general.architecture"], "llama");
  EXPECT_EQ(file["general.name"], "model");
  EXPECT_EQ(file["general.file_type"], "0");
  EXPECT_EQ(file["llama.block_count"], "2");
  EXPECT_EQ(file["llama.context_length"], "128");
  EXPECT_EQ(file["llama.attention.head_count_kv"], "2");
  EXPECT_EQ(file["llama.rope.dimension_count"], "8");
  EXPECT_EQ(file["llama.rope.freq_base"], "10000");
  EXPECT_EQ(file["tokenizer.ggml.model"], "llama");
  EXPECT_THAT(file["tokenizer.ggml.tokens"], HasSubstr("<unk>|<s>|</s>|a|[PAD4]|"));
  EXPECT_THAT(file["tokenizer.ggml.tokens"], HasSubstr("[PAD39]|"));
  EXPECT_THAT(file["tokenizer.ggml.token_type"], ::testing::StartsWith("2|3|3|1|5|5|"));
  EXPECT_EQ(file["tokenizer.ggml.bos_token_id"], "1");
  EXPECT_EQ(file["tokenizer.ggml.padding_token_id"], "");
  EXPECT_EQ(file["tokenizer.ggml.add_bos_token"], "true");
  EXPECT_EQ(file["tokenizer.chat_template"], "{{ x }}");
  // embedding, norm, head and nine for each layer
  EXPECT_EQ(file.tensors().size(), 3U + 2 * 9);
  EXPECT_EQ(file.tensors().at("blk.1.ffn_down.weight").dims, (std::vector<std::uint64_t>{64, 32}));
  EXPECT_EQ(file.Values("token_embd.weight"), Weights("model.embed_tokens.weight"));
  EXPECT_EQ(file.Values("blk.1.attn_v.weight"), Weights("model.layers.1.self_attn.v_proj.weight"));
}

// Scores of a query at position m against a key at n, rotating halves (Hugging Face) or neighbours
// (llama.cpp's "llama").
double RotatedProduct(std::vector<double> q, std::vector<double> k, double m, double n,
                      const std::vector<float>& frequencies, bool halves) {
  const auto rotate = [&](std::vector<double>& x, double position) {
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
      double& a = x[halves ? i : 2 * i];
      double& b = x[halves ? i + frequencies.size() : 2 * i + 1];
      const double angle = position * static_cast<double>(frequencies[i]);
      const double turned = a * std::cos(angle) - b * std::sin(angle);
      b = a * std::sin(angle) + b * std::cos(angle);
      a = turned;
    }
  };
  rotate(q, m);
  rotate(k, n);
  double sum = 0;
  for (std::size_t i = 0; i < q.size(); ++i) sum += q[i] * k[i];
  return sum;
}

// One head's rows of a projection applied to an input of ones and twos.
std::vector<double> Project(const std::vector<float>& weights, std::size_t head,
                            const ModelConfig& config) {
  const auto width = static_cast<std::size_t>(config.head_dim);
  const auto columns = static_cast<std::size_t>(config.hidden_size);
  std::vector<double> out(width);
  for (std::size_t r = 0; r < width; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      out[r] += static_cast<double>(weights[(head * width + r) * columns + c]) *
                static_cast<double>(1 + c % 2);
    }
  }
  return out;
}

TEST_F(GgufTest, LlamaQueriesAndKeysAreReorderedForNeighbouringPairs) {
  const Reader file = Exported();
  const auto frequencies = RopeInverseFrequencies(config_, 0);
  const auto their_q = file.Values("blk.1.attn_q.weight"),
             their_k = file.Values("blk.1.attn_k.weight");
  const auto our_q = Weights("model.layers.1.self_attn.q_proj.weight");
  const auto our_k = Weights("model.layers.1.self_attn.k_proj.weight");
  EXPECT_NE(their_q, our_q);
  for (std::size_t head = 0; head < 4; ++head) {
    const double expected = RotatedProduct(
        Project(our_q, head, config_), Project(our_k, head / 2, config_), 7, 3, frequencies, true);
    EXPECT_NEAR(RotatedProduct(Project(their_q, head, config_), Project(their_k, head / 2, config_),
                               7, 3, frequencies, false),
                expected, 1e-9);
  }
}

TEST_F(GgufTest, QwenQueriesStayAsTheyAre) {
  vocabulary_ = {.model = "gpt2", .pre = "qwen2", .tokens = {"a", "b", "ab"}, .merges = {"a b"}};
  config_.architecture = Architecture::kQwen3;
  config_.qk_norm = true;
  const Reader qwen3 = Exported();
  EXPECT_EQ(qwen3["general.architecture"], "qwen3");
  EXPECT_EQ(qwen3["qwen3.attention.key_length"], "8");
  EXPECT_EQ(qwen3["tokenizer.ggml.merges"], "a b|");
  EXPECT_EQ(qwen3.Values("blk.0.attn_q.weight"), Weights("model.layers.0.self_attn.q_proj.weight"));
  EXPECT_EQ(qwen3.Values("blk.0.attn_q_norm.weight").size(), 8U);
  config_ = testing::TinyConfig();
  config_.architecture = Architecture::kQwen2;
  config_.qkv_bias = true;
  const Reader qwen2 = Exported();
  EXPECT_EQ(qwen2["general.architecture"], "qwen2");
  EXPECT_EQ(qwen2.tensors().at("blk.0.attn_k.bias").dims, (std::vector<std::uint64_t>{16}));
}

TEST_F(GgufTest, BiasesAreReorderedWithTheirRows) {
  internal::GgufTensor tensor;
  const std::vector<float> values = {0, 1, 2, 3, 4, 5, 6, 7};
  const TensorView view{"b", DType::kF32, {8}, std::as_bytes(std::span(values))};
  tensor.shape = {8};
  tensor.source = &view;
  tensor.interleaved_heads = 2;
  const auto path = directory_.path() / "bias";
  auto file = OutputFile::Create(path);
  ASSERT_TRUE(internal::WriteGgufTensor(tensor, *file).ok() && file->Commit().ok());
  const std::string bytes = ReadFile(path).value();
  std::vector<float> written(8);
  ASSERT_EQ(bytes.size(), 32U);
  std::memcpy(written.data(), bytes.data(), 32);
  EXPECT_EQ(written, (std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7}));
}

TEST_F(GgufTest, TypesKeepTheWeightsAsNearAsTheyCan) {
  const auto check = [&](GgufType type, std::uint32_t number, double bound) {
    const Reader file = Exported(type);
    EXPECT_EQ(file.tensors().at("blk.0.ffn_up.weight").type, number);
    EXPECT_EQ(file.tensors().at("blk.0.ffn_norm.weight").type, 0U);
    const auto got = file.Values("blk.0.ffn_up.weight");
    const auto want = Weights("model.layers.0.mlp.up_proj.weight");
    for (std::size_t block = 0; block < want.size(); block += 32) {
      double largest = 0, error = 0;
      for (std::size_t i = block; i < block + 32; ++i) {
        largest = std::max(largest, std::abs(static_cast<double>(want[i])));
        error = std::max(error, std::abs(static_cast<double>(got[i]) - want[i]));
      }
      EXPECT_LE(error, largest * bound);
    }
  };
  check(GgufType::kF32, 0, 0);
  check(GgufType::kF16, 1, 0x1p-11);
  check(GgufType::kBf16, 30, 0x1p-8);
  check(GgufType::kQ80, 8, 0.5 / 127 + 0x1p-10);  // half a step, and the scale's own rounding
}

TEST_F(GgufTest, ExtremeBlocksAreQuantisedWithoutOverflow) {
  std::array<float, 32> values{};
  std::array<std::byte, 34> out{};
  internal::EncodeQ80Block(values, out);
  EXPECT_EQ(out, (std::array<std::byte, 34>{}));
  values[3] = 1e-40F;
  internal::EncodeQ80Block(values, out);
  EXPECT_EQ(out, (std::array<std::byte, 34>{}));
  values[4] = -254;
  internal::EncodeQ80Block(values, out);
  EXPECT_EQ(static_cast<int>(static_cast<signed char>(out[2 + 4])), -127);
}

TEST_F(GgufTest, RowsThatAreNotBlocksStayHalves) {
  config_.intermediate_size = 40;
  const Reader file = Exported(GgufType::kQ80);
  EXPECT_EQ(file.tensors().at("blk.0.ffn_down.weight").type, 1U);
  EXPECT_EQ(file.tensors().at("blk.0.ffn_up.weight").type, 8U);
}

TEST_F(GgufTest, RotaryScalingAsLlamaCppReadsIt) {
  config_.rope = {.kind = RopeKind::kLinear, .factor = 4};
  EXPECT_EQ(Exported()["llama.rope.scaling.type"], "linear");
  config_.rope = {.kind = RopeKind::kYarn, .factor = 4, .original_max_position_embeddings = 32};
  const Reader yarn = Exported();
  EXPECT_EQ(yarn["llama.rope.scaling.type"], "yarn");
  EXPECT_EQ(yarn["llama.rope.scaling.factor"], "4");
  EXPECT_EQ(yarn["llama.rope.scaling.original_context_length"], "32");
  EXPECT_EQ(yarn["llama.rope.scaling.attn_factor"], "");
  config_.rope.attention_factor = 2 * (1 + 0.1 * std::log(4));
  EXPECT_EQ(Exported()["llama.rope.scaling.attn_factor"], "2");
  // Bounds that llama.cpp has no key for: the frequencies themselves, and the whole magnitude.
  config_.rope.beta_slow = 2;
  const Reader bounds = Exported();
  EXPECT_EQ(bounds["llama.rope.scaling.type"], "");
  EXPECT_EQ(bounds["llama.rope.scaling.attn_factor"],
            fmt::format("{}", RopeAttentionScale(config_)));
  EXPECT_EQ(bounds.Values("rope_freqs.weight").size(), 4U);
  config_.rope = {.kind = RopeKind::kLlama3,
                  .factor = 8,
                  .original_max_position_embeddings = 64,
                  .low_freq_factor = 1,
                  .high_freq_factor = 4};
  const auto factors = Exported().Values("rope_freqs.weight");
  ASSERT_EQ(factors.size(), 4U);
  EXPECT_EQ(factors.front(), 1);
  EXPECT_FLOAT_EQ(factors.back(), 8);
  EXPECT_EQ(Exported()["llama.rope.scaling.type"], "");
}

TEST_F(GgufTest, TheContextEndsWhereTheFileIsNoLongerExact) {
  config_.architecture = Architecture::kMistral;
  config_.sliding_window = 48;
  EXPECT_EQ(Exported()["llama.context_length"], "48");
  config_.sliding_window = 1000;
  EXPECT_EQ(Exported()["llama.context_length"], "128");
}

TEST_F(GgufTest, RefusesWhatDoesNotFit) {
  const auto error = [&] {
    const Status status = Export(GgufType::kF32);
    return status.ok() ? "no error" : status.error().message;
  };
  const GgufVocabulary sound = vocabulary_;
  vocabulary_.tokens.resize(41);
  EXPECT_THAT(error(), HasSubstr("41 tokens, and the model 40 rows"));
  vocabulary_ = sound;
  vocabulary_.scores.pop_back();
  EXPECT_THAT(error(), HasSubstr("3 scores for 4 tokens"));
  vocabulary_.scores.clear();
  EXPECT_THAT(error(), HasSubstr("needs scores"));
  vocabulary_ = sound;
  vocabulary_.model = "gpt2";
  vocabulary_.merges = {"a b"};
  vocabulary_.pre.clear();
  EXPECT_THAT(error(), HasSubstr("split pattern"));
  vocabulary_.model = "bert";
  EXPECT_THAT(error(), HasSubstr("unknown tokenizer \"bert\""));
  vocabulary_ = sound;
  vocabulary_.eos_id = 40;
  EXPECT_THAT(error(), HasSubstr("eos_token_id is 40"));
  vocabulary_ = sound;
  config_.architecture = Architecture::kQwen2;
  config_.qkv_bias = true;
  config_.rope = {.kind = RopeKind::kYarn, .factor = 2, .truncate = false};
  EXPECT_THAT(error(), HasSubstr("no yarn rotary scaling of this kind for Qwen2ForCausalLM"));
  config_ = testing::TinyConfig();
  config_.architecture = Architecture::kLlamaSequenceClassification;
  EXPECT_THAT(error(), HasSubstr("sequence classifier"));
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "model.gguf"));
}

TEST(GgufTypeTest, Names) {
  EXPECT_EQ(ParseGgufType("q8_0").value(), GgufType::kQ80);
  EXPECT_THAT(ParseGgufType("q4_k").error().message, HasSubstr("f32, f16, bf16 and q8_0"));
}

}  // namespace
}  // namespace arena
