#include "lm/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/rng.h"
#include "lm/reference_model.h"

namespace arena::lm {
namespace {

using testing::HasSubstr;

constexpr std::size_t kCacheBytes = std::size_t{8} << 20;

std::vector<Token> RandomTokens(std::uint64_t seed, std::size_t count) {
  Rng rng(seed);
  std::vector<Token> tokens(count);
  for (Token& token : tokens) token = static_cast<Token>(rng.Below(97));
  return tokens;
}

// A sequence and the logits of every token that it was given.
struct Reading {
  std::vector<Token> tokens;
  SequenceCache cache;
  std::vector<std::vector<float>> logits;
};

void Feed(Model& model, KvCache& cache, std::vector<std::pair<Reading*, std::size_t>> parts) {
  std::vector<Chunk> chunks;
  for (const auto& [run, count] : parts) {
    const auto begin = static_cast<std::size_t>(run->cache.length);
    ASSERT_TRUE(cache.Grow(run->cache, static_cast<std::int64_t>(begin + count)));
    chunks.push_back({std::span<const Token>(run->tokens).subspan(begin, count), &run->cache});
  }
  model.Forward(chunks, cache);
  std::size_t row = 0;
  for (const auto& [run, count] : parts) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::size_t wanted[] = {row++};
      const float* const logits = model.Logits(wanted);
      run->logits.emplace_back(logits, logits + model.config().vocab_size);
    }
  }
}

Model LoadModel(const std::filesystem::path& path, Precision precision) {
  auto model = Model::Load(path, precision);
  EXPECT_TRUE(model.ok()) << model.error().message;
  return std::move(*model);
}

KvCache MakeCache(const Model& model) {
  return std::move(*KvCache::Create(model.config(), model.cache_storage(), kCacheBytes));
}

double LargestDifference(const std::vector<std::vector<float>>& logits, const Rows& expected) {
  double largest = 0;
  for (std::size_t t = 0; t < expected.size(); ++t) {
    for (std::size_t i = 0; i < expected[t].size(); ++i) {
      const double difference = std::abs(static_cast<double>(logits[t][i]) - expected[t][i]);
      if (!(difference <= largest)) largest = difference;  // NaN too
    }
  }
  return largest;
}

class ModelVariantTest : public testing::TestWithParam<Variant> {};

TEST_P(ModelVariantTest, LogitsAgreeWithPlainLoops) {
  for (const DType dtype : {DType::kF32, DType::kBf16, DType::kF16}) {
    const TemporaryFolder folder;
    const ReferenceModel reference(GetParam(), 7, dtype, folder.path());
    Model model = LoadModel(folder.path(), Precision::kF32);
    KvCache cache = MakeCache(model);
    Reading run{RandomTokens(1, 100), {}, {}};
    Feed(model, cache, {{&run, 100}});
    EXPECT_LT(LargestDifference(run.logits, reference.Logits(run.tokens)), 1e-4)
        << DTypeName(dtype);
  }
}

TEST_P(ModelVariantTest, Bfloat16StaysNear) {
  const TemporaryFolder folder;
  const ReferenceModel reference(GetParam(), 8, DType::kF32, folder.path());
  Model model = LoadModel(folder.path(), Precision::kBf16);
  KvCache cache = MakeCache(model);
  Reading run{RandomTokens(2, 60), {}, {}};
  Feed(model, cache, {{&run, 60}});
  const double difference = LargestDifference(run.logits, reference.Logits(run.tokens));
  EXPECT_LT(difference, 0.3);
  EXPECT_GT(difference, 1e-4);  // it is another precision
}

TEST_P(ModelVariantTest, CutsAndNeighboursDoNotChangeABit) {
  const TemporaryFolder folder;
  const ReferenceModel reference(GetParam(), 9, DType::kF32, folder.path());
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    Model model = LoadModel(folder.path(), precision);
    KvCache cache = MakeCache(model);
    Reading whole{RandomTokens(3, 90), {}, {}};
    Feed(model, cache, {{&whole, 90}});
    Reading tokenwise{whole.tokens, {}, {}};
    for (int i = 0; i < 90; ++i) Feed(model, cache, {{&tokenwise, 1}});
    EXPECT_EQ(tokenwise.logits, whole.logits);
    // Beside others, in odd chunks, and in blocks that others have used before.
    cache.Release(whole.cache);
    Reading cut{whole.tokens, {}, {}};
    Reading other{RandomTokens(4, 100), {}, {}};
    Reading third{RandomTokens(5, 20), {}, {}};
    Feed(model, cache, {{&other, 13}, {&cut, 41}, {&third, 1}});
    Feed(model, cache, {{&cut, 1}, {&other, 3}});
    Feed(model, cache, {{&third, 19}, {&other, 84}, {&cut, 48}});
    EXPECT_EQ(cut.logits, whole.logits);
  }
}

INSTANTIATE_TEST_SUITE_P(All, ModelVariantTest, testing::ValuesIn(AllVariants()),
                         [](const auto& each) { return each.param.name; });

TEST(ModelTest, AWeightThatIsNotANumberIsAnErrorThatNamesIt) {
  for (const char* name : {"model.layers.1.mlp.up_proj.weight", "model.norm.weight"}) {
    const TemporaryFolder folder;
    const ReferenceModel reference(VariantNamed("llama_gqa_untied"), 7, DType::kF32, folder.path(),
                                   name);
    const auto model = Model::Load(folder.path(), Precision::kF32);
    ASSERT_FALSE(model.ok());
    EXPECT_THAT(model.error().message, HasSubstr(name));
    EXPECT_THAT(model.error().message, HasSubstr("element 3 is nan"));
  }
}

TEST(ModelTest, TwoBytesAreKeptWhereTheyAreExact) {
  const TemporaryFolder f32, bf16;
  const ReferenceModel a(VariantNamed("llama_gqa_untied"), 7, DType::kF32, f32.path());
  const ReferenceModel b(VariantNamed("llama_gqa_untied"), 7, DType::kBf16, bf16.path());
  const std::size_t four = LoadModel(f32.path(), Precision::kF32).weights().bytes();
  EXPECT_EQ(LoadModel(bf16.path(), Precision::kF32).weights().bytes() * 2, four);
  EXPECT_EQ(LoadModel(f32.path(), Precision::kBf16).weights().bytes() * 2, four);
}

}  // namespace
}  // namespace arena::lm
