// A network with its weights, its gradients and its optimizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "train/collective.h"
#include "train/network.h"
#include "train/optimizer.h"
#include "train/settings.h"
#include "train/training_state.h"

namespace arena::train {

/// One model that learns, the same on every rank. Movable, not copyable. Not thread-safe.
class Learner {
 public:
  /// Loads the model of a directory. Errors: those of Checkpoint::Open and LoadParameters; a
  /// setting that does not fit.
  static Result<Learner> Load(const std::filesystem::path& directory, const Heads& heads,
                              const Settings& settings);

  Network<float>& network() { return *network_; }
  const ModelConfig& config() const { return network_->config(); }
  const ParameterLayout& layout() const { return network_->layout(); }
  std::vector<float>& values() { return values_; }
  lm::Precision precision() const { return precision_; }
  /// (layout().trainable_size())
  std::vector<float>& gradients() { return gradients_; }

  void ZeroGradients();
  /// Sums the gradients over the ranks, clips their norm and takes a step. Returns the norm before
  /// clipping. Where it is not finite the weights stay as they were.
  Result<double> Step(double learning_rate, double max_norm, Collective& collective);

  /// The tensors that a checkpoint needs: weights and moments, in files whose names begin with
  /// `prefix`. Of a model with adapters only what is trained.
  std::vector<StateFile> StateFiles(const std::string& prefix);
  std::int64_t optimizer_steps() const { return optimizer_.steps(); }
  void set_optimizer_steps(std::int64_t steps) { optimizer_.set_steps(steps); }

  /// The weights for generation: adapters are added to their matrices.
  std::vector<float> MergedValues() const;

  /// Writes config.json and the weights as a Hugging Face directory: with `merge` the adapters
  /// added, else the base model as it was; adapters go to DIRECTORY/adapter in PEFT's layout as
  /// well. With a score head the model is a LlamaForSequenceClassification.
  Status Save(const std::filesystem::path& directory, const Settings& settings) const;

 private:
  Learner(std::unique_ptr<Network<float>> network, std::vector<float> values, AdamW optimizer);
  Status SaveAdapters(const std::filesystem::path& directory) const;

  std::unique_ptr<Network<float>> network_;
  std::vector<float> values_;
  std::vector<float> gradients_;
  AdamW optimizer_;
  std::optional<LoraOptions> lora_;
  std::filesystem::path base_;  // where the model came from, for adapter_config.json
  DType dtype_ = DType::kF32;   // of the checkpoint it came from
  bool has_score_ = false;
  lm::Precision precision_ = lm::Precision::kF32;
};

/// The heads that a checkpoint has: a reward model has a score, and a language head where its
/// score uses likelihoods.
Heads HeadsOf(const ModelConfig& config);

}  // namespace arena::train
