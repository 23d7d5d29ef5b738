#include "lm/sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace arena::lm {
namespace {

using Sequences = std::vector<std::unique_ptr<Sequence>>;

constexpr std::int64_t kMaxAlternatives = 100;

Status CheckTokens(const std::vector<Token>& tokens, std::string_view what,
                   const ModelConfig& config) {
  for (const Token token : tokens) {
    if (token >= 0 && token < config.vocab_size) continue;
    return InvalidInput(fmt::format("{}: token {} is outside the vocabulary of {}", what, token,
                                    config.vocab_size));
  }
  return {};
}

Status CheckLength(std::size_t tokens, std::string_view what, const ModelConfig& config,
                   const KvCache& cache) {
  const auto count = static_cast<std::int64_t>(tokens);
  if (count > config.max_position_embeddings) {
    return InvalidInput(fmt::format("{} of {} tokens is longer than the context of {}", what, count,
                                    config.max_position_embeddings));
  }
  if (count > cache.capacity()) {
    return InvalidInput(
        fmt::format("{} of {} tokens does not fit the cache, which holds {}: raise cache_mb", what,
                    count, cache.capacity()));
  }
  return {};
}

Status CheckOptions(const GenerateRequest& request) {
  const SamplingOptions& options = request.sampling;
  const auto check = [](bool ok, std::string_view name, std::string_view range) -> Status {
    if (ok) return {};
    return InvalidInput(fmt::format("{} must be {}", name, range));
  };
  ARENA_RETURN_IF_ERROR(check(request.max_new_tokens >= 1, "max_new_tokens", "at least 1"));
  ARENA_RETURN_IF_ERROR(check(options.temperature >= 0 && options.temperature <= 1000,
                              "temperature", "from 0 to 1000"));
  ARENA_RETURN_IF_ERROR(check(options.top_k >= 0, "top_k", "0 (all) or more"));
  ARENA_RETURN_IF_ERROR(
      check(options.top_p > 0 && options.top_p <= 1, "top_p", "above 0 and at most 1"));
  ARENA_RETURN_IF_ERROR(check(options.min_p >= 0 && options.min_p <= 1, "min_p", "from 0 to 1"));
  ARENA_RETURN_IF_ERROR(
      check(options.repetition_penalty >= 0.01 && options.repetition_penalty <= 100,
            "repetition_penalty", "from 0.01 to 100"));
  const std::int64_t logprobs = request.logprobs.value_or(0);
  return check(logprobs >= 0 && logprobs <= kMaxAlternatives, "logprobs",
               fmt::format("from 0 to {}", kMaxAlternatives));
}

Result<std::unique_ptr<Sequence>> MakeSequence(GenerateRequest request, const ModelConfig& config,
                                               const KvCache& cache) {
  ARENA_RETURN_IF_ERROR(CheckOptions(request));
  if (request.prompt.empty())
    return InvalidInput("prompt is empty: the model needs a token to start");
  ARENA_RETURN_IF_ERROR(CheckTokens(request.prompt, "prompt", config));
  ARENA_RETURN_IF_ERROR(
      CheckLength(request.prompt.size() + 1, "prompt with one more", config, cache));
  auto sequence = std::make_unique<Sequence>();
  sequence->kind = Sequence::Kind::kGenerate;
  const auto room =
      config.max_position_embeddings - static_cast<std::int64_t>(request.prompt.size());
  sequence->max_tokens =
      request.prompt.size() + static_cast<std::size_t>(std::min(room, request.max_new_tokens));
  ARENA_RETURN_IF_ERROR(
      CheckLength(sequence->max_tokens, "prompt with max_new_tokens", config, cache));
  if (request.stop_tokens) {
    ARENA_RETURN_IF_ERROR(CheckTokens(*request.stop_tokens, "stop_tokens", config));
    sequence->stop_tokens = std::move(*request.stop_tokens);
  } else {
    for (const std::int64_t token : config.eos_ids) {
      sequence->stop_tokens.push_back(static_cast<Token>(token));
    }
  }
  sequence->sampler = Sampler(request.sampling, request.logprobs, request.prompt);
  sequence->id = std::move(request.id);
  sequence->prompt_size = request.prompt.size();
  sequence->tokens = std::move(request.prompt);
  sequence->wants_logprobs = request.logprobs.has_value();
  sequence->stream = request.stream;
  return sequence;
}

Result<Sequences> Make(GenerateRequest request, const ModelConfig& config, const KvCache& cache) {
  Sequences sequences(1);
  ARENA_ASSIGN_OR_RETURN(sequences[0], MakeSequence(std::move(request), config, cache));
  return sequences;
}

// The sequence of a request about a given answer: one to score or to reward.
template <typename AnswerRequest>
Result<Sequences> MakeOfAnswer(Sequence::Kind kind, AnswerRequest request,
                               const ModelConfig& config, const KvCache& cache) {
  if (request.prompt.empty())
    return InvalidInput("prompt is empty: the model needs a token to start");
  if (request.answer.empty()) return InvalidInput("answer is empty");
  ARENA_RETURN_IF_ERROR(CheckTokens(request.prompt, "prompt", config));
  ARENA_RETURN_IF_ERROR(CheckTokens(request.answer, "answer", config));
  ARENA_RETURN_IF_ERROR(CheckLength(request.prompt.size() + request.answer.size(),
                                    "prompt with answer", config, cache));
  Sequences sequences(1);
  sequences[0] = std::make_unique<Sequence>();
  Sequence& sequence = *sequences[0];
  sequence.kind = kind;
  sequence.id = std::move(request.id);
  sequence.prompt_size = request.prompt.size();
  sequence.tokens = std::move(request.prompt);
  sequence.tokens.insert(sequence.tokens.end(), request.answer.begin(), request.answer.end());
  return sequences;
}

Result<Sequences> Make(ScoreRequest request, const ModelConfig& config, const KvCache& cache) {
  return MakeOfAnswer(Sequence::Kind::kScore, std::move(request), config, cache);
}

Result<Sequences> Make(RewardRequest request, const ModelConfig& config, const KvCache& cache) {
  return MakeOfAnswer(Sequence::Kind::kReward, std::move(request), config, cache);
}

Result<Sequences> Make(EmbedRequest request, const ModelConfig& config, const KvCache& cache) {
  if (request.tokens.empty()) return InvalidInput("tokens is empty");
  ARENA_RETURN_IF_ERROR(CheckTokens(request.tokens, "tokens", config));
  ARENA_RETURN_IF_ERROR(CheckLength(request.tokens.size(), "tokens: a text", config, cache));
  Sequences sequences(1);
  sequences[0] = std::make_unique<Sequence>();
  sequences[0]->kind = Sequence::Kind::kEmbed;
  sequences[0]->id = std::move(request.id);
  sequences[0]->prompt_size = request.tokens.size();
  sequences[0]->tokens = std::move(request.tokens);
  return sequences;
}

Result<Sequences> Make(BatchRequest request, const ModelConfig& config, const KvCache& cache) {
  if (request.requests.empty()) return InvalidInput("requests is empty");
  auto unit = std::make_shared<Unit>();
  unit->result.id = request.id;
  unit->result.answers.resize(request.requests.size());
  unit->unfinished = request.requests.size();
  Sequences sequences;
  for (std::size_t i = 0; i < request.requests.size(); ++i) {
    auto sequence = MakeSequence(std::move(request.requests[i]), config, cache);
    if (!sequence.ok()) {
      return InvalidInput(fmt::format("requests[{}]: {}", i, sequence.error().message));
    }
    (*sequence)->unit = unit;
    (*sequence)->unit_index = i;
    (*sequence)->stream = false;
    sequences.push_back(std::move(*sequence));
  }
  return sequences;
}

}  // namespace

Result<Sequences> MakeSequences(Request request, const ModelConfig& config, const KvCache& cache) {
  const bool wants_reward = std::holds_alternative<RewardRequest>(request);
  if (config.has_language_head() && wants_reward) {
    return InvalidInput("this model is no reward model: it has no score head");
  }
  if (!config.has_language_head() && !wants_reward &&
      !std::holds_alternative<EmbedRequest>(request)) {
    return InvalidInput("this model is a reward model: it can only reward and embed");
  }
  return std::visit([&](auto& kind) { return Make(std::move(kind), config, cache); }, request);
}

Event ResultOf(Sequence& sequence) {
  if (!sequence.error.empty()) return ErrorEvent{sequence.id, sequence.error};
  switch (sequence.kind) {
    case Sequence::Kind::kScore:
      return ScoreResult{sequence.id, std::move(sequence.scores)};
    case Sequence::Kind::kReward:
      return RewardResult{sequence.id, sequence.reward};
    case Sequence::Kind::kEmbed: {
      EmbedResult result{sequence.id, {}};
      const auto count = static_cast<double>(sequence.tokens.size());
      for (const double sum : sequence.sum)
        result.vector.push_back(static_cast<float>(sum / count));
      return result;
    }
    case Sequence::Kind::kGenerate:
      break;
  }
  return GenerateResult{sequence.id, std::move(sequence.output), sequence.finish, ""};
}

}  // namespace arena::lm
