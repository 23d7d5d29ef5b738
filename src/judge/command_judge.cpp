#include "judge/command_judge.h"

#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/child_process.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "judge/internal/failed_game.h"
#include "judge/verdict_form.h"

namespace arena {

using judge_internal::FailedGame;

namespace {

constexpr int kFailuresInARow = 10;
constexpr unsigned kMostWorkers = 1024;
constexpr std::size_t kLongestLine = std::size_t{16} << 20;  // bytes
constexpr std::uintmax_t kLargestScript = std::uintmax_t{64} << 20;
constexpr auto kPatienceAtEnd = std::chrono::milliseconds(2000);

using SteadyClock = std::chrono::steady_clock;

std::chrono::milliseconds Left(SteadyClock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - SteadyClock::now());
  return std::max(left, std::chrono::milliseconds(0));
}

/// One running program. For one thread at a time.
class Program {
 public:
  explicit Program(ChildProcess process) : process_(std::move(process)) {}
  Program(Program&&) = default;
  ~Program() = default;

  /// Sends a line and returns the next one. Error: it is no longer of use.
  Result<std::string> Ask(const std::string& line, std::chrono::milliseconds timeout) {
    const auto deadline = SteadyClock::now() + timeout;
    if (const Status written = process_.Write(line, timeout); !written.ok()) {
      return Ended(written.error().message);
    }
    while (true) {
      if (const auto end = buffer_.find('\n'); end != std::string::npos) {
        std::string reply = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return reply;
      }
      if (buffer_.size() > kLongestLine) return Ended("its line is longer than 16 MiB");
      const auto left = Left(deadline);
      if (left.count() == 0) {
        return Ended(
            fmt::format("no answer within {:g} s", static_cast<double>(timeout.count()) / 1000));
      }
      std::array<char, 65536> bytes{};
      ARENA_ASSIGN_OR_RETURN(const auto count, process_.Read(bytes.data(), bytes.size(), left));
      if (!count) continue;
      if (*count == 0) return Ended("it ended", true);
      buffer_.append(bytes.data(), *count);
    }
  }

  /// Lets it finish in order.
  void Close() {
    process_.CloseInput();
    process_.WaitOrKill(kPatienceAtEnd);
  }

 private:
  Error Ended(std::string cause, bool by_itself = false) {
    if (by_itself) {
      cause += fmt::format(" with {}", process_.WaitOrKill(kPatienceAtEnd).text);
    }
    return {ErrorCode::kUnavailable, std::move(cause)};
  }

  ChildProcess process_;
  std::string buffer_;
};

std::string RequestLine(std::int64_t id, const GameView& view) {
  Json instruction = {{"conversation", MessagesJson(view.instruction.conversation)}};
  if (!view.instruction.id.empty()) instruction["id"] = view.instruction.id;
  if (!view.instruction.category.empty()) instruction["category"] = view.instruction.category;
  if (view.instruction.reference) instruction["reference"] = *view.instruction.reference;
  return DumpJson(Json{{"id", id},
                       {"instruction", std::move(instruction)},
                       {"first", view.first},
                       {"second", view.second}}) +
         "\n";
}

/// What a program or its arguments name as files, by content. A data file that it writes to must
/// not be among them: then the user gives a version.
Json FileHashes(const CommandJudgeOptions& options) {
  Json hashes = Json::object();
  for (const std::string& argument : options.command) {
    std::error_code error;
    const auto path = std::filesystem::path(options.folder) / argument;
    if (!std::filesystem::is_regular_file(path, error)) continue;
    if (std::filesystem::file_size(path, error) > kLargestScript) continue;
    if (const auto hash = HashFile(path); hash.ok()) hashes[argument] = hash->Hex();
  }
  return hashes;
}

std::string CommandBehaviour(const CommandJudgeOptions& options) {
  Json json = {{"kind", "command"},
               {"command", options.command},
               {"lowest", options.lowest},
               {"highest", options.highest}};
  if (options.version.empty()) {
    json["files"] = FileHashes(options);
  } else {
    json["version"] = options.version;
  }
  return DumpJson(json);
}

class CommandJudge final : public Judge {
 public:
  explicit CommandJudge(CommandJudgeOptions options) : options_(std::move(options)) {
    identity_ = {options_.name, options_.family, CommandBehaviour(options_)};
  }
  CommandJudge(const CommandJudge&) = delete;
  CommandJudge& operator=(const CommandJudge&) = delete;
  ~CommandJudge() override {
    for (Program& program : idle_) program.Close();
  }

  const JudgeIdentity& identity() const override { return identity_; }
  unsigned games_at_once() const override { return options_.workers; }

  /// Error: the program cannot be started.
  Status StartFirst() {
    ARENA_ASSIGN_OR_RETURN(Program program, Start());
    idle_.push_back(std::move(program));
    return {};
  }

  Result<Game> Play(const GameView& view) override {
    ARENA_ASSIGN_OR_RETURN(Program program, Take());
    const std::int64_t id = ++last_id_;
    auto reply = program.Ask(RequestLine(id, view), options_.timeout);
    std::optional<Json> json;
    if (reply.ok()) {
      auto parsed = ParseJson(*reply);
      if (parsed.ok() && parsed->is_object()) json = std::move(*parsed);
      // An answer to another game would be followed by more of them.
      if (json && json->contains("id") && json->at("id") != id) {
        reply = Error{ErrorCode::kUnavailable, fmt::format("it answered game {} when asked for {}",
                                                           DumpJson(json->at("id")), id)};
      }
    }
    if (!reply.ok()) {
      Discard();
      const std::string error = fmt::format("the judge's command {}: {}", options_.command.front(),
                                            reply.error().message);
      if (++failures_ >= kFailuresInARow) {
        return Error{ErrorCode::kUnavailable,
                     fmt::format("{}; that is the {}th failure in a row{}", error, kFailuresInARow,
                                 options_.log_file.empty() ? "; set log to see what it says"
                                                           : ", see " + options_.log_file)};
      }
      return FailedGame(FailureKind::kApi, error);
    }
    failures_ = 0;
    GiveBack(std::move(program));
    Game game = json ? ReadReply(*json)
                     : FailedGame(FailureKind::kUnparsable,
                                  "the judge's command answered with no JSON object");
    game.raw_reply =
        DumpJson(Json{{"judge", "command"}, {"reply", json ? std::move(*json) : Json(*reply)}});
    return game;
  }

 private:
  Result<Program> Start() const {
    ChildProcess::Options start;
    start.program = options_.command.front();
    start.arguments.assign(options_.command.begin() + 1, options_.command.end());
    start.stderr_file = options_.log_file;
    start.folder = options_.folder;
    ARENA_ASSIGN_OR_RETURN(ChildProcess process, ChildProcess::Start(start));
    return Program(std::move(process));
  }

  /// A program for the caller alone; waits while as many as allowed are at work.
  Result<Program> Take() {
    {
      std::unique_lock lock(mutex_);
      free_.wait(lock, [this] { return working_ < options_.workers; });
      ++working_;
      if (!idle_.empty()) {
        Program program = std::move(idle_.back());
        idle_.pop_back();
        return program;
      }
    }
    auto program = Start();
    if (!program.ok()) Discard();
    return program;
  }

  void GiveBack(Program program) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(program));
      --working_;
    }
    free_.notify_one();
  }

  void Discard() {
    {
      const std::lock_guard lock(mutex_);
      --working_;
    }
    free_.notify_one();
  }

  std::optional<double> Score(const Json& reply, const char* name) const {
    const auto found = reply.find(name);
    if (found == reply.end() || !found->is_number()) return std::nullopt;
    const auto score = found->get<double>();
    if (!std::isfinite(score) || score < options_.lowest || score > options_.highest) {
      return std::nullopt;
    }
    return kLowestScore + (kHighestScore - kLowestScore) * (score - options_.lowest) /
                              (options_.highest - options_.lowest);
  }

  Game ReadReply(const Json& reply) const {
    if (const auto error = reply.find("error"); error != reply.end()) {
      return FailedGame(
          FailureKind::kUnparsable,
          fmt::format("the judge's command says: {}",
                      error->is_string() ? error->get<std::string>() : DumpJson(*error)));
    }
    const auto first = Score(reply, "score_first");
    const auto second = Score(reply, "score_second");
    if (!first || !second) {
      return FailedGame(
          FailureKind::kUnparsable,
          fmt::format("the judge's command must answer with score_first and score_second from "
                      "{:g} to {:g}",
                      options_.lowest, options_.highest));
    }
    Game game;
    game.state = WorkState::kDone;
    game.verdict = {*first, *second, ""};
    if (const auto why = reply.find("explanation"); why != reply.end() && why->is_string()) {
      game.verdict.explanation = why->get<std::string>();
    }
    return game;
  }

  // Constant after construction.
  const CommandJudgeOptions options_;
  JudgeIdentity identity_;

  std::atomic<std::int64_t> last_id_ = 0;
  std::atomic<int> failures_ = 0;  // in a row
  std::mutex mutex_;
  std::condition_variable free_;
  // Guarded by mutex_:
  std::vector<Program> idle_;
  unsigned working_ = 0;
};

}  // namespace

Result<std::unique_ptr<Judge>> MakeCommandJudge(CommandJudgeOptions options) {
  if (options.command.empty() || options.command.front().empty()) {
    return InvalidInput("a judge of kind \"command\" needs command = [\"PROGRAM\", ...]");
  }
  if (options.workers < 1 || options.workers > kMostWorkers || options.timeout.count() < 1) {
    return InvalidInput("a judge's command needs 1 to 1024 workers and a timeout above 0");
  }
  if (!std::isfinite(options.lowest) || !std::isfinite(options.highest) ||
      options.lowest >= options.highest) {
    return InvalidInput("a judge's command needs a lowest score below its highest");
  }
  auto judge = std::make_unique<CommandJudge>(std::move(options));
  ARENA_RETURN_IF_ERROR(judge->StartFirst());
  return judge;
}

}  // namespace arena
