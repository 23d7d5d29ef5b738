#include "chat/internal/text_calls.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "base/parallel.h"
#include "base/trim.h"
#include "chat/internal/chat_protocol.h"
#include "core/contestant.h"

namespace arena {
namespace {

constexpr std::size_t kTextTokens = 16;  // what servers add to a text, at most

// Statuses by which servers refuse a request for what it holds, such as a text that is too long.
bool BlamesText(const CallResult& result) {
  constexpr int kBadRequest = 400, kTooLarge = 413, kUnprocessable = 422;
  const int status = result.reply.status;
  return result.end == CallEnd::kFailed &&
         (status == kBadRequest || status == kTooLarge || status == kUnprocessable);
}

std::string BehaviourOf(const EndpointOptions& options, const std::string& path) {
  Json json = EndpointBehaviour(options);
  json["api"] = path;
  return DumpJson(json);
}

}  // namespace

TextCalls::TextCalls(TextEndpoint endpoint, Api api)
    : endpoint_(std::move(endpoint)),
      api_(std::move(api)),
      behaviour_(BehaviourOf(endpoint_.options, api_.path)) {}

std::size_t TextCalls::texts_at_once() const {
  return endpoint_.texts_in_request *
         static_cast<std::size_t>(std::max(1, endpoint_.options.answers_at_once));
}

TextCallCounts TextCalls::counts() const { return {asked_, kept_, tokens_, cost_usd_}; }

HttpCall TextCalls::CallFor(std::span<const Missing> missing) const {
  const EndpointOptions& options = endpoint_.options;
  Json body = api_.more;
  body["model"] = options.model;
  Json& texts = body[api_.texts_field] = Json::array();
  std::size_t bytes = 0;
  for (const Missing& one : missing) {
    texts.push_back(one.text);
    bytes += one.text.size();
  }
  HttpCall call;
  call.request = MakeTextRequest(options, api_.path, std::move(body));
  call.needs.tokens = static_cast<std::int64_t>(bytes) / kBytesPerToken + 1;
  call.needs.worst_cost_usd = static_cast<double>(bytes + kTextTokens * missing.size()) *
                              options.prices.input / kTokensPerPrice;
  return call;
}

// Asks once, and keeps the values. kInvalidInput: the server refuses what the request holds.
Status TextCalls::AskOnce(std::span<Missing> missing) const {
  std::vector<std::string> values;
  HttpCall call = CallFor(missing);
  const double price = endpoint_.options.prices.input / kTokensPerPrice;
  call.inspect = [&](const HttpReply& reply) {
    ReplyFinding finding;
    const auto json = ParseJson(reply.body);
    auto read = json.ok() ? api_.read(*json, missing.size())
                          : Result<std::vector<std::string>>(json.error());
    if (!read.ok()) {
      finding.problem = read.error().message;
      return finding;
    }
    values = std::move(*read);
    const Json& usage = ObjectAt(*json, "usage");
    const std::int64_t said = CountAt(usage, "prompt_tokens");
    const std::int64_t tokens = said > 0 ? said : CountAt(usage, "total_tokens");
    finding.use = {tokens > 0 ? tokens : call.needs.tokens,
                   tokens > 0 ? static_cast<double>(tokens) * price : call.needs.worst_cost_usd};
    tokens_ += tokens;
    cost_usd_ += finding.use.cost_usd;
    return finding;
  };
  const CallResult result = endpoint_.client.Call(endpoint_.id, call);
  cost_usd_ += result.undelivered * call.needs.worst_cost_usd;
  if (result.end == CallEnd::kCancelled || result.end == CallEnd::kOverBudget) {
    return Cancelled(result.error);
  }
  if (result.end != CallEnd::kDone) {
    return Error{
        BlamesText(result) ? ErrorCode::kInvalidInput : ErrorCode::kUnavailable,
        WithoutKey(fmt::format("{}{}: {}", EndpointUrl(endpoint_.options), api_.path, result.error),
                   endpoint_.options)};
  }
  std::vector<KeyLog::Entry> entries;
  for (std::size_t i = 0; i < missing.size(); ++i) {
    entries.push_back({missing[i].key, values[i]});
    missing[i].value = std::move(values[i]);
  }
  asked_ += static_cast<std::int64_t>(missing.size());
  return endpoint_.kept.Add(entries);
}

// A request that is refused for what it holds is halved until the text is found.
Status TextCalls::AskFor(std::span<Missing> missing) const {
  Status status = AskOnce(missing);
  if (status.ok() || status.error().code != ErrorCode::kInvalidInput) return status;
  if (missing.size() == 1) {
    if (api_.skips_refused) return {};
    return InvalidInput(fmt::format("the text that begins \"{}\" ({} bytes) is refused: {}",
                                    BeginningOf(missing[0].text), missing[0].text.size(),
                                    status.error().message));
  }
  ARENA_RETURN_IF_ERROR(AskFor(missing.first(missing.size() / 2)));
  return AskFor(missing.subspan(missing.size() / 2));
}

Result<std::vector<std::string>> TextCalls::Ask(std::span<const std::string_view> texts) const {
  std::vector<Key> keys;
  std::vector<Missing> missing;
  std::unordered_map<Key, std::string, KeyHash> values;
  for (const std::string_view text : texts) {
    // What is blank has the empty value; most servers refuse it.
    if (TrimSpace(text).empty()) {
      keys.push_back(Key{});
      values[Key{}];
      continue;
    }
    keys.push_back(KeyBuilder("text").Add(behaviour_).Add(text).Build());
    const auto [entry, is_new] = values.try_emplace(keys.back());
    if (!is_new) continue;
    ARENA_ASSIGN_OR_RETURN(auto kept, endpoint_.kept.Find(keys.back()));
    if (kept) {
      entry->second = *std::move(kept);
      ++kept_;
    } else {
      missing.push_back({keys.back(), text});
    }
  }
  const std::size_t parts =
      (missing.size() + endpoint_.texts_in_request - 1) / endpoint_.texts_in_request;
  std::mutex mutex;
  Status first_error;
  std::atomic<bool> has_failed = false;
  ParallelFor(parts, static_cast<unsigned>(std::max(1, endpoint_.options.answers_at_once)),
              [&](std::size_t part) {
                if (has_failed) return;
                const std::size_t begin = part * endpoint_.texts_in_request;
                const std::size_t count =
                    std::min(endpoint_.texts_in_request, missing.size() - begin);
                Status status = AskFor(std::span(missing).subspan(begin, count));
                if (status.ok()) return;
                const std::lock_guard lock(mutex);
                if (!has_failed.exchange(true)) first_error = std::move(status);
              });
  if (has_failed) return first_error.error();
  for (Missing& one : missing) values[one.key] = std::move(one.value);
  std::vector<std::string> all;
  all.reserve(keys.size());
  for (const Key& key : keys) all.push_back(values.at(key));
  return all;
}

}  // namespace arena
