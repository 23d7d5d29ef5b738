#include "tests/integration/served_model.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "checkpoint/new_model.h"
#include "text/byte_tokenizer.h"

namespace arena {
namespace {

constexpr std::chrono::seconds kStartLimit{120};

std::string LowerCase(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

/// A body that was sent in chunks, as far as it came.
std::string Joined(std::string_view chunks) {
  std::string body;
  for (std::size_t at = 0; at < chunks.size();) {
    const std::size_t size = std::stoul(std::string(chunks.substr(at, 16)), nullptr, 16);
    const std::size_t begin = chunks.find("\r\n", at);
    if (size == 0 || begin == std::string_view::npos) break;
    body += chunks.substr(begin + 2, size);
    at = begin + 2 + size + 2;
  }
  return body;
}

}  // namespace

bool WriteServedModel(const std::string& directory, std::int64_t context) {
  ModelConfig config = ShapeConfig(ModelShape::kMini, 300);
  config.max_position_embeddings = context;
  return NewModel(config, 5, directory).ok() && WriteByteTokenizer(directory, 300).ok();
}

ServerProgram::ServerProgram(const std::string& model, std::vector<std::string> arguments) {
  ChildProcess::Options options{.program = ARENA_PROGRAM};
  options.arguments = {"serve", "--model", model, "--port", "0", "--precision", "f32"};
  options.arguments.insert(options.arguments.end(), arguments.begin(), arguments.end());
  auto started = ChildProcess::Start(options);
  if (!started.ok()) return;
  process_.emplace(std::move(*started));
  std::string line;
  std::array<char, 256> data;
  const auto deadline = std::chrono::steady_clock::now() + kStartLimit;
  while (line.find('\n') == std::string::npos && std::chrono::steady_clock::now() < deadline) {
    const auto count = process_->Read(data.data(), data.size(), std::chrono::milliseconds(200));
    if (!count.ok() || *count == 0U) return;
    line.append(data.data(), count->value_or(0));
  }
  const std::size_t colon = line.rfind(':');
  if (line.starts_with("serving ") && colon != std::string::npos) {
    port_ = std::stoi(line.substr(colon + 1));
  }
}

std::vector<int> ServerProgram::workers() const {
  std::vector<int> pids;
  for (const auto& task :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", process_->pid()))) {
    std::ifstream file(task.path() / "children");
    for (int pid; file >> pid;) pids.push_back(pid);
  }
  return pids;
}

void ServerProgram::Signal(int signal) const { ::kill(process_->pid(), signal); }

std::int64_t ResidentBytes(int pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

Json HttpReply::json() const {
  auto document = ParseJson(body);
  return document.ok() ? *document : Json();
}

HttpRequest::HttpRequest(int port) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) Close();
}

HttpRequest::HttpRequest(int port, std::string_view path, std::string_view body,
                         const Headers& headers)
    : HttpRequest(port) {
  std::string head = fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                                 body.empty() ? "GET" : "POST", path);
  for (const auto& [name, value] : headers) head += fmt::format("{}: {}\r\n", name, value);
  if (!body.empty()) {
    head += fmt::format("Content-Type: application/json\r\nContent-Length: {}\r\n", body.size());
  }
  Send(head + "\r\n");
  Send(body);
}

HttpRequest HttpRequest::Raw(int port, std::string_view bytes) {
  HttpRequest request(port);
  request.Send(bytes);
  return request;
}

HttpRequest::HttpRequest(HttpRequest&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}

HttpRequest::~HttpRequest() { Close(); }

void HttpRequest::Close() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
}

void HttpRequest::Send(std::string_view bytes) const {
  while (socket_ >= 0 && !bytes.empty()) {
    const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return;  // the reply says why
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

bool HttpRequest::Receive() {
  std::array<char, 16384> data;
  const ssize_t count = socket_ < 0 ? -1 : ::recv(socket_, data.data(), data.size(), 0);
  if (count <= 0) return false;
  received_.append(data.data(), static_cast<std::size_t>(count));
  return true;
}

bool HttpRequest::WaitFor(std::string_view text) {
  while (received_.find(text) == std::string::npos) {
    if (!Receive()) return false;
  }
  return true;
}

HttpReply HttpRequest::Finish() {
  while (Receive()) {
  }
  Close();
  HttpReply reply;
  const std::size_t end = received_.find("\r\n\r\n");
  if (end == std::string::npos || received_.size() < 12) return reply;
  reply.status = std::stoi(received_.substr(9, 3));
  std::istringstream head(received_.substr(0, end));
  for (std::string line; std::getline(head, line);) {
    const std::size_t colon = line.find(": ");
    if (line.ends_with('\r')) line.pop_back();
    if (colon == std::string::npos) continue;
    reply.headers[LowerCase(line.substr(0, colon))] = line.substr(colon + 2);
  }
  const std::string_view rest = std::string_view(received_).substr(end + 4);
  reply.body = reply.headers["transfer-encoding"] == "chunked" ? Joined(rest) : std::string(rest);
  return reply;
}

HttpReply Fetch(int port, std::string_view path, std::string_view body,
                const HttpRequest::Headers& headers) {
  return HttpRequest(port, path, body, headers).Finish();
}

std::vector<Json> StreamedDocuments(std::string_view body) {
  std::vector<Json> documents;
  std::istringstream lines{std::string(body)};
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("data: ") || line == "data: [DONE]") continue;
    documents.push_back(ParseJson(line.substr(6)).value_or(Json()));
  }
  return documents;
}

}  // namespace arena
