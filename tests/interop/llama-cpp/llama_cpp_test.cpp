// Exported files, loaded and run by llama.cpp: it continues prompts with the same tokens as a plain
// decoder on the original weights.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "base/rng.h"
#include "checkpoint/checkpoint_testing.h"
#include "checkpoint/gguf.h"
#include "checkpoint/new_model.h"
#include "plain_forward.h"

namespace arena {
namespace {

constexpr std::size_t kGenerated = 12;

// Specials, bytes and a few pieces: what a SentencePiece model of its kind has at least.
GgufVocabulary SentencePieces() {
  GgufVocabulary vocabulary;
  vocabulary.model = "llama";
  const auto add = [&](std::string token, float score, GgufTokenKind kind) {
    vocabulary.tokens.push_back(std::move(token));
    vocabulary.scores.push_back(score);
    vocabulary.kinds.push_back(kind);
  };
  add("<unk>", 0, GgufTokenKind::kUnknown);
  add("<s>", 0, GgufTokenKind::kControl);
  add("</s>", 0, GgufTokenKind::kControl);
  for (int byte = 0; byte < 256; ++byte) {
    add(fmt::format("<0x{:02X}>", byte), 0, GgufTokenKind::kByte);
  }
  for (const char* piece : {"\u2581", "a", "b", "ab"}) add(piece, -1, GgufTokenKind::kNormal);
  vocabulary.bos_id = 1;
  vocabulary.eos_id = 2;
  vocabulary.unknown_id = 0;
  vocabulary.add_bos = true;
  return vocabulary;
}

std::string Utf8(int code) {
  if (code < 0x80) return {static_cast<char>(code)};
  return {static_cast<char>(0xC0 | code >> 6), static_cast<char>(0x80 | (code & 0x3F))};
}

// GPT-2's alphabet: visible Latin-1 characters stand for themselves, the rest for 256 and up.
GgufVocabulary BytePairs() {
  GgufVocabulary vocabulary;
  vocabulary.model = "gpt2";
  vocabulary.pre = "qwen2";
  int next = 256;
  for (int byte = 0; byte < 256; ++byte) {
    const bool visible = (byte > 32 && byte < 127) || (byte > 160 && byte != 173);
    vocabulary.tokens.push_back(Utf8(visible ? byte : next++));
  }
  vocabulary.tokens.insert(vocabulary.tokens.end(), {"ab", "<|end|>"});
  vocabulary.kinds.resize(vocabulary.tokens.size(), GgufTokenKind::kNormal);
  vocabulary.kinds.back() = GgufTokenKind::kControl;
  vocabulary.merges = {"a b"};
  vocabulary.eos_id = 257;
  return vocabulary;
}

class LlamaCppTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(ARENA_LLAMA_CPP_DIR "/node_modules/node-llama-cpp")) {
      GTEST_SKIP() << "run npm ci --ignore-scripts --omit=optional in " << ARENA_LLAMA_CPP_DIR;
    }
  }

  void Export(const ModelConfig& config, const GgufVocabulary& vocabulary, GgufType type) {
    std::filesystem::remove_all(model());
    ASSERT_TRUE(NewModel(config, 9, model()).ok());
    Sharpen(config);
    const auto checkpoint = Checkpoint::Open(model());
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.error().message;
    const Status status = ExportGguf(*checkpoint, vocabulary, {.type = type}, file());
    ASSERT_TRUE(status.ok()) << status.error().message;
  }

  // New weights are so small that positions hardly matter: larger ones make every mistake show.
  void Sharpen(const ModelConfig& config) {
    std::vector<TensorSource> sources;
    std::vector<std::vector<float>> values;
    {
      const auto checkpoint = Checkpoint::Open(model());
      Rng rng(3);
      for (const TensorView& view : checkpoint->tensors()) {
        std::vector<float>& tensor = values.emplace_back(view.element_count());
        ReadFloats(view, 0, tensor);
        const bool is_attention = view.name.find("q_proj.w") != std::string::npos ||
                                  view.name.find("k_proj.w") != std::string::npos;
        for (float& value : tensor) {
          if (view.shape.size() == 2) value *= is_attention ? 12 : 4;
          if (view.shape.size() == 1) value += static_cast<float>(0.5 * (rng.Uniform() - 0.5));
        }
      }
      for (std::size_t i = 0; i < values.size(); ++i) {
        const TensorView& view = checkpoint->tensors()[i];
        sources.push_back(
            SourceOf({view.name, DType::kF32, view.shape, std::as_bytes(std::span(values[i]))}));
      }
    }
    ASSERT_EQ(config.dtype, DType::kF32);
    ASSERT_TRUE(WriteSafetensors(model(), sources).ok());
  }

  // What llama.cpp generates behind each prompt.
  std::vector<std::vector<std::int64_t>> Generate(
      const std::vector<std::vector<std::int64_t>>& prompts, std::size_t count = kGenerated) {
    std::string command = fmt::format("node '{}/generate.mjs' {}", ARENA_LLAMA_CPP_DIR, count);
    for (const auto& prompt : prompts) {
      command += fmt::format(" '{}' {}", file().string(), fmt::join(prompt, ","));
    }
    std::vector<std::vector<std::int64_t>> generated;
    std::FILE* pipe = ::popen(command.c_str(), "r");
    EXPECT_NE(pipe, nullptr);
    char line[4096];
    while (pipe != nullptr && std::fgets(line, sizeof line, pipe) != nullptr) {
      std::istringstream words(line);
      generated.emplace_back(std::istream_iterator<std::int64_t>(words),
                             std::istream_iterator<std::int64_t>());
    }
    EXPECT_EQ(::pclose(pipe), 0);
    EXPECT_EQ(generated.size(), prompts.size());
    return generated;
  }

  // Each token that llama.cpp chose is the plain decoder's best, or as good but for `slack`.
  void ExpectSameTokens(double slack) {
    const auto checkpoint = Checkpoint::Open(model());
    const interop::PlainDecoder decoder(*checkpoint);
    const std::vector<std::vector<std::int64_t>> prompts = {
        {1, 100, 200, 30, 77, 8, 150, 42, 99, 101, 102, 5}, {17, 17, 17, 250, 3}, {64}};
    const auto generated = Generate(prompts);
    ASSERT_EQ(generated.size(), prompts.size());
    std::size_t distinct = 0;
    for (std::size_t p = 0; p < prompts.size(); ++p) {
      std::vector<std::int64_t> text = prompts[p];
      ASSERT_EQ(generated[p].size(), kGenerated);
      for (const std::int64_t token : generated[p]) {
        const auto logits = decoder.Logits(text);
        const double best = *std::max_element(logits.begin(), logits.end());
        EXPECT_GE(logits.at(static_cast<std::size_t>(token)), best - slack)
            << "prompt " << p << ", token " << text.size();
        distinct += std::find(text.begin(), text.end(), token) == text.end() ? 1 : 0;
        text.push_back(token);
      }
    }
    EXPECT_GT(distinct, 5U);  // no model that says one word
  }

  std::filesystem::path model() const { return directory_.path() / "model"; }
  std::filesystem::path file() const { return directory_.path() / "model.gguf"; }

  testing::TempDirectory directory_;
  ModelConfig mini_ = ShapeConfig(ModelShape::kMini, 288);
};

TEST_F(LlamaCppTest, LlamaInEveryType) {
  mini_.kv_heads = 1;
  for (const auto& [type, slack] : {std::pair(GgufType::kF32, 1e-3),
                                    {GgufType::kF16, 0.02},
                                    {GgufType::kBf16, 0.15},
                                    {GgufType::kQ80, 0.3}}) {
    SCOPED_TRACE(GgufTypeName(type));
    Export(mini_, SentencePieces(), type);
    ExpectSameTokens(slack);
  }
}

TEST_F(LlamaCppTest, LlamaWithBiases) {
  mini_.qkv_bias = mini_.output_bias = true;
  Export(mini_, SentencePieces(), GgufType::kF32);
  ExpectSameTokens(1e-3);
}

TEST_F(LlamaCppTest, MistralWithAWindow) {
  mini_.architecture = Architecture::kMistral;
  mini_.sliding_window = 64;
  Export(mini_, SentencePieces(), GgufType::kF32);
  ExpectSameTokens(1e-3);
}

TEST_F(LlamaCppTest, Qwen2WithBiases) {
  mini_.architecture = Architecture::kQwen2;
  mini_.qkv_bias = true;
  mini_.tie_word_embeddings = true;
  Export(mini_, BytePairs(), GgufType::kF32);
  ExpectSameTokens(1e-3);
}

TEST_F(LlamaCppTest, Qwen3WithWideHeads) {
  mini_.architecture = Architecture::kQwen3;
  mini_.qk_norm = true;
  mini_.head_dim = 64;
  Export(mini_, BytePairs(), GgufType::kF32);
  ExpectSameTokens(1e-3);
}

TEST_F(LlamaCppTest, EveryRotaryScaling) {
  std::vector<RopeScaling> scalings(7);
  scalings[0] = {.kind = RopeKind::kLinear, .factor = 3};
  scalings[1] = {.kind = RopeKind::kDynamic, .factor = 3};
  scalings[2] = {.kind = RopeKind::kYarn, .factor = 4, .original_max_position_embeddings = 64};
  scalings[3] = scalings[2];
  scalings[3].beta_fast = 8;
  scalings[3].beta_slow = 0.5;
  scalings[3].attention_factor = 1.4;
  scalings[4] = {.kind = RopeKind::kLlama3,
                 .factor = 8,
                 .original_max_position_embeddings = 64,
                 .low_freq_factor = 1,
                 .high_freq_factor = 4};
  scalings[5] = {.kind = RopeKind::kYarn,
                 .factor = 40,
                 .original_max_position_embeddings = 32,
                 .mscale = 0.7,
                 .mscale_all_dim = 1.0};
  scalings[6] = scalings[2];
  scalings[6].truncate = false;
  for (std::size_t i = 0; i < scalings.size(); ++i) {
    SCOPED_TRACE(fmt::format("scaling {}, {}", i, RopeKindName(scalings[i].kind)));
    mini_.rope = scalings[i];
    Export(mini_, SentencePieces(), GgufType::kF32);
    ExpectSameTokens(1e-3);
  }
}

TEST_F(LlamaCppTest, TheLargestShapeLoadsAndGenerates) {
  const ModelConfig config = ShapeConfig(ModelShape::k135m, 49152);
  ASSERT_TRUE(NewModel(config, 1, model()).ok());
  const auto checkpoint = Checkpoint::Open(model());
  ASSERT_TRUE(checkpoint.ok());
  for (const GgufType type : {GgufType::kBf16, GgufType::kQ80}) {
    ASSERT_TRUE(ExportGguf(*checkpoint, SentencePieces(), {.type = type}, file()).ok());
    const auto generated = Generate({{1, 5, 300}}, 8);
    ASSERT_EQ(generated.size(), 1U);
    EXPECT_EQ(generated[0].size(), 8U);
  }
}

}  // namespace
}  // namespace arena
