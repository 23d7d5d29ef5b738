#include "chat/internal/lm_lines.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "chat/internal/sampling_json.h"

namespace arena::lm_lines {
namespace {

constexpr int kProtocolVersion = 1;

Json BodyOf(const Generation& generation) {
  Json body = {{"prompt", generation.prompt}, {"max_new_tokens", generation.max_new_tokens}};
  AddSampling(generation.sampling, body);
  if (generation.stop_tokens) body["stop_tokens"] = *generation.stop_tokens;
  if (generation.logprobs) body["logprobs"] = *generation.logprobs;
  return body;
}

Json Request(std::string_view type, std::uint64_t id) {
  return {{"type", type}, {"id", std::to_string(id)}};
}

std::string OfAnswer(std::string_view type, std::uint64_t id, std::span<const TokenId> prompt,
                     std::span<const TokenId> answer) {
  Json line = Request(type, id);
  line["prompt"] = std::vector<TokenId>(prompt.begin(), prompt.end());
  line["answer"] = std::vector<TokenId>(answer.begin(), answer.end());
  return DumpJson(line);
}

// The functions below throw nlohmann's exceptions; Parse catches them.

GeneratedTokens TokensOf(const Json& line) {
  GeneratedTokens tokens;
  line.at("tokens").get_to(tokens.tokens);
  if (line.contains("logprobs")) line.at("logprobs").get_to(tokens.logprobs);
  if (line.contains("top")) {
    for (const Json& entries : line.at("top")) {
      std::vector<TokenLogprob>& alternatives = tokens.top.emplace_back();
      for (const Json& entry : entries) {
        alternatives.push_back({entry.at(0).get<TokenId>(), entry.at(1).get<float>()});
      }
    }
  }
  return tokens;
}

Result<GeneratedAnswer> AnswerOf(const Json& line) {
  if (line.at("type") == "error") return InvalidInput(line.at("message").get<std::string>());
  GeneratedAnswer answer;
  answer.tokens = TokensOf(line);
  const auto finish = line.at("finish").get<std::string>();
  if (finish == "length") {
    answer.end = GenerationEnd::kLength;
  } else if (finish == "cancelled") {
    answer.end = GenerationEnd::kCancelled;
  } else if (finish != "stop") {
    return InternalError(fmt::format("finish \"{}\" is not known", finish));
  }
  return answer;
}

std::uint64_t IdOf(const Json& line) {
  const auto text = line.value("id", std::string());
  std::uint64_t id = 0;
  std::from_chars(text.data(), text.data() + text.size(), id);
  return id;
}

Ready ReadyOf(const Json& line) {
  Ready ready;
  line.at("precision").get_to(ready.model.precision);
  line.at("context").get_to(ready.model.context);
  line.at("vocabulary").get_to(ready.model.vocabulary);
  line.at("parameters").get_to(ready.model.parameters);
  line.at("eos").get_to(ready.model.eos);
  return ready;
}

Result<Reply> ReplyOf(const Json& line) {
  const auto type = line.at("type").get<std::string>();
  if (type == "tokens") return Reply(More{IdOf(line), TokensOf(line)});
  if (type == "done") {
    ARENA_ASSIGN_OR_RETURN(GeneratedAnswer answer, AnswerOf(line));
    return Reply(Done{IdOf(line), std::move(answer)});
  }
  if (type == "scored") {
    return Reply(Numbers{IdOf(line), line.at("logprobs").get<std::vector<float>>()});
  }
  if (type == "rewarded") return Reply(Rewarded{IdOf(line), line.at("reward").get<double>()});
  if (type == "embedded") {
    return Reply(Numbers{IdOf(line), line.at("vector").get<std::vector<float>>()});
  }
  if (type == "batch_done") {
    BatchDone batch{IdOf(line), {}};
    for (const Json& answer : line.at("answers")) batch.answers.push_back(AnswerOf(answer));
    return Reply(std::move(batch));
  }
  if (type == "error") return Reply(Failed{IdOf(line), line.at("message").get<std::string>()});
  if (type == "stats") return Reply(Alive{});
  if (type == "ready") return Reply(ReadyOf(line));
  return InvalidInput(fmt::format("type \"{}\" is not known", type));
}

}  // namespace

std::string Hello(const LmPoolOptions& options) {
  return DumpJson(Json{{"type", "hello"},
                       {"protocol", kProtocolVersion},
                       {"model", options.model.string()},
                       {"precision", options.precision},
                       {"max_batch", options.max_batch},
                       {"cache_mb", options.cache_mb}});
}

std::string Generate(std::uint64_t id, const Generation& generation, bool stream) {
  Json line = Request("generate", id);
  line.update(BodyOf(generation));
  if (stream) line["stream"] = true;
  return DumpJson(line);
}

std::string Score(std::uint64_t id, std::span<const TokenId> prompt,
                  std::span<const TokenId> answer) {
  return OfAnswer("score", id, prompt, answer);
}

std::string Reward(std::uint64_t id, std::span<const TokenId> prompt,
                   std::span<const TokenId> answer) {
  return OfAnswer("reward", id, prompt, answer);
}

std::string Embed(std::uint64_t id, std::span<const TokenId> tokens) {
  Json line = Request("embed", id);
  line["tokens"] = std::vector<TokenId>(tokens.begin(), tokens.end());
  return DumpJson(line);
}

std::string Batch(std::uint64_t id, std::span<const Generation> generations) {
  Json line = Request("batch", id);
  line["requests"] = Json::array();
  for (const Generation& generation : generations) line["requests"].push_back(BodyOf(generation));
  return DumpJson(line);
}

std::string Cancel(std::uint64_t id) { return DumpJson(Request("cancel", id)); }

std::string Stats() { return R"({"type":"stats"})"; }

Result<Reply> Parse(std::string_view line) {
  ARENA_ASSIGN_OR_RETURN(const Json json, ParseJson(line));
  try {
    return ReplyOf(json);
  } catch (const Json::exception& error) {
    return InvalidInput(error.what());
  }
}

}  // namespace arena::lm_lines
