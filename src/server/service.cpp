#include "server/service.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "core/embedder.h"

namespace arena {
namespace {

constexpr std::chrono::milliseconds kEventPollTime{100};

ChatRequest MakeRequest(const CompletionSettings& settings) {
  ChatRequest request;
  request.max_new_tokens = settings.max_tokens;
  request.sampling = settings.sampling;
  request.stop = settings.stop;
  request.logprobs = settings.logprobs;
  return request;
}

using Vector = std::pair<std::size_t, Result<std::vector<float>>>;

}  // namespace

CompletionService::CompletionService(LocalModel& model, const ServiceOptions& options)
    : model_(model),
      options_(options),
      admission_(std::make_shared<Admission>(options.places, options.queue)),
      metrics_(std::make_shared<ServerMetrics>()),
      random_(options.seed) {}

std::uint64_t CompletionService::Random() {
  const std::lock_guard lock(random_mutex_);
  return random_();
}

ApiResult<void> CompletionService::CheckModel(std::string_view model) const {
  if (model.empty() || model == options_.model_name) return {};
  return tl::unexpected(ApiError{
      404, "invalid_request_error",
      fmt::format("the model \"{}\" is not served here; \"{}\" is", model, options_.model_name),
      "model", "model_not_found"});
}

ApiResult<void> CompletionService::Admit(std::string_view model, std::int64_t sequences) {
  if (auto known = CheckModel(model); !known) return known;
  if (is_stopping_) {
    return tl::unexpected(
        ApiError{503, "server_error", "the server is stopping", "", "server_stopping"});
  }
  if (sequences > admission_->limit()) {
    return tl::unexpected(
        BadRequest(fmt::format("the request asks for {} sequences, and the server takes {} at once",
                               sequences, admission_->limit()),
                   "n", "invalid_value"));
  }
  if (!admission_->Enter(sequences)) {
    return tl::unexpected(ApiError{429, "rate_limit_error",
                                   "too many requests are waiting; try again later", "",
                                   "queue_full"});
  }
  return {};
}

ApiResult<std::unique_ptr<CompletionJob>> CompletionService::StartChat(const ChatBody& body,
                                                                       std::int64_t now) {
  ChatRequest request = MakeRequest(body);
  request.conversation = body.messages;
  request.render.variables = body.template_variables;
  return Start(body, {std::move(request)}, true, now);
}

ApiResult<std::unique_ptr<CompletionJob>> CompletionService::StartCompletion(
    const CompletionBody& body, std::int64_t now) {
  std::vector<ChatRequest> prompts;
  for (const std::string& prompt : body.prompts) {
    prompts.push_back(MakeRequest(body));
    prompts.back().prompt = prompt;
  }
  return Start(body, std::move(prompts), false, now);
}

ApiResult<std::unique_ptr<CompletionJob>> CompletionService::Start(
    const CompletionSettings& settings, std::vector<ChatRequest> prompts, bool is_chat,
    std::int64_t now) {
  const std::int64_t count = settings.n * static_cast<std::int64_t>(prompts.size());
  if (auto admitted = Admit(settings.model, count); !admitted) {
    return tl::unexpected(std::move(admitted.error()));
  }
  const std::uint64_t seed = settings.has_seed ? settings.sampling.seed : Random();
  auto events = std::make_shared<CompletionJob::Events>();
  std::vector<LmPool::Id> ids;
  for (std::int64_t choice = 0; choice < count; ++choice) {
    ChatRequest& request = prompts[static_cast<std::size_t>(choice / settings.n)];
    const bool is_first = choice % settings.n == 0;
    // Choices differ, and each is what a request of its own with that seed would give.
    request.sampling.seed = seed + static_cast<std::uint64_t>(choice % settings.n);
    LocalModel::OnText on_text;
    if (settings.stream) {
      on_text = [events, choice](std::string_view text, std::span<const ReplyToken> tokens) {
        events->Push({choice, std::string(text), {tokens.begin(), tokens.end()}, std::nullopt});
      };
    }
    const auto on_reply = [events, choice, is_first, admission = admission_,
                           metrics = metrics_](Result<ChatReply> reply) {
      if (reply.ok()) {
        metrics->CountTokens(is_first ? reply->prompt_tokens : 0, reply->completion_tokens);
      }
      // Before the event: the client that has its answer finds the place free.
      admission->Leave(1);
      events->Push({choice, "", {}, std::move(reply)});
    };
    const Result<LmPool::Id> id = model_.Ask(request, on_reply, std::move(on_text));
    if (!id.ok()) {
      for (const LmPool::Id asked : ids) model_.Cancel(asked);
      admission_->Leave(count - choice);
      return tl::unexpected(ModelError(id.error()));
    }
    ids.push_back(*id);
  }
  CompletionJobOptions options;
  options.head = MakeHead(is_chat ? "chatcmpl" : "cmpl", now);
  options.is_chat = is_chat;
  options.has_logprobs = settings.logprobs.has_value();
  options.include_usage = settings.include_usage;
  options.choices = count;
  options.choices_per_prompt = settings.n;
  return std::make_unique<CompletionJob>(model_, std::move(options), std::move(events),
                                         std::move(ids));
}

ReplyHead CompletionService::MakeHead(std::string_view kind, std::int64_t now) {
  return {fmt::format("{}-{:016x}", kind, Random()), options_.model_name, now,
          "fp_" + model_.version().substr(0, 12)};
}

ApiResult<CompletionService::Inputs> CompletionService::EncodeInputs(
    std::span<const std::string> texts, std::string_view field) const {
  const Tokenizer& tokenizer = model_.tokenizer();
  const auto context = static_cast<std::size_t>(model_.pool().model().context);
  Inputs inputs;
  for (const std::string& text : texts) {
    std::vector<TokenId>& tokens = inputs.emplace_back(tokenizer.Encode(text));
    const std::size_t index = inputs.size() - 1;
    if (tokens.empty()) {
      return tl::unexpected(BadRequest(fmt::format("{}[{}]: is empty", field, index),
                                       std::string(field), "invalid_value"));
    }
    if (tokenizer.add_bos() && tokenizer.bos_id()) {
      tokens.insert(tokens.begin(), *tokenizer.bos_id());
    }
    if (tokens.size() > context) {
      return tl::unexpected(
          BadRequest(fmt::format("{}[{}]: has {} tokens and the model's context is {}", field,
                                 index, tokens.size(), context),
                     std::string(field), "context_length_exceeded"));
    }
  }
  return inputs;
}

ApiResult<CompletionService::Inputs> CompletionService::AdmitInputs(
    std::string_view model, std::span<const std::string> texts, std::string_view field) {
  const auto count = static_cast<std::int64_t>(texts.size());
  if (auto admitted = Admit(model, count); !admitted) {
    return tl::unexpected(std::move(admitted.error()));
  }
  auto inputs = EncodeInputs(texts, field);
  if (!inputs) admission_->Leave(count);
  return inputs;
}

ApiResult<std::vector<std::vector<float>>> CompletionService::AskOfEach(
    const Inputs& inputs, AskModel ask, FunctionRef<bool()> is_wanted) {
  auto events = std::make_shared<EventQueue<Vector>>();
  std::vector<LmPool::Id> ids;
  std::int64_t prompt_tokens = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    prompt_tokens += static_cast<std::int64_t>(inputs[i].size());
    const auto on_vector = [events, i, admission = admission_](Result<std::vector<float>> vector) {
      admission->Leave(1);
      events->Push({i, std::move(vector)});
    };
    ids.push_back(ask(inputs[i], on_vector));
  }
  metrics_->CountTokens(prompt_tokens, 0);
  std::vector<std::vector<float>> vectors(inputs.size());
  std::optional<ApiError> error;
  for (std::size_t open = inputs.size(); open > 0 && !error;) {
    std::optional<Vector> event = events->Next(kEventPollTime);
    if (!event && is_wanted()) continue;
    if (!event) {
      error = ModelError(Cancelled("the request was cancelled"));
    } else if (!event->second.ok()) {
      error = ModelError(event->second.error());
    } else {
      vectors[event->first] = std::move(*event->second);
      --open;
    }
  }
  if (!error) return vectors;
  for (const LmPool::Id id : ids) model_.pool().Cancel(id);
  return tl::unexpected(std::move(*error));
}

ApiResult<std::string> CompletionService::Score(const CompletionBody& body,
                                                FunctionRef<bool()> is_wanted, std::int64_t now) {
  const auto inputs = AdmitInputs(body.model, body.prompts, "prompt");
  if (!inputs) return tl::unexpected(inputs.error());
  const auto ask = [&](std::span<const TokenId> tokens, LmPool::OnVector on_vector) {
    if (tokens.size() == 1) {
      on_vector(std::vector<float>());
      return LmPool::Id{0};
    }
    return model_.pool().Score(tokens.first(1), tokens.subspan(1), std::move(on_vector));
  };
  const auto logprobs = AskOfEach(*inputs, ask, is_wanted);
  if (!logprobs) return tl::unexpected(logprobs.error());
  std::vector<ReplyChoice> choices(inputs->size());
  TokenUsage usage;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const std::vector<TokenId>& tokens = (*inputs)[i];
    choices[i].index = static_cast<std::int64_t>(i);
    choices[i].text = body.prompts[i];
    choices[i].finish = "length";
    auto& shown = choices[i].tokens.emplace();
    for (std::size_t t = 0; t < tokens.size(); ++t) {
      const bool is_special = model_.tokenizer().IsSpecial(tokens[t]);
      shown.push_back({is_special ? "" : std::string(model_.tokenizer().TokenBytes(tokens[t])),
                       t == 0 ? std::numeric_limits<double>::quiet_NaN()
                              : static_cast<double>((*logprobs)[i][t - 1]),
                       {}});
    }
    usage.prompt += static_cast<std::int64_t>(tokens.size());
  }
  return CompletionReplyJson(MakeHead("cmpl", now), choices, usage);
}

ApiResult<std::string> CompletionService::Embed(const EmbeddingBody& body,
                                                FunctionRef<bool()> is_wanted) {
  const auto inputs = AdmitInputs(body.model, body.inputs, "input");
  if (!inputs) return tl::unexpected(inputs.error());
  const auto ask = [&](std::span<const TokenId> tokens, LmPool::OnVector on_vector) {
    return model_.pool().Embed(tokens, std::move(on_vector));
  };
  auto vectors = AskOfEach(*inputs, ask, is_wanted);
  if (!vectors) return tl::unexpected(std::move(vectors.error()));
  std::int64_t prompt_tokens = 0;
  for (std::size_t i = 0; i < vectors->size(); ++i) {
    prompt_tokens += static_cast<std::int64_t>((*inputs)[i].size());
    ScaleToUnit((*vectors)[i]);  // as clients expect of embeddings
  }
  const auto width = static_cast<std::int64_t>(vectors->front().size());
  if (body.dimensions && *body.dimensions != width) {
    return tl::unexpected(
        BadRequest(fmt::format("dimensions: this model's embeddings have {}", width), "dimensions",
                   "unsupported_parameter"));
  }
  return EmbeddingsJson(options_.model_name, *vectors, body.is_base64, prompt_tokens);
}

std::string CompletionService::Models() const {
  return ModelsJson(options_.model_name, options_.created, model_.pool().model().context);
}

ApiResult<std::string> CompletionService::Model(std::string_view name) const {
  if (auto known = CheckModel(name); !known) return tl::unexpected(std::move(known.error()));
  return ModelJson(options_.model_name, options_.created, model_.pool().model().context);
}

std::string CompletionService::MetricsPage() const {
  ServerGauges gauges;
  gauges.running = admission_->running();
  gauges.waiting = admission_->waiting();
  gauges.worker_restarts = model_.pool().counts().restarts;
  return metrics_->Page(gauges);
}

}  // namespace arena
