#include "server/openai_request.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "server/internal/json_value.h"

namespace arena {
namespace {

using json_value::Field;
using json_value::Problem;
using json_value::ReadBool;
using json_value::ReadInteger;
using json_value::ReadNumber;
using json_value::ReadText;
using json_value::ReadTexts;
using json_value::Value;
using json_value::WrongType;

constexpr std::int64_t kMaxTokens = std::int64_t{1} << 32;

ApiError Unsupported(std::string_view field, std::string_view why) {
  return BadRequest(fmt::format("{}: {}", field, why), std::string(field), "unsupported_parameter");
}

/// Who asked, and how it is billed and logged elsewhere: nothing that reaches the model.
bool IsWithoutEffect(std::string_view field) {
  constexpr std::array<std::string_view, 8> kFields = {"user",
                                                       "metadata",
                                                       "store",
                                                       "service_tier",
                                                       "prediction",
                                                       "safety_identifier",
                                                       "prompt_cache_key",
                                                       "parallel_tool_calls"};
  return std::find(kFields.begin(), kFields.end(), field) != kFields.end();
}

bool IsEmpty(Value value) {
  simdjson::dom::array list;
  simdjson::dom::object object;
  if (value.get(list) == simdjson::SUCCESS) return list.size() == 0;
  if (value.get(object) == simdjson::SUCCESS) return object.size() == 0;
  return false;
}

bool IsText(Value value, std::string_view text) {
  std::string_view is;
  return value.get(is) == simdjson::SUCCESS && is == text;
}

bool IsZero(Value value) {
  double number = 1;
  return value.is_number() && value.get(number) == simdjson::SUCCESS && number == 0;
}

/// A field that no table has. Values that ask for nothing are passed over.
Problem ReadOther(std::string_view field, Value value) {
  if (IsWithoutEffect(field)) return std::nullopt;
  if (field == "tools" || field == "functions" || field == "logit_bias") {
    if (IsEmpty(value)) return std::nullopt;
    return Unsupported(field, "not supported by this server");
  }
  if (field == "tool_choice" || field == "function_call") {
    if (IsText(value, "none") || IsText(value, "auto")) return std::nullopt;
    return Unsupported(field, "tools are not supported by this server");
  }
  if (field == "frequency_penalty" || field == "presence_penalty") {
    if (IsZero(value)) return std::nullopt;
    return Unsupported(field, "not supported by this server; repetition_penalty is");
  }
  if (field == "response_format") {
    if (simdjson::dom::element type; value["type"].get(type) == simdjson::SUCCESS) {
      if (IsText(type, "text")) return std::nullopt;
    }
    return Unsupported(field, "only {\"type\":\"text\"} is supported by this server");
  }
  if (field == "modalities") {
    simdjson::dom::array list;
    if (value.get(list) == simdjson::SUCCESS && list.size() == 1 && IsText(list.at(0), "text")) {
      return std::nullopt;
    }
    return Unsupported(field, "only [\"text\"] is supported by this server");
  }
  return Unsupported(field, "this server does not know this field");
}

// Fields of both kinds of completions.

Problem ReadStop(CompletionSettings& body, Value value) {
  if (Problem problem = ReadTexts(value, "stop", kMaxStopStrings, body.stop)) return problem;
  for (const std::string& stop : body.stop) {
    if (stop.empty() || stop.size() > kMaxStopBytes) {
      return BadRequest(fmt::format("stop: each string must have 1 to {} bytes", kMaxStopBytes),
                        "stop", "invalid_value");
    }
  }
  return std::nullopt;
}

Problem ReadSeed(CompletionSettings& body, Value value) {
  body.has_seed = true;
  if (value.get(body.sampling.seed) == simdjson::SUCCESS) return std::nullopt;
  std::int64_t number = 0;
  constexpr auto kLimits = std::numeric_limits<std::int64_t>();
  if (Problem problem = ReadInteger(value, "seed", kLimits.min(), kLimits.max(), number)) {
    return problem;
  }
  body.sampling.seed = static_cast<std::uint64_t>(number);
  return std::nullopt;
}

Problem ReadTopK(CompletionSettings& body, Value value) {
  std::int64_t& top_k = body.sampling.top_k;
  if (Problem problem = ReadInteger(value, "top_k", -1, kMaxTokens, top_k)) return problem;
  top_k = std::max<std::int64_t>(top_k, 0);  // other servers write -1 for all
  return std::nullopt;
}

Problem ReadPenalty(CompletionSettings& body, Value value) {
  double& penalty = body.sampling.repetition_penalty;
  return ReadNumber(value, "repetition_penalty", 0.01, 100, penalty);
}

Problem ReadTopP(CompletionSettings& body, Value value) {
  double& top_p = body.sampling.top_p;
  if (Problem problem = ReadNumber(value, "top_p", 0, 1, top_p)) return problem;
  // 0 means "only the most likely token" to OpenAI's clients.
  top_p = std::max(top_p, 1e-9);
  return std::nullopt;
}

Problem ReadStreamOptions(CompletionSettings& body, Value value) {
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return WrongType("stream_options", "an object");
  static constexpr Field<CompletionSettings> kFields[] = {
      {"include_usage",
       [](CompletionSettings& b, Value v) {
         return ReadBool(v, "stream_options.include_usage", b.include_usage);
       }},
      {"include_obfuscation",  // padding against eavesdroppers, which we never send
       [](CompletionSettings&, Value) -> Problem { return std::nullopt; }},
  };
  return json_value::ReadObject(object, kFields, body, [](std::string_view name, Value) -> Problem {
    return Unsupported(fmt::format("stream_options.{}", name),
                       "this server does not know this field");
  });
}

/// `max_tokens` and its younger name.
template <typename Body, int kLeast = 1>
constexpr Field<Body> MaxTokensField(std::string_view name) {
  return {name, [](Body& body, Value value) {
            return ReadInteger(value, "max_tokens", kLeast, kMaxTokens, body.max_tokens);
          }};
}

constexpr Field<CompletionSettings> kSettings[] = {
    {"model", [](CompletionSettings& b, Value v) { return ReadText(v, "model", b.model); }},
    {"n", [](CompletionSettings& b, Value v) { return ReadInteger(v, "n", 1, kMaxChoices, b.n); }},
    MaxTokensField<CompletionSettings>("max_tokens"),
    {"temperature",
     [](CompletionSettings& b, Value v) {
       return ReadNumber(v, "temperature", 0, 2, b.sampling.temperature);
     }},
    {"top_p", ReadTopP},
    {"top_k", ReadTopK},
    {"min_p",
     [](CompletionSettings& b, Value v) { return ReadNumber(v, "min_p", 0, 1, b.sampling.min_p); }},
    {"repetition_penalty", ReadPenalty},
    {"seed", ReadSeed},
    {"stop", ReadStop},
    {"stream", [](CompletionSettings& b, Value v) { return ReadBool(v, "stream", b.stream); }},
    {"stream_options", ReadStreamOptions},
};

Problem ReadSetting(CompletionSettings& body, std::string_view name, Value value) {
  for (const auto& field : kSettings) {
    if (field.name == name) return field.read(body, value);
  }
  return ReadOther(name, value);
}

// Chat.

/// A text, or a list of parts that are all texts.
Problem ReadContent(Value value, const std::string& where, std::string& out) {
  if (value.is_string()) return ReadText(value, where, out);
  simdjson::dom::array parts;
  if (value.get(parts) != simdjson::SUCCESS) {
    return WrongType(where, "a string or a list of text parts");
  }
  for (const Value part : parts) {
    std::string_view type, text;
    if (part["type"].get(type) != simdjson::SUCCESS) return WrongType(where, "parts with a type");
    if (type != "text") {
      return Unsupported(where, "only parts of type \"text\" are supported by this server");
    }
    if (part["text"].get(text) != simdjson::SUCCESS) return WrongType(where, "parts with a text");
    out += text;
  }
  return std::nullopt;
}

Problem ReadMessage(Value value, std::size_t index, Message& message) {
  const std::string where = fmt::format("messages[{}]", index);
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return WrongType(where, "an object");
  bool has_role = false;
  bool has_content = false;
  for (const auto [name, member] : object) {
    if (member.is_null() || ((name == "tool_calls" || name == "annotations") && IsEmpty(member))) {
      continue;
    }
    const std::string path = fmt::format("{}.{}", where, name);
    if (name == "role") {
      std::string role;
      if (Problem problem = ReadText(member, path, role)) return problem;
      const auto known = ParseRole(role == "developer" ? "system" : role);
      if (!known) {
        return BadRequest(fmt::format("{}: expected system, developer, user or assistant", path),
                          path, "invalid_value");
      }
      message.role = *known;
      has_role = true;
    } else if (name == "content") {
      message.content.clear();
      if (Problem problem = ReadContent(member, path, message.content)) return problem;
      has_content = true;
    } else {
      return Unsupported(path, "this server does not know this field");
    }
  }
  if (!has_role) return WrongType(where + ".role", "a string");
  if (!has_content) return WrongType(where + ".content", "a string or a list of text parts");
  return std::nullopt;
}

Problem ReadMessages(ChatBody& body, Value value) {
  simdjson::dom::array list;
  if (value.get(list) != simdjson::SUCCESS) return WrongType("messages", "a list of messages");
  body.messages.clear();
  for (const Value item : list) {
    const std::size_t index = body.messages.size();
    if (Problem problem = ReadMessage(item, index, body.messages.emplace_back())) return problem;
  }
  return std::nullopt;
}

Problem ReadTemplateVariables(ChatBody& body, Value value) {
  constexpr std::string_view kName = "chat_template_kwargs";
  simdjson::dom::object object;
  if (value.get(object) != simdjson::SUCCESS) return WrongType(kName, "an object");
  for (const auto [name, member] : object) {
    auto& variable = body.template_variables[std::string(name)];
    bool truth = false;
    std::int64_t number = 0;
    std::string_view text;
    if (member.get(truth) == simdjson::SUCCESS) {
      variable = truth;
    } else if (member.get(number) == simdjson::SUCCESS) {
      variable = number;
    } else if (member.get(text) == simdjson::SUCCESS) {
      variable = std::string(text);
    } else {
      return WrongType(fmt::format("{}.{}", kName, name), "a string, a whole number or a boolean");
    }
  }
  return std::nullopt;
}

/// `logprobs` switches, `top_logprobs` counts: in any order.
struct ChatParse : ChatBody {
  bool wants_logprobs = false;
  std::int64_t top_logprobs = -1;
};

constexpr Field<ChatParse> kChatFields[] = {
    {"messages", [](ChatParse& b, Value v) { return ReadMessages(b, v); }},
    {"chat_template_kwargs", [](ChatParse& b, Value v) { return ReadTemplateVariables(b, v); }},
    {"logprobs", [](ChatParse& b, Value v) { return ReadBool(v, "logprobs", b.wants_logprobs); }},
    {"top_logprobs",
     [](ChatParse& b, Value v) {
       return ReadInteger(v, "top_logprobs", 0, kMaxTopLogprobs, b.top_logprobs);
     }},
    MaxTokensField<ChatParse>("max_completion_tokens"),
};

// Completions.

constexpr Field<CompletionBody> kCompletionFields[] = {
    {"prompt",
     [](CompletionBody& b, Value v) { return ReadTexts(v, "prompt", kMaxInputs, b.prompts); }},
    {"logprobs",
     [](CompletionBody& b, Value v) {
       return ReadInteger(v, "logprobs", 0, kMaxTopLogprobs, b.logprobs.emplace());
     }},
    MaxTokensField<CompletionBody, 0>("max_tokens"),
    {"echo", [](CompletionBody& b, Value v) { return ReadBool(v, "echo", b.echo); }},
    {"suffix",
     [](CompletionBody&, Value v) -> Problem {
       if (IsText(v, "")) return std::nullopt;
       return Unsupported("suffix", "not supported by this server");
     }},
    {"best_of",
     [](CompletionBody&, Value v) -> Problem {
       std::int64_t best_of = 0;
       if (Problem problem = ReadInteger(v, "best_of", 1, 1, best_of)) {
         return Unsupported("best_of", "only 1 is supported by this server");
       }
       return std::nullopt;
     }},
};
constexpr std::int64_t kDefaultCompletionTokens = 16;  // as OpenAI's

// Embeddings.

Problem ReadEncoding(EmbeddingBody& body, Value value) {
  std::string name;
  if (Problem problem = ReadText(value, "encoding_format", name)) return problem;
  if (name != "float" && name != "base64") {
    return BadRequest("encoding_format: expected float or base64", "encoding_format",
                      "invalid_value");
  }
  body.is_base64 = name == "base64";
  return std::nullopt;
}

constexpr Field<EmbeddingBody> kEmbeddingFields[] = {
    {"model", [](EmbeddingBody& b, Value v) { return ReadText(v, "model", b.model); }},
    {"input",
     [](EmbeddingBody& b, Value v) { return ReadTexts(v, "input", kMaxInputs, b.inputs); }},
    {"encoding_format", ReadEncoding},
    {"dimensions",
     [](EmbeddingBody& b, Value v) {
       return ReadInteger(v, "dimensions", 1, kMaxTokens, b.dimensions.emplace());
     }},
};

/// Parses the document and hands its outermost object to `read`.
template <typename Read>
Problem ParseObject(std::string_view json, Read read) {
  simdjson::dom::parser parser;
  simdjson::dom::element document;
  // The parser reads beyond the end, so it gets a padded copy.
  const auto error = parser.parse(json.data(), json.size()).get(document);
  if (error != simdjson::SUCCESS) {
    return BadRequest(fmt::format("the body is not valid JSON: {}", simdjson::error_message(error)),
                      "", "invalid_json");
  }
  simdjson::dom::object object;
  if (document.get(object) != simdjson::SUCCESS) {
    return BadRequest("the body must be a JSON object", "", "invalid_json");
  }
  return read(object);
}

Problem Missing(std::string_view field) {
  return BadRequest(fmt::format("{}: missing", field), std::string(field),
                    "missing_required_parameter");
}

Problem CheckSettings(const CompletionSettings& body) {
  if (body.include_usage && !body.stream) {
    return BadRequest("stream_options: only with stream", "stream_options", "invalid_value");
  }
  return std::nullopt;
}

/// Echo is for prompts whose log-probabilities are asked for, and for nothing else.
Problem CheckEcho(const CompletionBody& body) {
  if (!body.echo && body.max_tokens > 0) return std::nullopt;
  if (!body.echo) {
    return BadRequest("max_tokens: 0 is only for echo", "max_tokens", "invalid_value");
  }
  const bool is_plain = body.n == 1 && !body.stream && body.stop.empty();
  if (is_plain && body.max_tokens == 0 && body.logprobs && *body.logprobs <= 1) {
    return std::nullopt;
  }
  return Unsupported("echo",
                     "only with max_tokens 0, logprobs 0 or 1, and without n, stop, stream");
}

}  // namespace

ApiResult<ChatBody> ParseChatBody(std::string_view json) {
  ChatParse body;
  body.sampling.temperature = 1;
  Problem problem = ParseObject(json, [&body](simdjson::dom::object object) {
    return json_value::ReadObject(
        object, kChatFields, body,
        [&body](std::string_view name, Value value) { return ReadSetting(body, name, value); });
  });
  if (!problem && body.messages.empty()) problem = Missing("messages");
  if (!problem && body.top_logprobs >= 0 && !body.wants_logprobs) {
    problem = BadRequest("top_logprobs: only with logprobs", "top_logprobs", "invalid_value");
  }
  if (!problem) problem = CheckSettings(body);
  if (problem) return tl::unexpected(std::move(*problem));
  if (body.wants_logprobs) body.logprobs = std::max<std::int64_t>(body.top_logprobs, 0);
  return ChatBody(std::move(body));
}

ApiResult<CompletionBody> ParseCompletionBody(std::string_view json) {
  CompletionBody body;
  body.sampling.temperature = 1;
  body.max_tokens = kDefaultCompletionTokens;
  Problem problem = ParseObject(json, [&body](simdjson::dom::object object) {
    return json_value::ReadObject(
        object, kCompletionFields, body,
        [&body](std::string_view name, Value value) { return ReadSetting(body, name, value); });
  });
  if (!problem && body.prompts.empty()) problem = Missing("prompt");
  if (!problem) problem = CheckSettings(body);
  if (!problem) problem = CheckEcho(body);
  if (problem) return tl::unexpected(std::move(*problem));
  return body;
}

ApiResult<EmbeddingBody> ParseEmbeddingBody(std::string_view json) {
  EmbeddingBody body;
  Problem problem = ParseObject(json, [&body](simdjson::dom::object object) {
    return json_value::ReadObject(object, kEmbeddingFields, body, ReadOther);
  });
  if (!problem && body.inputs.empty()) problem = Missing("input");
  if (problem) return tl::unexpected(std::move(*problem));
  return body;
}

}  // namespace arena
