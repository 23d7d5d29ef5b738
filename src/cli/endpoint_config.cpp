#include "cli/endpoint_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

#include "cli/toml_table.h"

namespace arena {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 2> kTokenLimitFields = {"max_tokens",
                                                               "max_completion_tokens"};
constexpr double kMostSeconds = 30.0 * 86400;
constexpr std::int64_t kMostBatchRequests = 20'000;  // each waits in a thread

void ReadSeconds(TableReader& table, std::string_view key, milliseconds& out) {
  double seconds = static_cast<double>(out.count()) / 1000;
  table.Read(key, seconds);
  if (!(seconds > 0 && seconds <= kMostSeconds)) {
    return table.NoteKey(key, "must be more than 0 seconds and at most 30 days");
  }
  out = milliseconds(std::llround(seconds * 1000));
}

void ReadNotNegative(TableReader& table, std::string_view key, double& out) {
  table.Read(key, out);
  if (!(out >= 0) || !std::isfinite(out)) table.NoteKey(key, "must be at least 0");
}

void ReadCount(TableReader& table, std::string_view key, int& out) {
  std::int64_t count = out;
  table.ReadAtLeast(key, 1, count);
  out = static_cast<int>(std::min<std::int64_t>(count, std::numeric_limits<int>::max()));
}

void ReadLimits(TableReader& table, EndpointConfig& endpoint) {
  LaneOptions& limits = endpoint.limits;
  ReadCount(table, "max_in_flight", limits.max_in_flight);
  ReadNotNegative(table, "requests_per_minute", limits.requests_per_minute);
  ReadNotNegative(table, "tokens_per_minute", limits.tokens_per_minute);
  ReadCount(table, "attempts", limits.max_attempts);
  ReadCount(table, "refusals", limits.max_refusals);
  ReadSeconds(table, "first_backoff_s", limits.first_backoff);
  ReadSeconds(table, "longest_backoff_s", limits.longest_backoff);
  ReadSeconds(table, "longest_retry_after_s", limits.longest_retry_after);
  ReadCount(table, "quarantine_after", limits.quarantine_after);
  ReadSeconds(table, "quarantine_patience_s", limits.quarantine_patience);
  TransferLimits& transfers = endpoint.transfers;
  ReadSeconds(table, "connect_timeout_s", transfers.connect);
  ReadSeconds(table, "first_byte_timeout_s", transfers.first_byte);
  ReadSeconds(table, "idle_timeout_s", transfers.idle);
  ReadSeconds(table, "total_timeout_s", transfers.total);
  int most_mib = static_cast<int>(transfers.max_reply_bytes >> 20);
  ReadCount(table, "max_reply_mib", most_mib);
  transfers.max_reply_bytes = static_cast<std::size_t>(most_mib) << 20;
  table.Read("verify_tls", transfers.verify_tls);
  std::filesystem::path ca_file;
  table.ReadPath("ca_file", ca_file);
  if (!ca_file.empty()) transfers.ca_file = ca_file.string();
}

void ReadHeaders(TableReader& table, std::vector<HttpHeader>& headers) {
  std::map<std::string, std::string> named;
  table.Read("headers", named);
  if (!named.empty()) headers.clear();
  const auto has_break = [](const std::string& text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos;
  };
  for (const auto& [name, value] : named) {
    if (name.empty() || has_break(name) || has_break(value)) {
      table.NoteKey("headers", "must be names and values of one line");
    }
    headers.push_back({name, value});
  }
}

void ReadBody(TableReader& table, std::string& body) {
  const toml::table* members = table.Table("body");
  if (members == nullptr) return;
  std::ostringstream json;
  json << toml::json_formatter{*members};
  body = json.str();
}

void ReadModel(TableReader& table, EndpointConfig& endpoint) {
  EndpointOptions& model = endpoint.model;
  table.Read("base_url", model.base_url);
  table.Read("api_key_env", endpoint.api_key_env);
  std::string key;
  table.Read("api_key", key);
  if (!key.empty()) {
    table.NoteKey("api_key",
                  "must not stand in a file: name its environment variable in "
                  "api_key_env");
  }
  table.Read("api_key_header", model.api_key_header);
  table.Read("model", model.model);
  table.Read("version", model.version);
  table.Read("system_prompt", model.system_prompt);
  table.ReadIfSet("temperature", model.temperature);
  table.ReadIfSet("top_p", model.top_p);
  table.ReadIfSet("top_k", model.top_k);
  table.ReadIfSet("seed", model.seed);
  table.Read("stop", model.stop);
  table.ReadAtLeast("max_tokens", 0, model.max_tokens);
  table.ReadName("max_tokens_field", kTokenLimitFields, OneOf(kTokenLimitFields),
                 model.max_tokens_field);
  table.Read("keep_cut", model.keep_cut);
  table.Read("stream", model.stream);
  ReadBody(table, model.body);
  ReadHeaders(table, model.headers);
  ReadNotNegative(table, "input_usd_per_million", model.prices.input);
  ReadNotNegative(table, "output_usd_per_million", model.prices.output);
  table.ReadIfSet("cached_input_usd_per_million", model.prices.cached_input);
}

// What is between "://" and the next slash.
std::string_view HostOf(std::string_view url) {
  const auto begin = url.find("://");
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = url.substr(begin + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

void CheckUrl(TableReader& table, const std::string& url) {
  if (url.empty()) return;
  const bool is_http = url.starts_with("http://") || url.starts_with("https://");
  if (!is_http || HostOf(url).empty()) {
    return table.NoteKey("base_url", "must be an address as in \"http://127.0.0.1:8000/v1\"");
  }
  if (HostOf(url).find('@') != std::string_view::npos) {
    table.NoteKey("base_url", "must not have a user or password: name the key in api_key_env");
  }
}

void ReadBatches(TableReader& table, EndpointConfig& endpoint) {
  table.Read("batch", endpoint.batch);
  std::int64_t most = static_cast<std::int64_t>(endpoint.batches.most_requests);
  table.ReadAtLeast("batch_requests", 1, most);
  if (most > kMostBatchRequests) {
    table.NoteKey("batch_requests", fmt::format("must be at most {}", kMostBatchRequests));
  }
  endpoint.batches.most_requests = static_cast<std::size_t>(most);
  ReadSeconds(table, "batch_linger_s", endpoint.batches.linger);
  ReadSeconds(table, "batch_poll_s", endpoint.batches.poll);
}

void ReadEndpoint(TableReader& table, EndpointConfig& endpoint) {
  ReadModel(table, endpoint);
  ReadLimits(table, endpoint);
  ReadBatches(table, endpoint);
  CheckUrl(table, endpoint.model.base_url);
}

}  // namespace

bool IsEndpointKind(std::string_view kind) {
  return std::find(kEndpointKinds.begin(), kEndpointKinds.end(), kind) != kEndpointKinds.end();
}

void ReadEndpoints(TableReader& root, EndpointConfigs& endpoints) {
  const toml::table* all = root.Table("endpoint");
  if (all == nullptr) return;
  TableReader names = root.Inner(*all, "endpoint.");
  for (const std::string& name : names.Keys()) {
    const toml::table* one = names.Table(name);
    if (one == nullptr) continue;
    TableReader table = root.Inner(*one, fmt::format("endpoint.{}.", name));
    ReadEndpoint(table, endpoints[name]);
    table.Finish();
  }
}

EndpointConfig ReadEndpointModel(TableReader& table, std::string_view kind,
                                 const EndpointConfigs& endpoints, std::string_view owner) {
  EndpointConfig config;
  std::string name;
  table.Read("endpoint", name);
  if (const auto found = endpoints.find(name); found != endpoints.end()) {
    config = found->second;
  } else if (!name.empty()) {
    table.NoteKey("endpoint",
                  fmt::format("names \"{}\", and there is no [endpoint.{}]", name, name));
  }
  config.model.protocol = *ParseEndpointProtocol(kind);
  ReadEndpoint(table, config);
  if (config.model.stream && config.model.protocol != EndpointProtocol::kOpenAi) {
    table.NoteKey("stream", "is for the kind \"openai\"");
  }
  if (config.model.model.empty()) {
    table.Note(nullptr, fmt::format("{} needs model = \"NAME\", as the server calls it", owner));
  }
  config.model.base_url = EndpointUrl(config.model);
  if (config.batch && config.model.protocol == EndpointProtocol::kOllama) {
    table.NoteKey("batch", "is for the kinds \"openai\" and \"anthropic\"");
  }
  if (config.batch && config.model.stream) {
    table.NoteKey("stream", "has no place in a batch: leave it out");
  }
  config.model.answers_at_once =
      config.batch ? static_cast<int>(config.batches.most_requests) : config.limits.max_in_flight;
  config.limits.name = config.model.base_url;
  return config;
}

std::optional<TextEndpointConfig> ReadTextEndpoint(TableReader& table, std::string_view key,
                                                   const std::string& path,
                                                   const EndpointConfigs& endpoints) {
  const toml::table* const inner = table.Table(key);
  if (inner == nullptr) return std::nullopt;
  TableReader reader = table.Inner(*inner, path + ".");
  TextEndpointConfig config;
  config.endpoint = ReadEndpointModel(reader, "openai", endpoints, fmt::format("[{}]", path));
  config.endpoint.model.name = path;
  for (const char* name : {"batch", "stream"}) {
    if (reader.Has(name)) reader.NoteKey(name, "is for models that answer");
  }
  std::int64_t texts = static_cast<std::int64_t>(config.texts_in_request);
  reader.ReadAtLeast("texts_in_request", 1, texts);
  config.texts_in_request = static_cast<std::size_t>(std::min<std::int64_t>(texts, 2048));
  reader.Finish();
  return config;
}

}  // namespace arena
