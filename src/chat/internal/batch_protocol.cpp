#include "chat/internal/batch_protocol.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/hash.h"
#include "chat/internal/chat_protocol.h"

namespace arena {
namespace {

bool IsOpenAi(EndpointProtocol protocol) { return protocol == EndpointProtocol::kOpenAi; }

HttpRequest PostJson(std::string url, const Json& body) {
  HttpRequest request;
  request.url = std::move(url);
  request.headers.push_back({"Content-Type", "application/json"});
  request.body = DumpJson(body);
  return request;
}

Json BodyOf(const BatchItem& item) {
  auto body = ParseJson(item.body);
  return body.ok() ? std::move(*body) : Json::object();
}

// One form field after the other, as multipart/form-data has them.
std::string FormField(const std::string& boundary, const std::string& disposition,
                      const std::string& content) {
  return fmt::format("--{}\r\nContent-Disposition: form-data; {}\r\n\r\n{}\r\n", boundary,
                     disposition, content);
}

}  // namespace

std::optional<HttpRequest> BatchApi::Upload(const std::vector<BatchItem>& items) const {
  if (!IsOpenAi(protocol_)) return std::nullopt;
  std::string lines;
  for (const BatchItem& item : items) {
    lines += DumpJson({{"custom_id", item.id},
                       {"method", "POST"},
                       {"url", "/v1/chat/completions"},
                       {"body", BodyOf(item)}}) +
             "\n";
  }
  const std::string boundary = "arena-" + HashBytes(lines).Hex();
  HttpRequest request;
  request.url = base_url_ + "/files";
  request.headers.push_back({"Content-Type", "multipart/form-data; boundary=" + boundary});
  request.body = FormField(boundary, "name=\"purpose\"", "batch") +
                 FormField(boundary, "name=\"file\"; filename=\"batch.jsonl\"", lines) +
                 fmt::format("--{}--\r\n", boundary);
  return request;
}

HttpRequest BatchApi::Create(const std::vector<BatchItem>& items, const std::string& file,
                             const std::string& mark) const {
  if (IsOpenAi(protocol_)) {
    return PostJson(base_url_ + "/batches", {{"input_file_id", file},
                                             {"endpoint", "/v1/chat/completions"},
                                             {"completion_window", "24h"},
                                             {"metadata", {{"arena", mark}}}});
  }
  Json requests = Json::array();
  for (const BatchItem& item : items) {
    requests.push_back({{"custom_id", item.id}, {"params", BodyOf(item)}});
  }
  return PostJson(base_url_ + "/v1/messages/batches", {{"requests", std::move(requests)}});
}

HttpRequest BatchApi::GetRequest(const std::string& path) const {
  const bool is_whole = path.starts_with("http://") || path.starts_with("https://");
  HttpRequest request;
  request.method = HttpMethod::kGet;
  request.url = is_whole ? path : base_url_ + path;
  return request;
}

HttpRequest BatchApi::Get(const std::string& batch) const {
  return GetRequest((IsOpenAi(protocol_) ? "/batches/" : "/v1/messages/batches/") + batch);
}

HttpRequest BatchApi::List() const {
  return GetRequest(IsOpenAi(protocol_) ? "/batches?limit=100" : "/v1/messages/batches?limit=100");
}

HttpRequest BatchApi::Results(const std::string& address) const { return GetRequest(address); }

Result<BatchState> BatchApi::ReadState(const Json& batch) const {
  BatchState state;
  state.id = TextAt(batch, "id");
  if (state.id.empty()) return InvalidInput("the reply is no batch");
  if (!IsOpenAi(protocol_)) {
    state.is_ended = TextAt(batch, "processing_status") == "ended";
    for (const char* count : {"processing", "succeeded", "errored", "canceled", "expired"}) {
      state.requests += CountAt(ObjectAt(batch, "request_counts"), count);
    }
    if (const std::string url = TextAt(batch, "results_url"); !url.empty()) {
      state.results.push_back(url);
    }
    return state;
  }
  const std::string status = TextAt(batch, "status");
  state.mark = TextAt(ObjectAt(batch, "metadata"), "arena");
  const bool is_bad = status == "failed" || status == "expired" || status == "cancelled";
  state.is_ended = is_bad || status == "completed";
  for (const char* member : {"output_file_id", "error_file_id"}) {
    if (const std::string file = TextAt(batch, member); !file.empty()) {
      state.results.push_back("/files/" + file + "/content");
    }
  }
  if (is_bad) {
    state.problem = "the batch is " + status;
    const Json& errors = ObjectAt(batch, "errors");
    const auto data = errors.find("data");
    if (data != errors.end() && data->is_array() && !data->empty() && data->front().is_object()) {
      state.problem += ": " + TextAt(data->front(), "message");
    }
  }
  return state;
}

BatchResult BatchApi::ReadOpenAiResult(const Json& line) const {
  BatchResult result;
  const Json& response = ObjectAt(line, "response");
  result.status = static_cast<int>(CountAt(response, "status_code"));
  const auto body = response.find("body");
  if (body != response.end()) result.body = DumpJson(*body);
  result.error = TextAt(ObjectAt(line, "error"), "message");
  return result;
}

BatchResult BatchApi::ReadAnthropicResult(const Json& line) const {
  BatchResult result;
  const Json& outcome = ObjectAt(line, "result");
  const std::string type = TextAt(outcome, "type");
  if (type == "succeeded") {
    result.status = kHttpOk;
    result.body = DumpJson(ObjectAt(outcome, "message"));
  } else if (type == "errored") {
    // {"type": "error", "error": {"type": ..., "message": ...}}
    const Json& error = ObjectAt(ObjectAt(outcome, "error"), "error");
    const bool is_mine = TextAt(error, "type") == "invalid_request_error";
    result.status = is_mine ? 400 : kHttpServerError;
    result.error = TextAt(error, "message");
    result.body = DumpJson(ObjectAt(outcome, "error"));
  } else {
    result.error = "the request is " + type;
  }
  return result;
}

Status BatchApi::ReadResults(std::string_view text, FunctionRef<void(BatchResult&&)> sink) const {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) continue;
    const auto json = ParseJson(line);
    const std::string id = json.ok() && json->is_object() ? TextAt(*json, "custom_id") : "";
    if (id.empty()) return InvalidInput("a line of the batch's results is no result");
    BatchResult result = IsOpenAi(protocol_) ? ReadOpenAiResult(*json) : ReadAnthropicResult(*json);
    result.id = id;
    sink(std::move(result));
  }
  return {};
}

}  // namespace arena
