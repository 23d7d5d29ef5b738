#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/interrupt.h"
#include "flywheel/internal/model_files.h"
#include "flywheel/internal/outside_program.h"
#include "flywheel/stage_tools.h"
#include "net/curl_transport.h"

namespace arena {
namespace {

namespace fs = std::filesystem;
using flywheel_internal::EndLeftBehind;
using flywheel_internal::FillIn;
using flywheel_internal::HashModel;
using flywheel_internal::OutsideProgram;
using flywheel_internal::Placeholders;
using flywheel_internal::ProgramFailed;

constexpr auto kBetweenLooks = std::chrono::milliseconds(100);
constexpr int kHealthy = 200;
constexpr char kRecord[] = ".running.json";

// A port of the loopback address that nobody listens on now.
Result<int> FreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  const bool found =
      socket >= 0 && ::bind(socket, any, size) == 0 && ::getsockname(socket, any, &size) == 0;
  const int error = errno;
  if (socket >= 0) ::close(socket);
  if (!found) {
    return IoError(fmt::format("no free port: {}", std::generic_category().message(error)));
  }
  return ntohs(address.sin_port);
}

// Whether the address answers a GET with 200 now.
bool IsHealthy(Transport& transport, const std::string& url) {
  const HttpRequest request{.method = HttpMethod::kGet, .url = url, .headers = {}, .body = {}};
  TransferLimits limits;
  limits.connect = limits.first_byte = limits.total = std::chrono::seconds(5);
  bool ended = false;
  bool healthy = false;
  transport.Start(1, request, limits);
  while (!ended) {
    transport.Wait(std::chrono::steady_clock::now() + limits.total,
                   [&](TransferId, TransferResult&& result) {
                     ended = true;
                     healthy = result.end == TransferEnd::kReply && result.reply.status == kHealthy;
                   });
  }
  return healthy;
}

/// A checkpoint that is served: the program, where one was started, and its address.
struct ServedCheckpoint {
  fs::path checkpoint;
  std::unique_ptr<OutsideProgram> program;  // null: the server is not ours
  Placeholders values;
  Key version;  // of the weights
};

/// Keeps the server while the contestant lives.
class ServedModel final : public ChatModel {
 public:
  ServedModel(std::unique_ptr<ChatModel> model, std::shared_ptr<ServedCheckpoint> served)
      : model_(std::move(model)), served_(std::move(served)) {}

  const Contestant& contestant() const override { return model_->contestant(); }
  Result<Answer> Respond(const Instruction& instruction, int sample) override {
    return model_->Respond(instruction, sample);
  }
  unsigned answers_at_once() const override { return model_->answers_at_once(); }

 private:
  const std::unique_ptr<ChatModel> model_;
  const std::shared_ptr<ServedCheckpoint> served_;
};

class EndpointServer final : public StageServer {
 public:
  explicit EndpointServer(EndpointServerOptions options)
      : options_(std::move(options)), transport_(MakeCurlTransport()) {}

  Result<std::unique_ptr<ChatModel>> Serve(const StageContestant& contestant) override {
    const std::lock_guard lock(mutex_);
    EndOthers();
    if (served_ == nullptr || served_->checkpoint != contestant.checkpoint) {
      served_ = nullptr;  // its memory is needed
      ARENA_ASSIGN_OR_RETURN(served_, Start(contestant.checkpoint));
    }
    EndpointOptions endpoint = options_.endpoint;
    endpoint.name = contestant.name;
    endpoint.base_url = FillIn(endpoint.base_url, served_->values);
    endpoint.model = FillIn(endpoint.model, served_->values);
    endpoint.version = served_->version.Hex();
    endpoint.temperature = contestant.temperature;
    if (contestant.temperature > 0) endpoint.seed = static_cast<std::int64_t>(contestant.seed);
    endpoint.max_tokens = contestant.max_new_tokens;
    endpoint.keep_cut = true;
    ARENA_ASSIGN_OR_RETURN(auto model, options_.make_model(endpoint));
    return std::unique_ptr<ChatModel>(std::make_unique<ServedModel>(std::move(model), served_));
  }

 private:
  // Ends the servers that a killed run has left; they hold memory and perhaps ports.
  void EndOthers() {
    if (std::exchange(others_ended_, true)) return;
    std::error_code error;
    for (const fs::directory_entry& entry : fs::directory_iterator(options_.log_folder, error)) {
      if (entry.path().string().ends_with(kRecord)) EndLeftBehind(entry.path());
    }
  }

  Result<std::shared_ptr<ServedCheckpoint>> Start(const fs::path& checkpoint) {
    auto served = std::make_shared<ServedCheckpoint>();
    served->checkpoint = checkpoint;
    ARENA_ASSIGN_OR_RETURN(served->version, HashModel(checkpoint));
    ARENA_ASSIGN_OR_RETURN(const int port, FreePort());
    const std::string name = checkpoint.filename().string();
    served->values = {
        {"model", checkpoint.string()}, {"name", name}, {"port", std::to_string(port)}};
    ARENA_RETURN_IF_ERROR(MakeFolder(options_.log_folder));
    const fs::path log = options_.log_folder / (name + ".log");
    if (!options_.command.empty()) {
      OutsideProgram::Options program{.command = {},
                                      .environment = options_.environment,
                                      .folder = options_.folder,
                                      .log = log,
                                      .record = options_.log_folder / (name + kRecord)};
      for (const std::string& argument : options_.command) {
        program.command.push_back(FillIn(argument, served->values));
      }
      ARENA_ASSIGN_OR_RETURN(served->program, OutsideProgram::Start(program));
    }
    ARENA_RETURN_IF_ERROR(WaitUntilHealthy(*served, log));
    return served;
  }

  Status WaitUntilHealthy(ServedCheckpoint& served, const fs::path& log) {
    const std::string url = FillIn(options_.health, served.values);
    const auto deadline = std::chrono::steady_clock::now() + options_.patience;
    while (!IsHealthy(*transport_, url)) {
      if (Interrupted()) return Cancelled("stopped by the user");
      if (served.program != nullptr && served.program->Poll()) {
        return Failed(fmt::format("the server of {} ended: {}", served.values.at("name"),
                                  served.program->Poll()->text),
                      log);
      }
      if (std::chrono::steady_clock::now() > deadline) {
        return Failed(
            fmt::format("{} did not answer 200 within {} s", url, options_.patience.count()), log);
      }
      std::this_thread::sleep_for(kBetweenLooks);
    }
    return {};
  }

  Error Failed(const std::string& what, const fs::path& log) const {
    if (options_.command.empty()) return {ErrorCode::kUnavailable, what};
    return ProgramFailed(what, log);
  }

  const EndpointServerOptions options_;
  std::mutex mutex_;
  bool others_ended_ = false;                   // guarded by mutex_
  const std::unique_ptr<Transport> transport_;  // guarded by mutex_
  std::shared_ptr<ServedCheckpoint> served_;    // guarded by mutex_
};

}  // namespace

std::unique_ptr<StageServer> MakeEndpointServer(EndpointServerOptions options) {
  return std::make_unique<EndpointServer>(std::move(options));
}

}  // namespace arena
