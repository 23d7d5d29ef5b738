#include "chat/training_run.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <deque>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "base/child_process.h"
#include "base/file.h"
#include "base/interrupt.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using SteadyClock = std::chrono::steady_clock;

constexpr milliseconds kEventWait{100};
constexpr seconds kGrace{30};  // for the other ranks when one has failed
constexpr std::size_t kEventBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxEventBytes = std::size_t{16} << 20;
constexpr std::size_t kLastWords = 3;  // lines
constexpr int kUsageExit = 2;
constexpr int kInterruptedExit = 130;

/// A port that nothing uses now.
Result<int> FindFreePort() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  const bool found = socket >= 0 && ::bind(socket, generic, size) == 0 &&
                     ::getsockname(socket, generic, &size) == 0;
  if (socket >= 0) ::close(socket);
  if (!found) return IoError("there is no free port on 127.0.0.1 for the ranks to meet at");
  return ::ntohs(address.sin_port);
}

/// One rank: its process and what it has said.
class Rank {
 public:
  Rank(int number, std::filesystem::path log) : number_(number), log_(std::move(log)) {}

  Status Start(ChildProcess::Options options) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(log_, ignored);
    log_begin_ = ignored ? 0 : static_cast<std::streamoff>(size);
    options.stderr_file = log_.string();
    ARENA_ASSIGN_OR_RETURN(ChildProcess started, ChildProcess::Start(options));
    process_.emplace(std::move(started));
    process_->CloseInput();
    return {};
  }

  bool is_running() const { return !end_; }
  bool has_failed() const { return end_ && end_->exit_code != 0 && !was_interrupted(); }
  bool was_interrupted() const { return end_ && end_->exit_code == kInterruptedExit; }
  bool was_wrong_usage() const { return end_ && end_->exit_code == kUsageExit; }
  bool was_signalled() const { return end_ && !end_->exit_code; }
  bool is_done() const { return is_done_; }

  void Signal(int number) {
    if (is_running()) process_->Signal(number);
  }

  /// Reads what there is, at most for `timeout`, and calls `on_event` for each event.
  template <typename OnEvent>
  Status Read(milliseconds timeout, OnEvent on_event) {
    std::array<char, kEventBytes> data;
    ARENA_ASSIGN_OR_RETURN(const std::optional<std::size_t> count,
                           process_->Read(data.data(), data.size(), timeout));
    if (!count) return {};
    if (*count == 0) {
      end_ = process_->WaitForEnd();
      return {};
    }
    buffer_.append(data.data(), *count);
    std::size_t begin = 0;
    for (std::size_t end = buffer_.find('\n'); end != std::string::npos;
         end = buffer_.find('\n', begin)) {
      TakeLine(std::string_view(buffer_).substr(begin, end - begin), on_event);
      begin = end + 1;
    }
    buffer_.erase(0, begin);
    if (buffer_.size() <= kMaxEventBytes) return {};
    return IoError(
        fmt::format("rank {} wrote a line of more than {} bytes", number_, kMaxEventBytes));
  }

  /// What the trainer said was wrong; empty: it did not say.
  const std::string& error() const { return error_; }

  /// "rank 1: signal 9 (Killed): LAST WORDS".
  std::string Failure() const {
    std::string text = fmt::format("rank {}: {}", number_, end_->text);
    const std::string words = LastWords();
    return words.empty() ? text : fmt::format("{}: {}", text, words);
  }

  std::string LastWords() const {
    if (!error_.empty()) return error_;
    std::ifstream log(log_);
    log.seekg(log_begin_);
    std::deque<std::string> lines;
    for (std::string line; std::getline(log, line);) {
      if (!line.empty()) lines.push_back(std::move(line));
      if (lines.size() > kLastWords) lines.pop_front();
    }
    return fmt::format("{}", fmt::join(lines, "\n  "));
  }

 private:
  // Libraries may write to stdout, too: what is no event is left alone.
  template <typename OnEvent>
  void TakeLine(std::string_view line, OnEvent on_event) {
    const auto event = ParseJson(line);
    if (!event.ok() || !event->is_object()) return;
    const auto type = event->find("type");
    if (type == event->end() || !type->is_string()) return;
    if (*type == "done") is_done_ = true;
    if (*type == "error") error_ = event->value("message", "");
    on_event(*event);
  }

  int number_;
  std::filesystem::path log_;
  std::streamoff log_begin_ = 0;
  std::optional<ChildProcess> process_;
  std::optional<ChildProcess::End> end_;
  std::string buffer_;
  std::string error_;
  bool is_done_ = false;
};

class TrainingRun {
 public:
  TrainingRun(const TrainingRunOptions& options, TrainingEventSink sink)
      : options_(options), sink_(sink) {}

  Result<TrainingRunEnd> Run() {
    ARENA_RETURN_IF_ERROR(StartRanks());
    while (
        std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& r) { return r.is_running(); })) {
      ARENA_RETURN_IF_ERROR(ReadRanks());
      PassInterruptOn();
      EndTheRestAfterAFailure();
    }
    return Judge();
  }

 private:
  bool is_first_rank_here() const { return options_.launched_rank <= 0; }

  Status StartRanks() {
    std::vector<std::string> environment = {"ARENA_END_WITH_PARENT=1"};
    if (options_.ranks > 1) {
      ARENA_ASSIGN_OR_RETURN(const int port, FindFreePort());
      environment.insert(environment.end(),
                         {fmt::format("WORLD_SIZE={}", options_.ranks), "MASTER_ADDR=127.0.0.1",
                          fmt::format("MASTER_PORT={}", port)});
    }
    ranks_.reserve(options_.ranks);
    for (unsigned i = 0; i < options_.ranks; ++i) {
      const int number = std::max(options_.launched_rank, static_cast<int>(i));
      ranks_.emplace_back(number, options_.log_folder / fmt::format("rank-{}.log", number));
      ChildProcess::Options child{.program = options_.program.empty()
                                                 ? ProgramFolder() + "/libexec/arena-lm"
                                                 : options_.program,
                                  .arguments = {"train", options_.job.string()},
                                  .environment = environment};
      if (options_.ranks > 1) child.environment.push_back(fmt::format("RANK={}", number));
      ARENA_RETURN_IF_ERROR(ranks_.back().Start(std::move(child)));
    }
    return {};
  }

  Status ReadRanks() {
    milliseconds timeout = kEventWait;  // the first that still runs is waited for
    for (Rank& rank : ranks_) {
      if (!rank.is_running()) continue;
      ARENA_RETURN_IF_ERROR(rank.Read(timeout, [this](const Json& event) {
        const auto step = event.find("step");
        if (step != event.end() && step->is_number_integer()) end_.step = step->get<std::int64_t>();
        sink_(event);
      }));
      timeout = milliseconds(0);
    }
    return {};
  }

  void PassInterruptOn() {
    if (!Interrupted() || end_.interrupted) return;
    end_.interrupted = true;
    for (Rank& rank : ranks_) rank.Signal(SIGINT);
  }

  void EndTheRestAfterAFailure() {
    const bool failed =
        std::any_of(ranks_.begin(), ranks_.end(), [](const Rank& r) { return r.has_failed(); });
    if (!failed) return;
    if (!failed_at_) failed_at_ = SteadyClock::now();
    if (SteadyClock::now() - *failed_at_ < kGrace) return;
    for (Rank& rank : ranks_) rank.Signal(SIGKILL);
  }

  Result<TrainingRunEnd> Judge() {
    const auto any = [this](auto what) { return std::any_of(ranks_.begin(), ranks_.end(), what); };
    // A rank that ends a moment before another may look like a failure to it, and one that had
    // hardly begun ends by the signal.
    const Rank& first = ranks_.front();
    if (end_.interrupted && (first.was_interrupted() || first.was_signalled())) return end_;
    if (any([](const Rank& r) { return r.has_failed(); })) return Failure();
    end_.interrupted = any([](const Rank& r) { return r.was_interrupted(); });
    const bool done = end_.interrupted || !is_first_rank_here() || first.is_done();
    if (done) return end_;
    return IoError("the trainer ended without saying that it is done");
  }

  // Ranks that a signal ended come first: the others usually failed because of them.
  Error Failure() const {
    std::vector<std::string> failures;
    for (const bool signalled : {true, false}) {
      for (const Rank& rank : ranks_) {
        if (!rank.has_failed() || rank.was_signalled() != signalled) continue;
        if (rank.was_wrong_usage() && !rank.LastWords().empty()) {
          return InvalidInput(rank.LastWords());
        }
        failures.push_back(rank.Failure());
      }
    }
    if (ranks_.size() == 1 && !ranks_.front().error().empty())
      return IoError(ranks_.front().error());
    return IoError(
        fmt::format("the training failed after step {}: {}", end_.step, fmt::join(failures, "; ")));
  }

  const TrainingRunOptions& options_;
  TrainingEventSink sink_;
  std::vector<Rank> ranks_;
  std::optional<SteadyClock::time_point> failed_at_;
  TrainingRunEnd end_;
};

}  // namespace

Result<TrainingRunEnd> RunTraining(const TrainingRunOptions& options, TrainingEventSink sink) {
  ARENA_RETURN_IF_ERROR(MakeFolder(options.log_folder));
  return TrainingRun(options, sink).Run();
}

}  // namespace arena
