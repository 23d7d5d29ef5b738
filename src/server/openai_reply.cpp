#include "server/openai_reply.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "text/style_counts.h"

namespace arena {
namespace {

static_assert(std::endian::native == std::endian::little, "embeddings are sent as little-endian");

// JSON has no infinity; the API writes this for "impossible".
constexpr double kLeastLogprob = -9999;

Json Shown(double logprob) {
  return std::isnan(logprob) ? Json() : Json(std::max(logprob, kLeastLogprob));
}

Json NullIfEmpty(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json Bytes(std::string_view bytes) {
  Json list = Json::array();
  for (const char c : bytes) list.push_back(static_cast<int>(static_cast<unsigned char>(c)));
  return list;
}

Json ChatToken(std::string_view bytes, double logprob) {
  return {{"token", bytes}, {"logprob", Shown(logprob)}, {"bytes", Bytes(bytes)}};
}

Json ChatLogprobs(const ReplyChoice& choice) {
  if (!choice.tokens) return Json();
  Json content = Json::array();
  for (const TokenInfo& token : *choice.tokens) {
    Json item = ChatToken(token.bytes, token.logprob);
    Json& top = item["top_logprobs"] = Json::array();
    for (const TokenAlternative& other : token.top) {
      top.push_back(ChatToken(other.bytes, other.logprob));
    }
    content.push_back(std::move(item));
  }
  return {{"content", std::move(content)}, {"refusal", nullptr}};
}

/// Keys of `top_logprobs` must differ, so parts of characters are spelled out.
std::string TokenKey(const std::string& bytes) {
  if (simdjson::validate_utf8(bytes)) return bytes;
  std::string key = "bytes:";
  for (const char c : bytes) key += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
  return key;
}

Json CompletionLogprobs(const ReplyChoice& choice) {
  if (!choice.tokens) return Json();
  Json tokens = Json::array(), logprobs = Json::array(), tops = Json::array();
  Json offsets = Json::array();
  std::int64_t offset = choice.text_offset;
  for (const TokenInfo& token : *choice.tokens) {
    tokens.push_back(TokenKey(token.bytes));
    logprobs.push_back(Shown(token.logprob));
    Json top = Json::object();
    for (const TokenAlternative& other : token.top) {
      top[TokenKey(other.bytes)] = Shown(other.logprob);
    }
    tops.push_back(std::move(top));
    offsets.push_back(offset);
    offset += CountCharacters(token.bytes);
  }
  return {{"tokens", std::move(tokens)},
          {"token_logprobs", std::move(logprobs)},
          {"top_logprobs", std::move(tops)},
          {"text_offset", std::move(offsets)}};
}

Json UsageJson(const TokenUsage& usage) {
  return {{"prompt_tokens", usage.prompt},
          {"completion_tokens", usage.completion},
          {"total_tokens", usage.prompt + usage.completion}};
}

Json Document(const ReplyHead& head, std::string_view object, Json choices) {
  return {{"id", head.id},
          {"object", object},
          {"created", head.created},
          {"model", head.model},
          {"system_fingerprint", head.fingerprint},
          {"choices", std::move(choices)}};
}

std::string Chunk(const ReplyHead& head, std::string_view object, Json choice, ChunkUsage usage) {
  Json document = Document(head, object, Json::array({std::move(choice)}));
  if (usage == ChunkUsage::kNull) document["usage"] = nullptr;
  return DumpJson(document);
}

std::string ChatChunk(const ReplyHead& head, const ReplyChoice& choice, Json delta,
                      ChunkUsage usage) {
  Json item = {{"index", choice.index},
               {"delta", std::move(delta)},
               {"logprobs", ChatLogprobs(choice)},
               {"finish_reason", NullIfEmpty(choice.finish)}};
  return Chunk(head, "chat.completion.chunk", std::move(item), usage);
}

Json CompletionChoice(const ReplyChoice& choice) {
  return {{"index", choice.index},
          {"text", choice.text},
          {"logprobs", CompletionLogprobs(choice)},
          {"finish_reason", NullIfEmpty(choice.finish)}};
}

Json Model(std::string_view name, std::int64_t created, std::int64_t context) {
  return {{"id", name},
          {"object", "model"},
          {"created", created},
          {"owned_by", "arena"},
          {"max_model_len", context}};
}

}  // namespace

std::string ErrorJson(const ApiError& error) {
  return DumpJson({{"error",
                    {{"message", error.message},
                     {"type", error.type},
                     {"param", NullIfEmpty(error.param)},
                     {"code", NullIfEmpty(error.code)}}}});
}

std::string ChatReplyJson(const ReplyHead& head, std::span<const ReplyChoice> choices,
                          const TokenUsage& usage) {
  Json list = Json::array();
  for (const ReplyChoice& choice : choices) {
    list.push_back(
        {{"index", choice.index},
         {"message", {{"role", "assistant"}, {"content", choice.text}, {"refusal", nullptr}}},
         {"logprobs", ChatLogprobs(choice)},
         {"finish_reason", choice.finish}});
  }
  Json document = Document(head, "chat.completion", std::move(list));
  document["usage"] = UsageJson(usage);
  return DumpJson(document);
}

std::string ChatFirstChunkJson(const ReplyHead& head, std::int64_t index, ChunkUsage usage) {
  ReplyChoice choice;
  choice.index = index;
  return ChatChunk(head, choice, {{"role", "assistant"}, {"content", ""}}, usage);
}

std::string ChatChunkJson(const ReplyHead& head, const ReplyChoice& choice, ChunkUsage usage) {
  const bool has_content = choice.finish.empty() || !choice.text.empty();
  Json delta = has_content ? Json{{"content", choice.text}} : Json::object();
  return ChatChunk(head, choice, std::move(delta), usage);
}

std::string CompletionReplyJson(const ReplyHead& head, std::span<const ReplyChoice> choices,
                                const TokenUsage& usage) {
  Json list = Json::array();
  for (const ReplyChoice& choice : choices) list.push_back(CompletionChoice(choice));
  Json document = Document(head, "text_completion", std::move(list));
  document["usage"] = UsageJson(usage);
  return DumpJson(document);
}

std::string CompletionChunkJson(const ReplyHead& head, const ReplyChoice& choice,
                                ChunkUsage usage) {
  return Chunk(head, "text_completion", CompletionChoice(choice), usage);
}

std::string UsageChunkJson(const ReplyHead& head, bool is_chat, const TokenUsage& usage) {
  Json document =
      Document(head, is_chat ? "chat.completion.chunk" : "text_completion", Json::array());
  document["usage"] = UsageJson(usage);
  return DumpJson(document);
}

std::string EmbeddingsJson(std::string_view model, const std::vector<std::vector<float>>& vectors,
                           bool is_base64, std::int64_t prompt_tokens) {
  Json data = Json::array();
  for (const std::vector<float>& vector : vectors) {
    Json item = {{"object", "embedding"}, {"index", data.size()}};
    if (is_base64) {
      item["embedding"] = Base64(
          {reinterpret_cast<const unsigned char*>(vector.data()), vector.size() * sizeof(float)});
    } else {
      item["embedding"] = vector;
    }
    data.push_back(std::move(item));
  }
  return DumpJson({{"object", "list"},
                   {"data", std::move(data)},
                   {"model", model},
                   {"usage", {{"prompt_tokens", prompt_tokens}, {"total_tokens", prompt_tokens}}}});
}

std::string ModelJson(std::string_view name, std::int64_t created, std::int64_t context) {
  return DumpJson(Model(name, created, context));
}

std::string ModelsJson(std::string_view name, std::int64_t created, std::int64_t context) {
  return DumpJson({{"object", "list"}, {"data", Json::array({Model(name, created, context)})}});
}

std::string Base64(std::span<const unsigned char> bytes) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < count ? bytes[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k) {
      text += k <= count ? kAlphabet[bits >> (18 - 6 * k) & 63] : '=';
    }
  }
  return text;
}

}  // namespace arena
