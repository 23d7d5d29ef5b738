// A tiny model behind the program's own server, and a plain client for it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/child_process.h"
#include "base/json.h"

namespace arena {

/// Writes a mini model with random weights, a byte tokenizer of 300 tokens and the chat template
/// chatml. False: it could not be written.
bool WriteServedModel(const std::string& directory, std::int64_t context);

/// A running `arena serve`; killed with the object.
class ServerProgram {
 public:
  /// Starts it on a free port of 127.0.0.1 and waits until it is ready.
  explicit ServerProgram(const std::string& model, std::vector<std::string> arguments = {});

  bool is_ready() const { return port_ > 0; }
  int port() const { return port_; }
  int pid() const { return process_->pid(); }
  /// Process ids of its arena-lm.
  std::vector<int> workers() const;
  void Signal(int signal) const;
  /// "exit code 0"
  std::string Wait() { return process_->Wait(); }

 private:
  std::optional<ChildProcess> process_;
  int port_ = -1;
};

/// Resident memory of a process in bytes.
std::int64_t ResidentBytes(int pid);

struct HttpReply {
  int status = -1;                             ///< -1: no reply
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;
  Json json() const;
};

/// One request over a connection of its own.
class HttpRequest {
 public:
  using Headers = std::vector<std::pair<std::string, std::string>>;

  /// Connects and sends. An empty body is sent as GET.
  HttpRequest(int port, std::string_view path, std::string_view body = {},
              const Headers& headers = {});
  /// Sends bytes as they are.
  static HttpRequest Raw(int port, std::string_view bytes);
  HttpRequest(HttpRequest&& other) noexcept;
  ~HttpRequest();

  /// Waits until `text` has come; false: the reply ended without it.
  bool WaitFor(std::string_view text);
  /// Waits for the end of the reply.
  HttpReply Finish();
  /// Leaves at once.
  void Close();
  const std::string& received() const { return received_; }

 private:
  explicit HttpRequest(int port);
  bool Receive();
  void Send(std::string_view bytes) const;

  int socket_ = -1;
  std::string received_;
};

/// The reply to one request.
HttpReply Fetch(int port, std::string_view path, std::string_view body = {},
                const HttpRequest::Headers& headers = {});

/// The documents of a stream of server-sent events, without "[DONE]".
std::vector<Json> StreamedDocuments(std::string_view body);

}  // namespace arena
