#include "train/parameters.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "base/rng.h"

namespace arena::train {
namespace {

constexpr std::string_view kAdapterPrefix = "base_model.model.";

bool EndsWithAny(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

// "model.layers.0.mlp.up_proj" of its weight's name where it is a target.
std::optional<std::string_view> TargetLinear(std::string_view weight, const LoraOptions& lora) {
  constexpr std::string_view kWeight = ".weight";
  if (!weight.ends_with(kWeight)) return std::nullopt;
  const std::string_view linear = weight.substr(0, weight.size() - kWeight.size());
  const std::string_view last = linear.substr(linear.rfind('.') + 1);
  const bool is_target =
      std::find(lora.targets.begin(), lora.targets.end(), last) != lora.targets.end();
  return is_target ? std::optional(linear) : std::nullopt;
}

// A by rule where the checkpoint has nothing.
void Initialise(const ParameterRange& range, Rng& rng, std::span<float> values) {
  if (range.tensor.name.find(".lora_A.") == std::string::npos) {
    std::fill(values.begin(), values.end(), 0.0F);
    return;
  }
  const double bound = std::sqrt(3.0 / static_cast<double>(range.tensor.shape.back()));
  for (float& value : values) value = static_cast<float>((2 * rng.Uniform() - 1) * bound);
}

Status Read(const TensorView& tensor, std::span<float> values) {
  ReadFloats(tensor, 0, values);
  const auto bad =
      std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (bad == values.end()) return {};
  return InvalidInput(
      Describe({tensor.name, static_cast<std::size_t>(bad - values.begin()), *bad}));
}

}  // namespace

std::string AdapterName(std::string_view linear, std::string_view part) {
  return fmt::format("{}{}.{}.weight", kAdapterPrefix, linear, part);
}

ParameterLayout::ParameterLayout(const ModelConfig& config, const Heads& heads,
                                 const std::optional<LoraOptions>& lora) {
  ModelConfig language = config;
  if (!config.has_language_head()) language.architecture = Architecture::kLlama;
  std::vector<TensorSpec> biases;  // not between the weights of queries, keys and values
  for (TensorSpec& spec : ExpectedTensors(language)) {
    if (spec.name == "lm_head.weight" && !heads.language) continue;
    if (EndsWithAny(spec.name, {"q_proj.bias", "k_proj.bias", "v_proj.bias"})) {
      biases.push_back(std::move(spec));
      continue;
    }
    Add(std::move(spec));
  }
  for (TensorSpec& bias : biases) Add(std::move(bias));
  const std::size_t base = ranges_.size();
  if (lora) trainable_begin_ = size();
  if (heads.score) Add({"score.weight", {1, config.hidden_size}});
  if (!lora) return;
  for (std::size_t i = 0; i < base; ++i) {
    const auto linear = TargetLinear(ranges_[i].tensor.name, *lora);
    if (!linear) continue;
    const TensorShape shape = ranges_[i].tensor.shape;
    const std::string name(*linear);
    Add({AdapterName(name, "lora_A"), {lora->rank, shape[1]}});
    Add({AdapterName(name, "lora_B"), {shape[0], lora->rank}});
  }
}

void ParameterLayout::Add(TensorSpec spec) {
  ParameterRange range;
  range.tensor = std::move(spec);
  range.begin = size();
  range.size = static_cast<std::size_t>(ElementCount(range.tensor.shape).value_or(0));
  range.decays = range.tensor.shape.size() > 1;
  ranges_.push_back(std::move(range));
}

const ParameterRange* ParameterLayout::Find(std::string_view name) const {
  const auto found = std::find_if(ranges_.begin(), ranges_.end(), [&](const ParameterRange& range) {
    return range.tensor.name == name;
  });
  return found == ranges_.end() ? nullptr : &*found;
}

Result<std::vector<float>> LoadParameters(const Checkpoint& checkpoint,
                                          const ParameterLayout& layout, std::uint64_t seed) {
  std::vector<float> values(layout.size());
  Rng rng(seed);
  for (const ParameterRange& range : layout.ranges()) {
    const std::span<float> to = std::span(values).subspan(range.begin, range.size);
    const TensorView* tensor = checkpoint.FindAny(range.tensor.name);
    if (tensor != nullptr && tensor->shape == range.tensor.shape) {
      ARENA_RETURN_IF_ERROR(Read(*tensor, to));
    } else if (range.tensor.name == "score.weight" ||
               range.tensor.name.starts_with(kAdapterPrefix)) {
      Initialise(range, rng, to);
    } else {
      return InvalidInput(fmt::format("{}: weight {} {} is missing",
                                      checkpoint.directory().string(), range.tensor.name,
                                      ShapeText(range.tensor.shape)));
    }
  }
  return values;
}

void MergeAdapters(const ParameterLayout& layout, const LoraOptions& lora,
                   std::vector<float>& values) {
  const auto rank = static_cast<std::size_t>(lora.rank);
  const auto scale = static_cast<float>(lora.alpha / static_cast<double>(lora.rank));
  for (const ParameterRange& weight : layout.ranges()) {
    const auto linear = TargetLinear(weight.tensor.name, lora);
    if (!linear) continue;
    const ParameterRange* a = layout.Find(AdapterName(*linear, "lora_A"));
    const ParameterRange* b = layout.Find(AdapterName(*linear, "lora_B"));
    if (a == nullptr || b == nullptr) continue;
    const auto outputs = static_cast<std::size_t>(weight.tensor.shape[0]);
    const auto inputs = static_cast<std::size_t>(weight.tensor.shape[1]);
    for (std::size_t out = 0; out < outputs; ++out) {
      for (std::size_t r = 0; r < rank; ++r) {
        float& factor = values[b->begin + out * rank + r];
        const float* const from = values.data() + a->begin + r * inputs;
        float* const to = values.data() + weight.begin + out * inputs;
        for (std::size_t in = 0; in < inputs; ++in) to[in] += scale * factor * from[in];
        factor = 0;
      }
    }
  }
}

}  // namespace arena::train
