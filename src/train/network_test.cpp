#include "train/network.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "base/rng.h"
#include "base/temporary_folder.h"
#include "checkpoint/checkpoint.h"
#include "lm/reference_model.h"

namespace arena::train {
namespace {

using lm::Token;

// Longer than a block of attention, one of a single token, and one below a panel.
std::vector<std::vector<Token>> Sequences(std::int64_t vocabulary, std::uint64_t seed) {
  std::vector<std::vector<Token>> sequences;
  Rng rng(seed);
  for (const std::size_t length : {7U, 1U, 70U}) {
    std::vector<Token>& tokens = sequences.emplace_back();
    for (std::size_t i = 0; i < length; ++i)
      tokens.push_back(static_cast<Token>(rng.Below(static_cast<std::uint64_t>(vocabulary))));
  }
  return sequences;
}

std::vector<Prediction> AllPredictions(const PackedBatch& batch) {
  std::vector<Prediction> predictions;
  std::size_t first = 0;
  for (const std::size_t end : batch.ends) {
    for (std::size_t row = first; row + 1 < end; ++row)
      predictions.push_back({row, batch.tokens[row + 1]});
    first = end;
  }
  return predictions;
}

struct Case {
  std::string variant;
  NetworkOptions options = {};
};

// A network on a checkpoint with random weights.
template <typename Scalar>
class Fixture {
 public:
  explicit Fixture(const Case& wanted)
      : reference(lm::VariantNamed(wanted.variant), 5, DType::kF32, folder.path()),
        network(Config(folder.path()), wanted.options) {
    const auto checkpoint = Checkpoint::Open(folder.path());
    EXPECT_TRUE(checkpoint.ok());
    const auto loaded = LoadParameters(*checkpoint, network.layout(), 1);
    EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().message);
    values.assign(loaded->begin(), loaded->end());
    // Adapters and the score head start at 0, where their gradients say little.
    Rng rng(9);
    for (const ParameterRange& range : network.layout().ranges()) {
      if (range.tensor.name != "score.weight" &&
          range.tensor.name.find("lora_B") == std::string::npos)
        continue;
      for (std::size_t i = range.begin; i < range.end(); ++i)
        values[i] = static_cast<Scalar>(0.2 * (rng.Uniform() - 0.5));
    }
    for (const auto& sequence : Sequences(network.config().vocab_size, 3)) batch.Add(sequence);
    predictions = wanted.options.heads.language ? AllPredictions(batch) : std::vector<Prediction>{};
    if (wanted.options.heads.score) score_rows = {batch.ends[0] - 1, 3, batch.ends[2] - 1};
    Rng weights(4);
    for (std::size_t i = 0; i < predictions.size(); ++i)
      coefficients.push_back(static_cast<Scalar>(weights.Uniform() - 0.3));
    for (std::size_t i = 0; i < score_rows.size(); ++i)
      score_coefficients.push_back(static_cast<Scalar>(weights.Uniform() + 0.5));
  }

  // A loss that has every output with a weight of its own.
  double Loss(bool for_backward = false) {
    network.Forward(values.data(), batch, for_backward);
    std::vector<Scalar> outputs(predictions.size()), scores(score_rows.size());
    if (!predictions.empty()) network.LogProbabilities(predictions, Scalar(1.3), outputs);
    if (!score_rows.empty()) network.Scores(score_rows, scores);
    double loss = 0;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      loss += static_cast<double>(outputs[i] * coefficients[i]);
    for (std::size_t i = 0; i < scores.size(); ++i)
      loss += static_cast<double>(scores[i] * score_coefficients[i]);
    return loss;
  }

  std::vector<Scalar> Gradient() {
    std::vector<Scalar> gradient(network.layout().trainable_size());
    Loss(true);
    network.Backward(coefficients, score_coefficients, gradient.data());
    return gradient;
  }

  static ModelConfig Config(const std::filesystem::path& directory) {
    const auto checkpoint = Checkpoint::Open(directory);
    EXPECT_TRUE(checkpoint.ok()) << (checkpoint.ok() ? "" : checkpoint.error().message);
    return checkpoint->config();
  }

  TemporaryFolder folder;
  lm::ReferenceModel reference;
  Network<Scalar> network;
  std::vector<Scalar> values;
  PackedBatch batch;
  std::vector<Prediction> predictions;
  std::vector<Scalar> coefficients;
  std::vector<std::size_t> score_rows;
  std::vector<Scalar> score_coefficients;
};

class EveryVariant : public testing::TestWithParam<lm::Variant> {};

template <typename Scalar>
void ExpectReferenceLogProbabilities(const std::string& variant, double tolerance) {
  Fixture<Scalar> f({variant});
  std::vector<Scalar> found(f.predictions.size()), entropies(f.predictions.size());
  f.network.Forward(f.values.data(), f.batch, false);
  f.network.LogProbabilities(f.predictions, 1, found, entropies);
  std::size_t next = 0;
  for (const auto& sequence : Sequences(f.network.config().vocab_size, 3)) {
    const lm::Rows logits = f.reference.Logits(sequence);
    for (std::size_t i = 0; i + 1 < sequence.size(); ++i, ++next) {
      const std::vector<double> log_p = lm::ReferenceModel::LogSoftmax(logits[i]);
      EXPECT_NEAR(static_cast<double>(found[next]),
                  log_p[static_cast<std::size_t>(sequence[i + 1])], tolerance);
      const double entropy =
          std::accumulate(log_p.begin(), log_p.end(), 0.0,
                          [](double sum, double l) { return sum - l * std::exp(l); });
      EXPECT_NEAR(static_cast<double>(entropies[next]), entropy, tolerance);
    }
  }
}

TEST_P(EveryVariant, LogProbabilitiesAreThoseOfPlainLoops) {
  ExpectReferenceLogProbabilities<float>(GetParam().name, 2e-5);
  ExpectReferenceLogProbabilities<double>(GetParam().name, 1e-6);
}

// Some weights of each tensor, moved to both sides.
void ExpectGradientOfDifferences(const Case& wanted) {
  Fixture<double> f(wanted);
  const std::vector<double> gradient = f.Gradient();
  const ParameterLayout& layout = f.network.layout();
  constexpr double kStep = 1e-5;
  Rng rng(6);
  for (const ParameterRange& range : layout.ranges()) {
    if (range.begin < layout.trainable_begin()) continue;
    for (int i = 0; i < 4; ++i) {
      std::size_t at = range.begin + rng.Below(range.size);
      if (range.tensor.name == "model.embed_tokens.weight" && i < 3) {  // of a token that occurs
        const auto hidden = static_cast<std::size_t>(range.tensor.shape[1]);
        at = static_cast<std::size_t>(f.batch.tokens[rng.Below(f.batch.tokens.size())]) * hidden +
             rng.Below(hidden);
      }
      const double value = f.values[at];
      f.values[at] = value + kStep;
      const double above = f.Loss();
      f.values[at] = value - kStep;
      const double below = f.Loss();
      f.values[at] = value;
      const double difference = (above - below) / (2 * kStep);
      EXPECT_NEAR(gradient[at - layout.trainable_begin()], difference,
                  1e-6 + 1e-6 * std::abs(difference))
          << range.tensor.name << " " << at - range.begin;
    }
  }
}

TEST_P(EveryVariant, GradientsAreThoseOfDifferences) {
  ExpectGradientOfDifferences({GetParam().name});
}

INSTANTIATE_TEST_SUITE_P(All, EveryVariant, testing::ValuesIn(lm::AllVariants()),
                         [](const auto& variant) { return variant.param.name; });

LoraOptions SmallAdapters() { return {.rank = 3, .alpha = 5}; }

TEST(NetworkTest, GradientsOfScoreHeadAdaptersAndBoth) {
  const std::string variant = lm::AllVariants().front().name;
  ExpectGradientOfDifferences({variant, {.heads = {.language = true, .score = true}}});
  ExpectGradientOfDifferences({variant, {.heads = {.language = false, .score = true}}});
  ExpectGradientOfDifferences({variant, {.lora = SmallAdapters()}});
  ExpectGradientOfDifferences(
      {variant,
       {.heads = {.score = true}, .lora = SmallAdapters(), .activation_checkpointing = true}});
}

TEST(NetworkTest, ActivationCheckpointingChangesNoBit) {
  for (const lm::Variant& variant : lm::AllVariants()) {
    Fixture<float> kept({variant.name});
    Fixture<float> recomputed({variant.name, {.activation_checkpointing = true}});
    EXPECT_EQ(kept.Gradient(), recomputed.Gradient()) << variant.name;
  }
}

double RelativeDistance(const std::vector<float>& a, const std::vector<double>& b) {
  double difference = 0, length = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (static_cast<double>(a[i]) - b[i]) * (static_cast<double>(a[i]) - b[i]);
    length += b[i] * b[i];
  }
  return std::sqrt(difference / length);
}

TEST(NetworkTest, BlocksOfTheVocabularyAddUp) {
  const std::string variant = "llama_mha_tied";
  const std::vector<double> whole = Fixture<double>({variant}).Gradient();
  // Four blocks of at most 32 tokens, kept and computed again.
  for (const std::size_t kept : {std::size_t{1} << 20, std::size_t{0}}) {
    Fixture<double> blocks({variant, {.logits_at_once = 1, .logits_kept = kept}});
    const std::vector<double> found = blocks.Gradient();
    for (std::size_t i = 0; i < whole.size(); ++i) ASSERT_NEAR(found[i], whole[i], 1e-12);
  }
}

TEST(NetworkTest, EntropyAcrossBlocksOfTheVocabulary) {
  Fixture<double> whole({"qwen2"}), blocks({"qwen2", {.logits_at_once = 1}});
  std::vector<double> entropies[2];
  for (Fixture<double>* f : {&whole, &blocks}) {
    std::vector<double> log_p(f->predictions.size());
    std::vector<double>& to = entropies[f == &blocks];
    to.resize(log_p.size());
    f->network.Forward(f->values.data(), f->batch, false);
    f->network.LogProbabilities(f->predictions, 0.7, log_p, to);
  }
  for (std::size_t i = 0; i < entropies[0].size(); ++i)
    EXPECT_NEAR(entropies[0][i], entropies[1][i], 1e-12);
}

TEST(NetworkTest, FloatAndBfloat16FollowDouble) {
  for (const lm::Variant& variant : lm::AllVariants()) {
    const std::vector<double> exact = Fixture<double>({variant.name}).Gradient();
    EXPECT_LT(RelativeDistance(Fixture<float>({variant.name}).Gradient(), exact), 1e-5);
    Fixture<float> rounded({variant.name, {.precision = lm::Precision::kBf16}});
    const double distance = RelativeDistance(rounded.Gradient(), exact);
    EXPECT_LT(distance, 0.03) << variant.name;
    EXPECT_GT(distance, 1e-5) << variant.name;  // it does round
  }
}

TEST(NetworkTest, ASequenceHasTheSameGradientAmongOthers) {
  Fixture<double> together({"llama_biases"}), alone({"llama_biases"});
  const std::vector<double> sum = together.Gradient();
  std::vector<double> parts(sum.size());
  const std::vector<double> coefficients = alone.coefficients;
  std::size_t used = 0;
  for (const auto& sequence : Sequences(alone.network.config().vocab_size, 3)) {
    alone.batch.Clear();
    alone.batch.Add(sequence);
    alone.predictions = AllPredictions(alone.batch);
    alone.coefficients.assign(
        coefficients.begin() + static_cast<std::ptrdiff_t>(used),
        coefficients.begin() + static_cast<std::ptrdiff_t>(used + alone.predictions.size()));
    used += alone.predictions.size();
    if (alone.predictions.empty()) continue;
    const std::vector<double> part = alone.Gradient();
    for (std::size_t i = 0; i < parts.size(); ++i) parts[i] += part[i];
  }
  for (std::size_t i = 0; i < parts.size(); ++i) ASSERT_NEAR(parts[i], sum[i], 1e-10);
}

TEST(NetworkTest, MergedAdaptersComputeTheSame) {
  Fixture<float> adapted({"llama_biases", {.lora = SmallAdapters()}});
  const double before = adapted.Loss();
  MergeAdapters(adapted.network.layout(), SmallAdapters(), adapted.values);
  EXPECT_NEAR(adapted.Loss(), before, 1e-4);
  for (const ParameterRange& range : adapted.network.layout().ranges()) {
    if (range.tensor.name.find("lora_B") == std::string::npos) continue;
    EXPECT_EQ(adapted.values[range.begin], 0) << range.tensor.name;
  }
}

TEST(NetworkTest, AMissingTensorIsNamed) {
  TemporaryFolder folder;
  const lm::ReferenceModel reference(lm::VariantNamed("llama_biases"), 5, DType::kF32,
                                     folder.path());
  const auto checkpoint = Checkpoint::Open(folder.path());
  ASSERT_TRUE(checkpoint.ok());
  ModelConfig untied = checkpoint->config();
  untied.vocab_size += 1;
  const auto loaded = LoadParameters(*checkpoint, ParameterLayout(untied, {}), 1);
  ASSERT_FALSE(loaded.ok());
  EXPECT_NE(loaded.error().message.find("model.embed_tokens.weight"), std::string::npos)
      << loaded.error().message;
}

}  // namespace
}  // namespace arena::train
