// Bodies of requests to the server: whatever is accepted keeps its limits.
#include <cmath>
#include <cstdint>

#include "check.h"
#include "server/openai_request.h"

namespace {

using arena::fuzz::Demand;

template <typename Body>
void CheckError(const arena::ApiResult<Body>& body) {
  Demand(body.error().status == 400, "what is wrong with a body is the client's");
  Demand(!body.error().message.empty() && !body.error().code.empty(),
         "an error says what is wrong");
}

void CheckSettings(const arena::CompletionSettings& body) {
  Demand(body.n >= 1 && body.n <= arena::kMaxChoices, "n");
  Demand(body.max_tokens >= 0, "max_tokens");
  const arena::Sampling& sampling = body.sampling;
  Demand(sampling.temperature >= 0 && sampling.temperature <= 2, "temperature");
  Demand(sampling.top_p > 0 && sampling.top_p <= 1, "top_p");
  Demand(sampling.min_p >= 0 && sampling.min_p <= 1, "min_p");
  Demand(sampling.top_k >= 0, "top_k");
  Demand(std::isfinite(sampling.repetition_penalty) && sampling.repetition_penalty > 0, "penalty");
  Demand(body.has_seed || sampling.seed == 0, "seed");
  Demand(body.stop.size() <= arena::kMaxStopStrings, "stop");
  for (const std::string& stop : body.stop) {
    Demand(!stop.empty() && stop.size() <= arena::kMaxStopBytes, "a stop string");
  }
  const std::int64_t logprobs = body.logprobs.value_or(0);
  Demand(logprobs >= 0 && logprobs <= arena::kMaxTopLogprobs, "logprobs");
  Demand(body.stream || !body.include_usage, "stream_options");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto chat = arena::ParseChatBody(text)) {
    CheckSettings(*chat);
    Demand(!chat->messages.empty(), "messages");
  } else {
    CheckError(chat);
  }
  if (const auto completion = arena::ParseCompletionBody(text)) {
    CheckSettings(*completion);
    Demand(!completion->prompts.empty() && completion->prompts.size() <= arena::kMaxInputs,
           "prompts");
  } else {
    CheckError(completion);
  }
  if (const auto embedding = arena::ParseEmbeddingBody(text)) {
    Demand(!embedding->inputs.empty() && embedding->inputs.size() <= arena::kMaxInputs, "inputs");
    Demand(embedding->dimensions.value_or(1) >= 1, "dimensions");
  } else {
    CheckError(embedding);
  }
  return 0;
}
