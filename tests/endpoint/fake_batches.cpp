#include "tests/endpoint/fake_batches.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/json.h"

namespace arena {
namespace {

constexpr int kLooks = 3;
const std::string kFiles = "/v1/files";
const std::string kOpenAi = "/v1/batches";
const std::string kAnthropic = "/v1/messages/batches";

FakeReply JsonReply(const Json& json) { return {200, "", DumpJson(json)}; }

// The second part of a form: what the file holds.
std::string FileOf(const std::string& form) {
  const auto second = form.find("filename=");
  const auto begin = form.find("\r\n\r\n", second) + 4;
  return form.substr(begin, form.rfind("\r\n--") - begin);
}

}  // namespace

bool FakeBatches::IsBatchPath(const std::string& path) {
  return path.starts_with(kFiles) || path.starts_with(kOpenAi) || path.starts_with(kAnthropic);
}

FakeReply FakeBatches::Answer(const FakeEndpointOptions& options, const ReceivedRequest& request) {
  const std::string& path = request.path;
  if (path == kFiles) {
    const std::string name = fmt::format("file-{}", files_.size() + 1);
    files_[name] = FileOf(request.body);
    return JsonReply({{"id", name}, {"object", "file"}});
  }
  if (path.starts_with(kFiles)) {
    const std::string name = path.substr(kFiles.size() + 1, path.rfind('/') - kFiles.size() - 1);
    return files_.contains(name) ? FakeReply{200, "", files_[name]} : FakeReply{404, "", "no file"};
  }
  const std::string root = path.starts_with(kOpenAi) ? kOpenAi : kAnthropic;
  if (path == root) return Create(options, request);
  if (path.starts_with(root + "?")) {
    Json data = Json::array();
    for (const auto& [name, batch] : batches_) data.push_back(Json::parse(State(name).body));
    return JsonReply({{"data", std::move(data)}});
  }
  const std::string name =
      path.substr(root.size() + 1, path.find('/', root.size() + 1) - root.size() - 1);
  const auto found = batches_.find(name);
  if (found == batches_.end()) return {404, "", "no batch"};
  if (path.ends_with("/results")) return {200, "", found->second.output};
  ++found->second.looks;
  return State(name);
}

FakeReply FakeBatches::Create(const FakeEndpointOptions& options, const ReceivedRequest& request) {
  const Json body = Json::parse(request.body);
  const std::string name = fmt::format("batch_{}", batches_.size() + 1);
  Batch& batch = batches_[name];
  batch.is_openai = request.path == kOpenAi;
  if (batch.is_openai) {
    batch.mark = body.at("metadata").at("arena").get<std::string>();
    std::istringstream lines(files_.at(body.at("input_file_id").get<std::string>()));
    for (std::string line; std::getline(lines, line);) {
      const Json item = Json::parse(line);
      Work(options, item.at("custom_id").get<std::string>(), DumpJson(item.at("body")), batch);
    }
    files_["out-" + name] = batch.output;
    if (!batch.errors.empty()) files_["err-" + name] = batch.errors;
  } else {
    for (const Json& item : body.at("requests")) {
      Work(options, item.at("custom_id").get<std::string>(), DumpJson(item.at("params")), batch);
    }
  }
  return State(name);
}

void FakeBatches::Work(const FakeEndpointOptions& options, const std::string& id,
                       const std::string& body, Batch& batch) {
  const ReceivedRequest request{batch.is_openai ? "/v1/chat/completions" : "/v1/messages",
                                options.key, body};
  const Key hash = RequestHash(request);
  const bool is_first = ++tried_[hash] == 1;
  ++batch.requests;
  if (is_first && hash.high % 20 == 0) return;  // no result at all
  if (is_first && hash.high % 20 == 1) {
    if (batch.is_openai) {
      batch.errors +=
          DumpJson({{"custom_id", id},
                    {"response", {{"status_code", 500}, {"body", {{"error", "broke"}}}}},
                    {"error", nullptr}}) +
          "\n";
    } else {
      batch.output += DumpJson({{"custom_id", id}, {"result", {{"type", "expired"}}}}) + "\n";
    }
    return;
  }
  ++answered_[hash];
  const Json reply = Json::parse(ReplyTo(options, request).body);
  Json line = {{"custom_id", id}};
  if (batch.is_openai) {
    line["response"] = {{"status_code", 200}, {"body", reply}};
    line["error"] = nullptr;
  } else {
    line["result"] = {{"type", "succeeded"}, {"message", reply}};
  }
  batch.output += DumpJson(line) + "\n";
}

FakeReply FakeBatches::State(const std::string& name) const {
  const Batch& batch = batches_.at(name);
  const bool is_ended = batch.looks >= kLooks;
  if (!batch.is_openai) {
    return JsonReply(
        {{"id", name},
         {"processing_status", is_ended ? "ended" : "in_progress"},
         {"request_counts", {{"processing", batch.requests}, {"succeeded", 0}}},
         {"results_url", is_ended ? Json(kAnthropic + "/" + name + "/results") : Json()}});
  }
  Json state = {{"id", name},
                {"status", is_ended ? "completed" : "in_progress"},
                {"metadata", {{"arena", batch.mark}}}};
  if (is_ended) {
    state["output_file_id"] = "out-" + name;
    state["error_file_id"] = batch.errors.empty() ? Json() : Json("err-" + name);
  }
  return JsonReply(state);
}

}  // namespace arena
