#include "train/rollout.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_map>

#include "lm/model.h"
#include "lm/scheduler.h"

namespace arena::train {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::size_t kCacheBytes = std::size_t{512} << 20;
constexpr std::size_t kStepTokens = 2048;

Result<lm::Model> CopyModel(const ModelConfig& config, const ParameterLayout& layout,
                            std::span<const float> values, lm::Precision precision) {
  std::unordered_map<std::string_view, TensorView> tensors;
  for (const ParameterRange& range : layout.ranges()) {
    const auto bytes = std::as_bytes(values.subspan(range.begin, range.size));
    tensors[range.tensor.name] = {range.tensor.name, DType::kF32, range.tensor.shape, bytes};
  }
  const auto find = [&](std::string_view name) -> const TensorView* {
    const auto found = tensors.find(name);
    return found == tensors.end() ? nullptr : &found->second;
  };
  return lm::Model::FromTensors(config, find, precision);
}

}  // namespace

Result<std::vector<SampledAnswer>> SampleAnswers(const ModelConfig& config,
                                                 const ParameterLayout& layout,
                                                 std::span<const float> values,
                                                 std::span<const RolloutRequest> requests,
                                                 const RolloutOptions& options) {
  ARENA_ASSIGN_OR_RETURN(lm::Model model, CopyModel(config, layout, values, options.precision));
  ARENA_ASSIGN_OR_RETURN(
      lm::Scheduler scheduler,
      lm::Scheduler::Create(
          model, {.max_batch = kBatch, .cache_bytes = kCacheBytes, .step_tokens = kStepTokens}));
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto room =
        config.max_position_embeddings - static_cast<std::int64_t>(requests[i].prompt.size());
    lm::GenerateRequest request;
    request.id = std::to_string(i);
    request.prompt.assign(requests[i].prompt.begin(), requests[i].prompt.end());
    request.max_new_tokens = std::min(options.max_new_tokens, room);
    request.sampling.temperature = options.temperature;
    request.sampling.seed = requests[i].seed;
    ARENA_RETURN_IF_ERROR(scheduler.Submit(std::move(request)));
  }
  std::vector<SampledAnswer> answers(requests.size());
  std::optional<Error> error;
  while (!scheduler.idle() && !error) {
    scheduler.Step([&](const lm::Event& event) {
      if (const auto* done = std::get_if<lm::GenerateResult>(&event)) {
        answers[std::stoul(done->id)] = {done->tokens.tokens, done->finish == lm::Finish::kStop};
      } else if (const auto* failed = std::get_if<lm::ErrorEvent>(&event)) {
        error = InternalError(fmt::format("sampling: {}", failed->message));
      }
    });
  }
  if (error) return *error;
  return answers;
}

}  // namespace arena::train
