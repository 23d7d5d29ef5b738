#include "server/server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <functional>
#include <future>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

#include "server/access.h"
#include "server/internal/connection_threads.h"
#include "server/internal/connections.h"
#include "server/openai_reply.h"
#include "server/openai_request.h"

namespace arena {
namespace {

constexpr int kBacklog = 1024;
constexpr std::size_t kSpareThreads =
    64;  // for connections that are idle, refused or ask for pages
constexpr std::size_t kMostThreads = 4096;
constexpr std::size_t kMostRequestsPerConnection = 1'000'000;
constexpr int kWriteLimitSeconds = 30;
constexpr int kReadLimitSeconds = 10;
constexpr std::chrono::milliseconds kPollTime{100};
constexpr std::chrono::milliseconds kDrainPollTime{10};
constexpr std::chrono::seconds kCancelTime{5};
constexpr std::string_view kJson = "application/json";

ApiError NotFoundError(const std::string& path) {
  return {404, "invalid_request_error", fmt::format("there is nothing at {}", path), "",
          "unknown_url"};
}

/// What a status means that the HTTP library gave by itself.
ApiError LibraryError(int status, const std::string& path) {
  if (status == 404) return NotFoundError(path);
  if (status == 413) {
    return {413, "invalid_request_error", "the body is too long", "", "body_too_long"};
  }
  if (status >= 500) return {status, "server_error", "the server failed", "", "internal_error"};
  return {status, "invalid_request_error", "the request is not valid HTTP", "", "bad_http"};
}

/// One request on its way.
struct Call {
  const httplib::Request& request;
  httplib::Response& response;
  const std::string endpoint;
  const std::chrono::steady_clock::time_point start;
  const Connection connection;
};

class HttpServer final : public ApiServer {
 public:
  HttpServer(LocalModel& model, const Clock& clock, const ServerOptions& options)
      : model_(model), clock_(clock), options_(options), service_(model, options.service) {
    SetUp();
  }
  ~HttpServer() override { Close(std::chrono::milliseconds(0)); }

  Status Listen();
  int port() const override { return port_; }
  std::string url() const override {
    const bool is_v6 = options_.host.find(':') != std::string::npos;
    const std::string host = is_v6 ? "[" + options_.host + "]" : options_.host;
    return fmt::format("http://{}:{}", host, port_);
  }
  bool Stop(std::chrono::milliseconds grace) override { return Close(grace); }

 private:
  using Answer = void (HttpServer::*)(Call&, const std::string& body);

  void SetUp();
  void AddPost(const std::string& path, Answer answer);
  void AddGet(const std::string& pattern, const std::string& endpoint, bool is_open, Answer answer);
  void AnswerWithBody(Call& call, const httplib::ContentReader& reader, Answer answer);
  void AnswerSafely(Call& call, Answer answer, const std::string& body);
  bool Authorise(Call& call);

  void AnswerChat(Call& call, const std::string& body);
  void AnswerCompletion(Call& call, const std::string& body);
  void AnswerEmbeddings(Call& call, const std::string& body);
  void AnswerModels(Call& call, const std::string& body);
  void AnswerModel(Call& call, const std::string& body);
  void AnswerHealth(Call& call, const std::string& body);
  void AnswerMetrics(Call& call, const std::string& body);

  void Finish(Call& call, ApiResult<std::unique_ptr<CompletionJob>> job, bool is_stream);
  void Stream(Call& call, std::unique_ptr<CompletionJob> job);
  void Send(Call& call, ApiResult<std::string> json);
  void Refuse(Call& call, const ApiError& error);
  bool IsWanted(const Connection& connection) const { return !is_ending_ && !connection.HasLeft(); }
  std::int64_t Now() const {
    return std::chrono::duration_cast<std::chrono::seconds>(clock_.Now().time_since_epoch())
        .count();
  }
  void CountLatency(const std::string& endpoint, std::chrono::steady_clock::time_point start) {
    service_.metrics().CountLatency(endpoint, clock_.Steady() - start);
  }
  bool Close(std::chrono::milliseconds grace);

  LocalModel& model_;
  const Clock& clock_;
  const ServerOptions options_;
  CompletionService service_;
  std::atomic<bool> is_ending_ = false;  // what is in flight is to be cancelled
  std::atomic<int> in_progress_ = 0;     // answers that are made or streamed
  int port_ = -1;                        // constant after Listen
  int listening_ = -1;                   // the socket
  httplib::Server http_;
  std::future<void> accepting_;
};

void HttpServer::SetUp() {
  http_.set_tcp_nodelay(true);
  http_.set_keep_alive_max_count(kMostRequestsPerConnection);
  http_.set_read_timeout(kReadLimitSeconds);
  http_.set_write_timeout(kWriteLimitSeconds);
  http_.set_payload_max_length(options_.max_body_bytes);
  // The library's own also sets SO_REUSEPORT, with which two servers share a port unnoticed.
  http_.set_socket_options([this](socket_t descriptor) {
    const int on = 1;
    ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    listening_ = descriptor;
  });
  const auto threads = static_cast<std::size_t>(service_.admission().limit()) + kSpareThreads;
  http_.new_task_queue = [threads] {
    return new ConnectionThreads(std::min(threads, kMostThreads));
  };
  http_.set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
    if (!response.body.empty()) return;
    service_.metrics().CountRequest("other", response.status);
    response.set_content(ErrorJson(LibraryError(response.status, request.path)), kJson.data());
  });
  AddPost("/v1/chat/completions", &HttpServer::AnswerChat);
  AddPost("/v1/completions", &HttpServer::AnswerCompletion);
  AddPost("/v1/embeddings", &HttpServer::AnswerEmbeddings);
  AddGet("/v1/models", "/v1/models", false, &HttpServer::AnswerModels);
  AddGet("/v1/models/(.+)", "/v1/models/{model}", false, &HttpServer::AnswerModel);
  AddGet("/health", "/health", true, &HttpServer::AnswerHealth);
  AddGet("/metrics", "/metrics", false, &HttpServer::AnswerMetrics);
}

void HttpServer::AddPost(const std::string& path, Answer answer) {
  http_.Post(path,
             [this, path, answer](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& reader) {
               Call call{request, response, path, clock_.Steady(),
                         Connection::Find(request.remote_port, port_)};
               AnswerWithBody(call, reader, answer);
             });
}

void HttpServer::AddGet(const std::string& pattern, const std::string& endpoint, bool is_open,
                        Answer answer) {
  http_.Get(pattern, [this, endpoint, is_open, answer](const httplib::Request& request,
                                                       httplib::Response& response) {
    Call call{request, response, endpoint, clock_.Steady(),
              Connection::Find(request.remote_port, port_)};
    if (is_open || Authorise(call)) AnswerSafely(call, answer, "");
  });
}

/// Reads the body before anything else, so that the connection can go on whatever the answer is.
void HttpServer::AnswerWithBody(Call& call, const httplib::ContentReader& reader, Answer answer) {
  std::string body;
  bool is_too_long = false;
  // The library bounds the length that a client announces; chunks and compressed bodies have none.
  const bool is_read = reader([&](const char* data, std::size_t size) {
    is_too_long = size > options_.max_body_bytes - body.size();
    if (!is_too_long) body.append(data, size);
    return !is_too_long;
  });
  if (is_too_long || call.response.status == 413) {
    if (is_too_long) call.connection.StopReading();
    return Refuse(call, {413, "invalid_request_error",
                         fmt::format("the body has more than {} bytes", options_.max_body_bytes),
                         "", "body_too_long"});
  }
  if (!is_read) {
    call.connection.StopReading();
    return Refuse(call, LibraryError(400, call.request.path));
  }
  if (Authorise(call)) AnswerSafely(call, answer, body);
}

void HttpServer::AnswerSafely(Call& call, Answer answer, const std::string& body) {
  ++in_progress_;
  try {
    (this->*answer)(call, body);
  } catch (const std::exception& e) {
    Refuse(call, {500, "server_error", fmt::format("the server failed: {}", e.what()), "",
                  "internal_error"});
  }
  --in_progress_;
}

bool HttpServer::Authorise(Call& call) {
  if (options_.token.empty() ||
      IsAuthorised(call.request.get_header_value("Authorization"), options_.token)) {
    return true;
  }
  call.response.set_header("WWW-Authenticate", "Bearer");
  Refuse(call, {401, "invalid_request_error", "the bearer token is missing or wrong", "",
                "invalid_api_key"});
  return false;
}

void HttpServer::Send(Call& call, ApiResult<std::string> json) {
  if (!json) return Refuse(call, json.error());
  call.response.set_content(std::move(*json), kJson.data());
  service_.metrics().CountRequest(call.endpoint, 200);
  CountLatency(call.endpoint, call.start);
}

void HttpServer::Refuse(Call& call, const ApiError& error) {
  if (call.connection.HasLeft()) service_.metrics().CountAbandoned();
  call.response.status = error.status;
  if (error.status == 429) call.response.set_header("Retry-After", "1");
  if (error.status == 503) call.response.set_header("Retry-After", "10");
  call.response.set_content(ErrorJson(error), kJson.data());
  service_.metrics().CountRequest(call.endpoint, error.status);
}

void HttpServer::AnswerChat(Call& call, const std::string& body) {
  const auto parsed = ParseChatBody(body);
  if (!parsed) return Refuse(call, parsed.error());
  Finish(call, service_.StartChat(*parsed, Now()), parsed->stream);
}

void HttpServer::AnswerCompletion(Call& call, const std::string& body) {
  const auto parsed = ParseCompletionBody(body);
  if (!parsed) return Refuse(call, parsed.error());
  if (parsed->echo) {
    return Send(call, service_.Score(
                          *parsed, [&] { return IsWanted(call.connection); }, Now()));
  }
  Finish(call, service_.StartCompletion(*parsed, Now()), parsed->stream);
}

void HttpServer::AnswerEmbeddings(Call& call, const std::string& body) {
  const auto parsed = ParseEmbeddingBody(body);
  if (!parsed) return Refuse(call, parsed.error());
  Send(call, service_.Embed(*parsed, [&] { return IsWanted(call.connection); }));
}

void HttpServer::AnswerModels(Call& call, const std::string&) { Send(call, service_.Models()); }

void HttpServer::AnswerModel(Call& call, const std::string&) {
  Send(call, service_.Model(call.request.matches[1].str()));
}

void HttpServer::AnswerHealth(Call& call, const std::string&) {
  const std::vector<int> pids = model_.pool().pids();
  const bool has_worker = std::any_of(pids.begin(), pids.end(), [](int pid) { return pid > 0; });
  const char* const trouble = service_.is_stopping() ? "the server is stopping"
                              : !has_worker          ? "no worker runs"
                                                     : nullptr;
  if (trouble != nullptr) return Refuse(call, {503, "server_error", trouble, "", "unhealthy"});
  Send(call, std::string(R"({"status":"ok"})"));
}

void HttpServer::AnswerMetrics(Call& call, const std::string&) {
  call.response.set_content(service_.MetricsPage(), "text/plain; version=0.0.4");
  service_.metrics().CountRequest(call.endpoint, 200);
}

void HttpServer::Finish(Call& call, ApiResult<std::unique_ptr<CompletionJob>> job, bool is_stream) {
  if (!job) return Refuse(call, job.error());
  if (is_stream) return Stream(call, std::move(*job));
  Send(call, (*job)->Collect([&] { return IsWanted(call.connection); }));
}

void HttpServer::Stream(Call& call, std::unique_ptr<CompletionJob> job) {
  call.response.set_header("Cache-Control", "no-cache");
  service_.metrics().CountRequest(call.endpoint, 200);
  const std::shared_ptr<CompletionJob> shared = std::move(job);
  ++in_progress_;
  call.response.set_chunked_content_provider(
      "text/event-stream",
      [this, shared, connection = call.connection](std::size_t, httplib::DataSink& sink) {
        if (is_ending_) shared->Cancel();  // the stream then ends with an error
        const std::optional<std::string> events = shared->NextEvents(kPollTime);
        if (!events) {
          sink.done();
          return true;
        }
        if (!is_ending_ && connection.HasLeft()) return false;
        return events->empty() || sink.write(events->data(), events->size());
      },
      [this, shared, endpoint = call.endpoint, start = call.start](bool) {
        CountLatency(endpoint, start);
        if (!shared->is_complete()) service_.metrics().CountAbandoned();
        shared->Cancel();
        --in_progress_;
      });
}

Status HttpServer::Listen() {
  if (options_.token.empty() && !IsLoopback(options_.host)) {
    return InvalidInput(fmt::format(
        "{} can be reached from other machines: set a token for the clients", options_.host));
  }
  errno = 0;
  if (options_.port == 0) {
    port_ = http_.bind_to_any_port(options_.host);
  } else if (http_.bind_to_port(options_.host, options_.port)) {
    port_ = options_.port;
  }
  if (port_ < 0) {
    const int error = errno;
    return IoError(
        fmt::format("cannot listen on {}, port {}: {}", options_.host, options_.port,
                    error == 0 ? "no such address" : std::generic_category().message(error)));
  }
  // The library's backlog of 5 makes a crowd of clients wait for seconds.
  ::listen(listening_, kBacklog);
  accepting_ = std::async(std::launch::async, [this] { http_.listen_after_bind(); });
  while (!http_.is_running()) std::this_thread::yield();
  return {};
}

bool HttpServer::Close(std::chrono::milliseconds grace) {
  if (!accepting_.valid()) return true;
  service_.StopAdmitting();
  const bool is_done = service_.admission().WaitUntilEmpty(grace);
  is_ending_ = true;
  const auto deadline = clock_.Steady() + kCancelTime;
  service_.admission().WaitUntilEmpty(kCancelTime);
  // The library would cut streams whose last events are still on their way.
  while (in_progress_ > 0 && clock_.Steady() < deadline)
    std::this_thread::sleep_for(kDrainPollTime);
  http_.stop();
  // Until all have ended: a connection may have been accepted just now.
  do {
    StopReadingAll(port_);
  } while (accepting_.wait_for(kPollTime) != std::future_status::ready);
  accepting_.get();
  return is_done;
}

}  // namespace

Result<std::unique_ptr<ApiServer>> ApiServer::Start(LocalModel& model, const Clock& clock,
                                                    const ServerOptions& options) {
  auto server = std::make_unique<HttpServer>(model, clock, options);
  ARENA_RETURN_IF_ERROR(server->Listen());
  return server;
}

}  // namespace arena
