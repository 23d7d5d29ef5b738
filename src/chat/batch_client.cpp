#include "chat/batch_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "chat/internal/batch_protocol.h"
#include "chat/internal/chat_protocol.h"
#include "net/outcome.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using SteadyClock = std::chrono::steady_clock;

constexpr auto kLook = std::chrono::milliseconds(50);
constexpr int kMany = 429;

/// A call that waits. Its thread owns it.
struct PendingCall {
  const HttpCall* call = nullptr;
  std::string id;
  int attempts = 0;       // batches that it was in
  double reserved = 0;    // USD, set apart in the budget
  bool is_ended = false;  // guarded by the client's mutex, as is the result
  CallResult result;
};

/// A batch as its record has it: {"mark", "batch", "requests": [id, ...]}; "batch" is empty until
/// the provider has named it.
struct Batch {
  std::string mark;
  std::string name;
  std::set<std::string> requests;
  SteadyClock::time_point next_look{};
  bool is_collected = false;
  std::unordered_map<std::string, BatchResult> results;  // collected, and not called for yet
};

class BatchClient final : public HttpClient {
 public:
  BatchClient(HttpClient& client, BatchClientOptions options)
      : client_(client),
        options_(std::move(options)),
        endpoint_(client.AddEndpoint(options_.limits, options_.transfers)),
        once_(client.AddEndpoint(Once(options_.limits), options_.transfers)),
        api_(options_.protocol, options_.base_url) {
    ReadRecords();
    thread_ = std::thread([this] { Loop(); });
  }
  ~BatchClient() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  EndpointId AddEndpoint(const LaneOptions&, const TransferLimits&) override { return 0; }
  ClientCounts counts() const override { return client_.counts(); }

  CallResult Call(EndpointId, const HttpCall& call) override {
    PendingCall waiting;
    waiting.call = &call;
    std::unique_lock lock(mutex_);
    const Key request = KeyBuilder("batch request").Add(call.request.body).Add(call.tag).Build();
    // Equal requests of one run are told apart by their order.
    waiting.id = KeyBuilder("batch item").Add(request).Add(calls_of_[request]++).Build().Hex();
    Enter(waiting);
    changed_.notify_all();
    ended_.wait(lock, [&] { return waiting.is_ended; });
    return std::move(waiting.result);
  }

 private:
  /// Where a call waits.
  struct Place {
    PendingCall* waiting;
    Batch* batch;
  };

  // A request that may not be sent twice by itself: its answer is looked for first.
  static LaneOptions Once(LaneOptions limits) {
    limits.max_attempts = 1;
    return limits;
  }

  // With the mutex held: where the call belongs.
  void Enter(PendingCall& waiting) {
    for (Batch& batch : batches_) {
      if (!batch.requests.contains(waiting.id)) continue;
      if (batch.is_collected && !batch.results.contains(waiting.id)) continue;  // it failed there
      waiting_[waiting.id] = {&waiting, &batch};
      batch.next_look = {};  // soon
      return;
    }
    queue_.push_back(&waiting);
    last_arrival_ = SteadyClock::now();
  }

  void End(PendingCall& waiting, CallEnd end, std::string error) {
    if (options_.budget != nullptr && waiting.reserved > 0) {
      options_.budget->Settle(waiting.reserved, 0);
    }
    waiting.reserved = 0;
    waiting.result.end = end;
    waiting.result.error = std::move(error);
    waiting.is_ended = true;
  }

  void Loop();
  void CancelAll(const std::string& why);
  std::vector<PendingCall*> TakeQueue();
  void HandIn(std::vector<PendingCall*> calls);
  Result<std::string> Submit(const std::vector<BatchItem>& items, const Batch& batch,
                             bool& may_be_in);
  Result<std::optional<std::string>> FindLost(const Batch& batch);
  bool IsKnown(const std::string& name);
  void Look(Batch& batch);
  Status Collect(Batch& batch, const BatchState& state);
  void Deliver(Batch& batch, const std::string& problem);
  void Take(PendingCall& waiting, BatchResult&& result);
  Result<std::string> Fetch(HttpRequest request, EndpointId endpoint,
                            ReplyFinding (*inspect)(const HttpReply&) = nullptr);
  Result<Json> FetchJson(HttpRequest request, EndpointId endpoint);
  fs::path RecordOf(const Batch& batch) const { return options_.folder / (batch.mark + ".json"); }
  Status WriteRecord(const Batch& batch) const;
  void ReadRecords();

  HttpClient& client_;
  const BatchClientOptions options_;
  const EndpointId endpoint_;
  const EndpointId once_;
  const BatchApi api_;

  std::mutex mutex_;
  std::condition_variable changed_;                          // for the client's thread
  std::condition_variable ended_;                            // for the callers
  bool stopping_ = false;                                    // guarded by mutex_
  std::unordered_map<Key, std::int64_t, KeyHash> calls_of_;  // guarded by mutex_
  std::deque<PendingCall*> queue_;                           // guarded by mutex_
  std::unordered_map<std::string, Place> waiting_;           // guarded by mutex_, by id
  SteadyClock::time_point last_arrival_{};                   // guarded by mutex_
  std::deque<Batch> batches_;  // grows only; names and results guarded by mutex_
  std::thread thread_;
};

void BatchClient::ReadRecords() {
  std::error_code error;
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(options_.folder, error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    const auto text = ReadFile(file);
    const auto json = text.ok() ? ParseJson(*text) : Result<Json>(text.error());
    if (!json.ok() || !json->is_object()) continue;  // written whole or not at all, so not ours
    Batch batch;
    batch.mark = TextAt(*json, "mark");
    batch.name = TextAt(*json, "batch");
    for (const Json& id : json->value("requests", Json::array())) {
      if (id.is_string()) batch.requests.insert(id.get<std::string>());
    }
    if (!batch.mark.empty()) batches_.push_back(std::move(batch));
  }
}

Status BatchClient::WriteRecord(const Batch& batch) const {
  ARENA_RETURN_IF_ERROR(MakeFolder(options_.folder));
  const Json json = {
      {"mark", batch.mark},
      {"batch", batch.name},
      {"requests", Json(std::vector<std::string>(batch.requests.begin(), batch.requests.end()))}};
  return WriteFileAtomic(RecordOf(batch), DumpJson(json) + "\n");
}

void BatchClient::Loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (options_.interrupted()) CancelAll("stopped by the user");
    std::vector<PendingCall*> calls = TakeQueue();
    std::set<Batch*> due;
    const auto now = SteadyClock::now();
    for (const auto& [id, place] : waiting_) {
      if (place.batch->next_look <= now) due.insert(place.batch);
    }
    lock.unlock();
    if (!calls.empty()) HandIn(std::move(calls));
    for (Batch* batch : due) Look(*batch);
    lock.lock();
    changed_.wait_for(lock, kLook);
  }
}

void BatchClient::CancelAll(const std::string& why) {
  for (PendingCall* waiting : queue_) End(*waiting, CallEnd::kCancelled, why);
  queue_.clear();
  for (auto& [id, place] : waiting_) End(*place.waiting, CallEnd::kCancelled, why);
  waiting_.clear();
  ended_.notify_all();
}

// The calls of the next batch; none: it may still grow.
std::vector<PendingCall*> BatchClient::TakeQueue() {
  const bool is_full = queue_.size() >= options_.most_requests;
  const bool is_late = SteadyClock::now() - last_arrival_ >= options_.linger;
  std::vector<PendingCall*> calls;
  if (!is_full && !is_late) return calls;
  while (!queue_.empty() && calls.size() < options_.most_requests) {
    PendingCall* waiting = queue_.front();
    queue_.pop_front();
    const double worst = waiting->call->needs.worst_cost_usd;
    if (options_.budget != nullptr && !options_.budget->Reserve(worst)) {
      End(*waiting, CallEnd::kOverBudget, "it may cost more than the cap allows");
      ended_.notify_all();
      continue;
    }
    waiting->reserved = worst;
    calls.push_back(waiting);
  }
  return calls;
}

void BatchClient::HandIn(std::vector<PendingCall*> calls) {
  Batch batch;
  std::vector<BatchItem> items;
  KeyBuilder mark("batch");
  for (PendingCall* waiting : calls) {
    ++waiting->attempts;
    batch.requests.insert(waiting->id);
    items.push_back({waiting->id, waiting->call->request.body});
    mark.Add(waiting->id).Add(std::int64_t{waiting->attempts});
  }
  batch.mark = mark.Build().Hex();
  // The record comes first: a batch whose name was never heard is found again by its mark.
  Status recorded = WriteRecord(batch);
  bool may_be_in = false;
  const Result<std::string> name =
      recorded.ok() ? Submit(items, batch, may_be_in) : Result<std::string>(recorded.error());
  if (name.ok()) {
    batch.name = *name;
    static_cast<void>(WriteRecord(batch));  // else it is found by its mark
  }
  const std::lock_guard lock(mutex_);
  if (!name.ok()) {
    const bool is_cancelled = name.error().code == ErrorCode::kCancelled;
    for (PendingCall* waiting : calls) {
      End(*waiting, is_cancelled ? CallEnd::kCancelled : CallEnd::kFailed, name.error().message);
    }
    ended_.notify_all();
    std::error_code ignored;
    if (!may_be_in) fs::remove(RecordOf(batch), ignored);
    if (!may_be_in) return;
  }
  batch.next_look = SteadyClock::now() + options_.poll;
  batches_.push_back(std::move(batch));
  if (!name.ok()) return;
  for (PendingCall* waiting : calls) waiting_[waiting->id] = {waiting, &batches_.back()};
}

bool BatchClient::IsKnown(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return std::any_of(batches_.begin(), batches_.end(),
                     [&name](const Batch& batch) { return batch.name == name; });
}

Result<std::string> BatchClient::Fetch(HttpRequest request, EndpointId endpoint,
                                       ReplyFinding (*inspect)(const HttpReply&)) {
  HttpCall call;
  call.request = std::move(request);
  call.request.headers.insert(call.request.headers.end(), options_.headers.begin(),
                              options_.headers.end());
  if (inspect != nullptr) call.inspect = inspect;
  CallResult result = client_.Call(endpoint, call);
  if (result.end == CallEnd::kDone) return std::move(result.reply.body);
  const bool is_cancelled = result.end == CallEnd::kCancelled;
  return Error{is_cancelled ? ErrorCode::kCancelled : ErrorCode::kUnavailable, result.error};
}

Result<Json> BatchClient::FetchJson(HttpRequest request, EndpointId endpoint) {
  constexpr auto kIsObject = [](const HttpReply& reply) {
    const auto json = ParseJson(reply.body);
    ReplyFinding finding;
    if (!json.ok() || !json->is_object()) finding.problem = "the reply is no JSON object";
    return finding;
  };
  ARENA_ASSIGN_OR_RETURN(const std::string body, Fetch(std::move(request), endpoint, kIsObject));
  return ParseJson(body);
}

// Returns the batch's name. `may_be_in`: it was sent, and it is not known whether it arrived.
Result<std::string> BatchClient::Submit(const std::vector<BatchItem>& items, const Batch& batch,
                                        bool& may_be_in) {
  std::string file;
  if (auto upload = api_.Upload(items)) {
    ARENA_ASSIGN_OR_RETURN(const Json uploaded, FetchJson(std::move(*upload), endpoint_));
    file = TextAt(uploaded, "id");
    if (file.empty()) return InvalidInput("the upload of a batch was answered without a name");
  }
  for (int attempt = 1;; ++attempt) {
    may_be_in = true;
    const auto made = FetchJson(api_.Create(items, file, batch.mark), once_);
    if (made.ok()) {
      if (const auto state = api_.ReadState(*made); state.ok()) return state->id;
    }
    ARENA_ASSIGN_OR_RETURN(const auto lost, FindLost(batch));
    if (lost) return *lost;
    may_be_in = false;
    if (attempt == options_.most_attempts) {
      return made.ok() ? InvalidInput("a batch was answered without a name") : made.error();
    }
  }
}

// The name of a batch that was handed in without an answer; none: it never was. Where the API has
// no place for a mark it is one of the same size that no record names; should that be another's, it
// has no results for ours, which are then handed in.
Result<std::optional<std::string>> BatchClient::FindLost(const Batch& batch) {
  ARENA_ASSIGN_OR_RETURN(const Json list, FetchJson(api_.List(), endpoint_));
  for (const Json& entry : list.value("data", Json::array())) {
    if (!entry.is_object()) continue;
    const auto state = api_.ReadState(entry);
    if (!state.ok()) continue;
    const bool is_of_size = state->requests == static_cast<std::int64_t>(batch.requests.size());
    const bool is_it =
        api_.has_marks() ? state->mark == batch.mark : is_of_size && !IsKnown(state->id);
    if (is_it) return std::optional(state->id);
  }
  return std::optional<std::string>();
}

void BatchClient::Look(Batch& batch) {
  const auto put_off = [&] {
    const std::lock_guard lock(mutex_);
    batch.next_look = SteadyClock::now() + options_.poll;
  };
  if (batch.is_collected) return Deliver(batch, "");
  if (batch.name.empty()) {
    const auto found = FindLost(batch);
    if (!found.ok()) return put_off();
    if (!*found) {  // it never arrived
      const std::lock_guard lock(mutex_);
      batch.is_collected = true;
      std::error_code ignored;
      fs::remove(RecordOf(batch), ignored);
    } else {
      const std::lock_guard lock(mutex_);
      batch.name = **found;
      static_cast<void>(WriteRecord(batch));  // else it is looked for again
    }
    return batch.is_collected ? Deliver(batch, "it was never handed in") : Look(batch);
  }
  const auto reply = FetchJson(api_.Get(batch.name), endpoint_);
  const auto state = reply.ok() ? api_.ReadState(*reply) : Result<BatchState>(reply.error());
  if (!state.ok() || !state->is_ended) return put_off();
  if (!Collect(batch, *state).ok()) return put_off();
  Deliver(batch, state->problem);
}

Status BatchClient::Collect(Batch& batch, const BatchState& state) {
  std::unordered_map<std::string, BatchResult> results;
  for (const std::string& address : state.results) {
    ARENA_ASSIGN_OR_RETURN(const std::string text, Fetch(api_.Results(address), endpoint_));
    ARENA_RETURN_IF_ERROR(api_.ReadResults(text, [&](BatchResult&& result) {
      std::string id = result.id;
      results.insert_or_assign(std::move(id), std::move(result));
    }));
  }
  const std::lock_guard lock(mutex_);
  batch.results = std::move(results);
  batch.is_collected = true;
  return {};
}

// Hands the results to those who wait for them; who is without one goes into another batch.
void BatchClient::Deliver(Batch& batch, const std::string& problem) {
  const std::lock_guard lock(mutex_);
  for (const std::string& id : batch.requests) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end() || found->second.batch != &batch) continue;
    PendingCall& waiting = *found->second.waiting;
    waiting_.erase(found);
    BatchResult result;
    if (const auto there = batch.results.find(id); there != batch.results.end()) {
      result = std::move(there->second);
      batch.results.erase(there);
    } else {
      result.error = problem.empty() ? "the batch has no result for it" : problem;
    }
    Take(waiting, std::move(result));
  }
  ended_.notify_all();
}

// With the mutex held: ends the call, or queues it again.
void BatchClient::Take(PendingCall& waiting, BatchResult&& result) {
  waiting.result.attempts = std::max(1, waiting.attempts);
  waiting.result.reply.status = result.status;
  waiting.result.reply.body = std::move(result.body);
  std::string problem = std::move(result.error);
  const bool is_reply = result.status == kHttpOk;
  ReplyFinding finding;
  if (is_reply && waiting.call->inspect != nullptr) {
    finding = waiting.call->inspect(waiting.result.reply);
    problem = finding.problem;
  } else if (!is_reply && problem.empty()) {
    problem = fmt::format("HTTP {}: {}", result.status, ErrorMessageOf(waiting.result.reply));
  }
  if (is_reply && problem.empty()) {
    if (options_.budget != nullptr) options_.budget->Settle(waiting.reserved, finding.use.cost_usd);
    waiting.reserved = 0;
    return End(waiting, CallEnd::kDone, "");
  }
  const bool may_pass =
      is_reply || result.status == 0 || result.status == kMany || result.status >= kHttpServerError;
  if (!may_pass || waiting.attempts >= options_.most_attempts) {
    return End(waiting, CallEnd::kFailed, std::move(problem));
  }
  if (options_.budget != nullptr && waiting.reserved > 0) {
    options_.budget->Settle(waiting.reserved, is_reply ? waiting.call->needs.worst_cost_usd : 0);
  }
  if (is_reply) ++waiting.result.undelivered;
  waiting.reserved = 0;
  Enter(waiting);  // an earlier run may have handed it in again already
}

}  // namespace

std::unique_ptr<HttpClient> MakeBatchClient(HttpClient& client, BatchClientOptions options) {
  return std::make_unique<BatchClient>(client, std::move(options));
}

}  // namespace arena
