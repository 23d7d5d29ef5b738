// What the tests of local checkpoints share.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include "base/temporary_folder.h"
#include "chat/local_model.h"
#include "checkpoint/new_model.h"
#include "text/byte_tokenizer.h"

namespace arena::testing {

/// Writes a model of the mini shape (context 512) with random weights and a byte tokenizer, whose
/// vocabulary may be another than the model's.
inline void WriteSmallModel(const std::filesystem::path& directory, std::uint64_t seed = 7,
                            std::int64_t vocabulary = 300, std::size_t tokens = 300) {
  const Status made = NewModel(ShapeConfig(ModelShape::kMini, vocabulary), seed, directory);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Status tokenizer = WriteByteTokenizer(directory, tokens);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
}

/// The same as a reward model whose score counts likelihoods.
inline void WriteSmallRewardModel(const std::filesystem::path& directory, std::uint64_t seed = 7) {
  ModelConfig config = ShapeConfig(ModelShape::kMini, 300);
  config.architecture = Architecture::kLlamaSequenceClassification;
  config.likelihood_weight = 0.1;
  config.likelihood_floor = -6;
  const Status made = NewModel(config, seed, directory);
  ASSERT_TRUE(made.ok()) << made.error().message;
  const Status tokenizer = WriteByteTokenizer(directory, 300);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
}

inline LocalModelOptions SmallOptions(const std::filesystem::path& directory,
                                      unsigned workers = 1) {
  LocalModelOptions options;
  options.pool.model = directory;
  options.pool.workers = workers;
  options.pool.precision = "f32";
  options.pool.cache_mb = 16;
  return options;
}

/// The model, or the end of the test.
inline std::unique_ptr<LocalModel> MustLoad(const LocalModelOptions& options) {
  auto model = LocalModel::Load(options);
  if (!model.ok()) throw std::runtime_error(model.error().message);
  return std::move(*model);
}

inline void Write(const std::filesystem::path& file, const std::string& content) {
  std::ofstream(file, std::ios::binary) << content;
}

}  // namespace arena::testing
