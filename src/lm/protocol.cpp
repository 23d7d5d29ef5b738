#include "lm/protocol.h"

#include <fmt/format.h>

#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"

namespace arena::lm {
namespace {

// Reads members of an object and afterwards says which of them it does not know.
class Members {
 public:
  explicit Members(const Json& object) : object_(object) {}

  const Json* Find(std::string_view name) {
    known_.push_back(name);
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  Result<const Json*> Require(std::string_view name) {
    const Json* value = Find(name);
    if (value == nullptr) return InvalidInput(fmt::format("\"{}\" is missing", name));
    return value;
  }
  Status CheckNoOthers() const {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(known_.begin(), known_.end(), name) == known_.end()) {
        return InvalidInput(fmt::format("\"{}\" is not known here", name));
      }
    }
    return {};
  }

 private:
  const Json& object_;
  std::vector<std::string_view> known_;
};

Error WrongType(std::string_view name, std::string_view wanted) {
  return InvalidInput(fmt::format("\"{}\" must be {}", name, wanted));
}

Result<std::string> AsText(const Json& value, std::string_view name) {
  if (!value.is_string()) return WrongType(name, "a string");
  return value.get<std::string>();
}

Result<std::int64_t> AsInteger(const Json& value, std::string_view name) {
  const bool too_large = value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{1}
                                                                                        << 62;
  if (!value.is_number_integer() || too_large) return WrongType(name, "a whole number");
  return value.get<std::int64_t>();
}

Result<std::vector<Token>> AsTokens(const Json& value, std::string_view name) {
  if (!value.is_array()) return WrongType(name, "a list of token ids");
  std::vector<Token> tokens;
  tokens.reserve(value.size());
  for (const Json& entry : value) {
    ARENA_ASSIGN_OR_RETURN(const std::int64_t token, AsInteger(entry, name));
    if (token < 0 || token > std::numeric_limits<Token>::max()) {
      return InvalidInput(fmt::format("\"{}\": {} is no token id", name, token));
    }
    tokens.push_back(static_cast<Token>(token));
  }
  return tokens;
}

// The functions below leave `out` alone where the member is missing.
Status ReadOptional(Members& members, std::string_view name, std::int64_t& out) {
  if (const Json* value = members.Find(name)) {
    ARENA_ASSIGN_OR_RETURN(out, AsInteger(*value, name));
  }
  return {};
}
Status ReadOptional(Members& members, std::string_view name, std::uint64_t& out) {
  const Json* value = members.Find(name);
  if (value == nullptr) return {};
  if (!value->is_number_integer() ||
      (!value->is_number_unsigned() && value->get<std::int64_t>() < 0)) {
    return WrongType(name, "a whole number from 0 to 2^64-1");
  }
  out = value->get<std::uint64_t>();
  return {};
}
Status ReadOptional(Members& members, std::string_view name, double& out) {
  const Json* value = members.Find(name);
  if (value == nullptr) return {};
  if (!value->is_number()) return WrongType(name, "a number");
  out = value->get<double>();
  return {};
}
Status ReadOptional(Members& members, std::string_view name, bool& out) {
  const Json* value = members.Find(name);
  if (value == nullptr) return {};
  if (!value->is_boolean()) return WrongType(name, "true or false");
  out = value->get<bool>();
  return {};
}
Status ReadOptional(Members& members, std::string_view name, std::string& out) {
  if (const Json* value = members.Find(name)) {
    ARENA_ASSIGN_OR_RETURN(out, AsText(*value, name));
  }
  return {};
}
Status ReadTokens(Members& members, std::string_view name, std::vector<Token>& out) {
  ARENA_ASSIGN_OR_RETURN(const Json* value, members.Require(name));
  ARENA_ASSIGN_OR_RETURN(out, AsTokens(*value, name));
  return {};
}

Result<HelloMessage> ParseHello(Members& members) {
  HelloMessage hello;
  ARENA_ASSIGN_OR_RETURN(const Json* protocol, members.Require("protocol"));
  ARENA_ASSIGN_OR_RETURN(const std::int64_t version, AsInteger(*protocol, "protocol"));
  if (version != kProtocolVersion) {
    return InvalidInput(
        fmt::format("protocol {} is not spoken here, only {}", version, kProtocolVersion));
  }
  ARENA_ASSIGN_OR_RETURN(const Json* model, members.Require("model"));
  ARENA_ASSIGN_OR_RETURN(hello.model, AsText(*model, "model"));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "precision", hello.precision));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "max_batch", hello.max_batch));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "cache_mb", hello.cache_mb));
  if (hello.precision != "auto" && hello.precision != "f32" && hello.precision != "bf16") {
    return InvalidInput("\"precision\" must be \"auto\", \"f32\" or \"bf16\"");
  }
  if (hello.max_batch < 1 || hello.max_batch > 4096) return WrongType("max_batch", "1 to 4096");
  if (hello.cache_mb < 1 || hello.cache_mb > 1 << 20) return WrongType("cache_mb", "1 to 1048576");
  return hello;
}

Result<GenerateRequest> ParseGenerate(Members& members) {
  GenerateRequest request;
  SamplingOptions& sampling = request.sampling;
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "id", request.id));
  ARENA_RETURN_IF_ERROR(ReadTokens(members, "prompt", request.prompt));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "max_new_tokens", request.max_new_tokens));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "temperature", sampling.temperature));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "top_k", sampling.top_k));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "top_p", sampling.top_p));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "min_p", sampling.min_p));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "repetition_penalty", sampling.repetition_penalty));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "seed", sampling.seed));
  ARENA_RETURN_IF_ERROR(ReadOptional(members, "stream", request.stream));
  if (const Json* stops = members.Find("stop_tokens")) {
    ARENA_ASSIGN_OR_RETURN(request.stop_tokens, AsTokens(*stops, "stop_tokens"));
  }
  if (const Json* logprobs = members.Find("logprobs")) {
    ARENA_ASSIGN_OR_RETURN(request.logprobs, AsInteger(*logprobs, "logprobs"));
  }
  return request;
}

// A ScoreRequest or a RewardRequest.
template <typename AnswerRequest>
Result<AnswerRequest> ParseAnswer(Members& members) {
  AnswerRequest request;
  ARENA_RETURN_IF_ERROR(ReadTokens(members, "prompt", request.prompt));
  ARENA_RETURN_IF_ERROR(ReadTokens(members, "answer", request.answer));
  return request;
}

Result<BatchRequest> ParseBatch(Members& members) {
  BatchRequest request;
  ARENA_ASSIGN_OR_RETURN(const Json* list, members.Require("requests"));
  if (!list->is_array()) return WrongType("requests", "a list of generate requests");
  for (const Json& body : *list) {
    const std::size_t index = request.requests.size();
    if (!body.is_object()) return InvalidInput(fmt::format("requests[{}] is no object", index));
    Members inner(body);
    inner.Find("type");  // may be repeated, as in a line of its own
    Result<GenerateRequest> generate = ParseGenerate(inner);
    Status known = inner.CheckNoOthers();
    if (generate.ok() && known.ok()) {
      request.requests.push_back(std::move(*generate));
      continue;
    }
    const Error& error = generate.ok() ? known.error() : generate.error();
    return InvalidInput(fmt::format("requests[{}]: {}", index, error.message));
  }
  return request;
}

// A request of the kind that `parse` reads, with the id that every line but a batch's parts needs.
template <typename Parse>
Result<Message> AsRequest(Members& members, const std::string& id, Parse parse) {
  if (id.empty()) return InvalidInput("\"id\" is missing or empty");
  ARENA_ASSIGN_OR_RETURN(auto request, parse(members));
  request.id = id;
  return Message(Request(std::move(request)));
}

Result<Message> ParseType(const std::string& type, const std::string& id, Members& members) {
  if (type == "hello") {
    ARENA_ASSIGN_OR_RETURN(HelloMessage hello, ParseHello(members));
    return Message(std::move(hello));
  }
  if (type == "generate") return AsRequest(members, id, ParseGenerate);
  if (type == "score") return AsRequest(members, id, ParseAnswer<ScoreRequest>);
  if (type == "reward") return AsRequest(members, id, ParseAnswer<RewardRequest>);
  if (type == "batch") return AsRequest(members, id, ParseBatch);
  if (type == "embed") {
    return AsRequest(members, id, [](Members& fields) -> Result<EmbedRequest> {
      EmbedRequest request;
      ARENA_RETURN_IF_ERROR(ReadTokens(fields, "tokens", request.tokens));
      return request;
    });
  }
  if (type == "cancel") {
    if (id.empty()) return InvalidInput("\"id\" is missing or empty");
    return Message(CancelMessage{id});
  }
  if (type == "stats") return Message(StatsMessage{});
  return InvalidInput(
      fmt::format("type \"{}\" is not known: hello, generate, score, reward, embed, "
                  "batch, cancel and stats are",
                  type));
}

Json TopJson(const std::vector<std::vector<TokenLogprob>>& top) {
  Json list = Json::array();
  for (const std::vector<TokenLogprob>& alternatives : top) {
    Json entries = Json::array();
    for (const TokenLogprob& entry : alternatives) {
      entries.push_back(Json::array({entry.token, entry.logprob}));
    }
    list.push_back(std::move(entries));
  }
  return list;
}

void AddTokens(const Tokens& tokens, Json& json) {
  json["tokens"] = tokens.tokens;
  if (tokens.logprobs.empty()) return;
  json["logprobs"] = tokens.logprobs;
  json["top"] = TopJson(tokens.top);
}

void AddAnswer(const GenerateResult& result, Json& json) {
  if (!result.id.empty()) json["id"] = result.id;
  if (!result.error.empty()) {
    json["message"] = result.error;
    return;
  }
  AddTokens(result.tokens, json);
  json["finish"] = FinishName(result.finish);
}

struct EventJson {
  Json operator()(const TokensEvent& event) const {
    Json json = {{"type", "tokens"}, {"id", event.id}};
    AddTokens(event.tokens, json);
    return json;
  }
  Json operator()(const GenerateResult& event) const {
    Json json = {{"type", "done"}};
    AddAnswer(event, json);
    return json;
  }
  Json operator()(const ScoreResult& event) const {
    return {{"type", "scored"}, {"id", event.id}, {"logprobs", event.logprobs}};
  }
  Json operator()(const RewardResult& event) const {
    return {{"type", "rewarded"}, {"id", event.id}, {"reward", event.reward}};
  }
  Json operator()(const EmbedResult& event) const {
    return {{"type", "embedded"}, {"id", event.id}, {"vector", event.vector}};
  }
  Json operator()(const BatchResult& event) const {
    Json answers = Json::array();
    for (const GenerateResult& answer : event.answers) {
      Json json = {{"type", answer.error.empty() ? "done" : "error"}};
      AddAnswer(answer, json);
      answers.push_back(std::move(json));
    }
    return {{"type", "batch_done"}, {"id", event.id}, {"answers", std::move(answers)}};
  }
  Json operator()(const ErrorEvent& event) const {
    return {{"type", "error"}, {"id", event.id}, {"message", event.message}};
  }
};

}  // namespace

std::string_view FinishName(Finish finish) {
  switch (finish) {
    case Finish::kStop:
      return "stop";
    case Finish::kLength:
      return "length";
    case Finish::kCancelled:
      return "cancelled";
  }
  return "";
}

std::variant<Message, BadLine> ParseMessage(std::string_view line) {
  const Result<Json> json = ParseJson(line);
  if (!json.ok()) return BadLine{"", "the line is not JSON: " + json.error().message};
  if (!json->is_object()) return BadLine{"", "the line is no JSON object"};
  Members members(*json);
  std::string id;
  Status id_status = ReadOptional(members, "id", id);
  if (!id_status.ok()) return BadLine{"", id_status.error().message};
  std::string type;
  Status type_status = ReadOptional(members, "type", type);
  if (!type_status.ok()) return BadLine{id, type_status.error().message};
  if (type.empty()) return BadLine{id, "\"type\" is missing"};
  Result<Message> message = ParseType(type, id, members);
  if (!message.ok()) return BadLine{id, message.error().message};
  if (Status others = members.CheckNoOthers(); !others.ok()) {
    return BadLine{id, fmt::format("{}: {}", type, others.error().message)};
  }
  return std::move(*message);
}

std::string ReadyLine(const Ready& ready) {
  return DumpJson(Json{{"type", "ready"},
                       {"protocol", kProtocolVersion},
                       {"precision", ready.precision},
                       {"kernels", ready.kernels},
                       {"context", ready.context},
                       {"vocabulary", ready.vocabulary},
                       {"eos", ready.eos},
                       {"parameters", ready.parameters},
                       {"weight_bytes", ready.weight_bytes}});
}

std::string EventLine(const Event& event) { return DumpJson(std::visit(EventJson{}, event)); }

std::string StatsLine(const SchedulerStats& stats) {
  return DumpJson(Json{{"type", "stats"},
                       {"running", stats.running},
                       {"waiting", stats.waiting},
                       {"finished", stats.finished},
                       {"prompt_tokens", stats.prompt_tokens},
                       {"generated_tokens", stats.generated_tokens},
                       {"steps", stats.steps},
                       {"preemptions", stats.preemptions},
                       {"cache_blocks", stats.cache_blocks},
                       {"free_cache_blocks", stats.free_cache_blocks}});
}

std::string ErrorLine(std::string_view id, std::string_view message) {
  Json json = {{"type", "error"}};
  if (!id.empty()) json["id"] = id;
  json["message"] = message;
  return DumpJson(json);
}

}  // namespace arena::lm
