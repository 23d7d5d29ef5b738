#include "train/learner.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/safetensors.h"
#include "lm/precision.h"

namespace arena::train {
namespace {

constexpr std::string_view kAdapterMark = ".lora_";

// The optimizer's buffer begins with the first trainable number.
std::vector<ParameterRange> TrainableRanges(const ParameterLayout& layout) {
  std::vector<ParameterRange> ranges;
  for (ParameterRange range : layout.ranges()) {
    if (range.begin < layout.trainable_begin()) continue;
    range.begin -= layout.trainable_begin();
    ranges.push_back(std::move(range));
  }
  return ranges;
}

// A tensor of floats, converted when it is its turn.
TensorSource ConvertedSource(const TensorSpec& spec, std::span<const float> values, DType dtype,
                             std::vector<std::byte>& buffer) {
  return {spec, dtype, [=, &buffer]() -> Result<std::span<const std::byte>> {
            buffer.resize(values.size() * DTypeBytes(dtype));
            WriteFloats(values, dtype, buffer);
            return std::span<const std::byte>(buffer);
          }};
}

Result<DType> SaveDType(std::string_view name, DType loaded) {
  if (name == "f32") return DType::kF32;
  if (name == "bf16") return DType::kBf16;
  if (name == "f16") return DType::kF16;
  return loaded;
}

}  // namespace

Heads HeadsOf(const ModelConfig& config) {
  return {.language = config.uses_logits(), .score = !config.has_language_head()};
}

Learner::Learner(std::unique_ptr<Network<float>> network, std::vector<float> values,
                 AdamW optimizer)
    : network_(std::move(network)),
      values_(std::move(values)),
      gradients_(network_->layout().trainable_size()),
      optimizer_(std::move(optimizer)) {}

Result<Learner> Learner::Load(const std::filesystem::path& directory, const Heads& heads,
                              const Settings& settings) {
  ARENA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(directory));
  NetworkOptions options;
  options.heads = heads;
  if (settings.lora.rank > 0) options.lora = settings.lora;
  ARENA_ASSIGN_OR_RETURN(
      options.precision,
      lm::ChoosePrecision(settings.precision, checkpoint.tensors().front().dtype));
  options.activation_checkpointing = settings.activation_checkpointing;
  auto network = std::make_unique<Network<float>>(checkpoint.config(), options);
  ARENA_ASSIGN_OR_RETURN(std::vector<float> values,
                         LoadParameters(checkpoint, network->layout(), settings.seed));
  const AdamWOptions adam{.beta1 = settings.beta1,
                          .beta2 = settings.beta2,
                          .epsilon = settings.epsilon,
                          .weight_decay = settings.weight_decay};
  ARENA_ASSIGN_OR_RETURN(AdamW optimizer, AdamW::Create(network->layout().trainable_size(),
                                                        TrainableRanges(network->layout()), adam));
  Learner learner(std::move(network), std::move(values), std::move(optimizer));
  learner.lora_ = options.lora;
  learner.base_ = directory;
  learner.dtype_ = checkpoint.tensors().front().dtype;
  learner.has_score_ = heads.score;
  learner.precision_ = options.precision;
  return learner;
}

void Learner::ZeroGradients() { std::fill(gradients_.begin(), gradients_.end(), 0.0F); }

Result<double> Learner::Step(double learning_rate, double max_norm, Collective& collective) {
  ARENA_RETURN_IF_ERROR(collective.AllReduceSum(std::span<float>(gradients_)));
  const double norm = GlobalNorm(gradients_);
  if (!std::isfinite(norm)) return norm;
  optimizer_.Step(gradients_, learning_rate, ClipFactor(norm, max_norm),
                  std::span(values_).subspan(layout().trainable_begin()));
  return norm;
}

std::vector<StateFile> Learner::StateFiles(const std::string& prefix) {
  const std::vector<ParameterRange> ranges = TrainableRanges(layout());
  StateFile model{prefix + "model", {}}, optimizer{prefix + "optimizer", {}};
  AddTensors(ranges, "", std::span(values_).subspan(layout().trainable_begin()), model);
  AddTensors(ranges, "exp_avg.", optimizer_.first_moments(), optimizer);
  AddTensors(ranges, "exp_avg_sq.", optimizer_.second_moments(), optimizer);
  return {model, optimizer};
}

std::vector<float> Learner::MergedValues() const {
  std::vector<float> merged = values_;
  if (lora_) MergeAdapters(layout(), *lora_, merged);
  return merged;
}

Status Learner::Save(const std::filesystem::path& directory, const Settings& settings) const {
  ARENA_RETURN_IF_ERROR(MakeFolder(directory));
  if (lora_) ARENA_RETURN_IF_ERROR(SaveAdapters(directory / "adapter"));
  ModelConfig config = network_->config();
  ARENA_ASSIGN_OR_RETURN(config.dtype, SaveDType(settings.save_dtype, dtype_));
  if (has_score_) {
    config.architecture = Architecture::kLlamaSequenceClassification;
    config.likelihood_weight = settings.reward.likelihood_score_weight;
    config.likelihood_floor = settings.reward.log_prob_floor;
  }
  const std::vector<float> values = settings.lora_merge ? MergedValues() : values_;
  std::vector<std::byte> buffer;
  std::vector<TensorSource> tensors;
  for (const ParameterRange& range : layout().ranges()) {
    if (range.tensor.name.find(kAdapterMark) != std::string::npos) continue;
    tensors.push_back(ConvertedSource(
        range.tensor, std::span(values).subspan(range.begin, range.size), config.dtype, buffer));
  }
  ARENA_RETURN_IF_ERROR(WriteSafetensors(directory, tensors));
  return SaveConfig(config, directory);
}

Status Learner::SaveAdapters(const std::filesystem::path& directory) const {
  ARENA_RETURN_IF_ERROR(MakeFolder(directory));
  std::vector<std::byte> buffer;
  std::vector<TensorSource> tensors;
  for (const ParameterRange& range : layout().ranges()) {
    if (range.begin < layout().trainable_begin()) continue;
    TensorSpec spec = range.tensor;
    if (spec.name == "score.weight") spec.name = "base_model.model.score.weight";
    tensors.push_back(ConvertedSource(spec, std::span(values_).subspan(range.begin, range.size),
                                      DType::kF32, buffer));
  }
  ARENA_RETURN_IF_ERROR(WriteSafetensorsFile(directory / "adapter_model.safetensors", tensors));
  const Json config = {{"peft_type", "LORA"},
                       {"task_type", has_score_ ? "SEQ_CLS" : "CAUSAL_LM"},
                       {"base_model_name_or_path", base_.string()},
                       {"r", lora_->rank},
                       {"lora_alpha", lora_->alpha},
                       {"target_modules", lora_->targets},
                       {"lora_dropout", 0.0},
                       {"bias", "none"},
                       {"fan_in_fan_out", false},
                       {"inference_mode", true},
                       {"modules_to_save", has_score_ ? Json::array({"score"}) : Json(nullptr)}};
  return WriteFileAtomic(directory / "adapter_config.json", DumpJson(config, 2) + "\n");
}

}  // namespace arena::train
