#include "flywheel/internal/outside_program.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>
#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <sstream>
#include <system_error>
#include <thread>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "base/trim.h"

namespace arena::flywheel_internal {
namespace {

namespace fs = std::filesystem;

constexpr auto kPause = std::chrono::milliseconds(20);
constexpr auto kPatience = std::chrono::seconds(10);
constexpr std::size_t kLinesOfError = 5;
constexpr std::size_t kLogEnd = 16384;  // bytes of a log that are looked at

// Tells this start of the machine from others.
std::string BootId() {
  const auto text = ReadFile("/proc/sys/kernel/random/boot_id");
  return text.ok() ? std::string(TrimSpace(*text)) : "";
}

// When a process began, in ticks since the machine's start; none where there is no such process.
std::optional<std::string> BeganAt(pid_t pid) {
  const auto stat = ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!stat.ok()) return std::nullopt;
  // The name, in parentheses, may hold anything; what follows it are words.
  std::istringstream words(stat->substr(stat->rfind(')') + 1));
  constexpr int kStartTime = 20;  // the 22nd field, counted behind the name
  std::string word;
  for (int i = 0; i < kStartTime; ++i) words >> word;
  return word;
}

bool GroupLives(pid_t group) { return ::kill(-group, 0) == 0; }

void EndGroup(pid_t group, std::chrono::seconds patience) {
  ::kill(-group, SIGTERM);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (GroupLives(group) && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kPause);
  }
  ::kill(-group, SIGKILL);
}

Status WriteRecord(const fs::path& record, pid_t pid) {
  const Json json = {{"pid", pid}, {"began", BeganAt(pid).value_or("")}, {"boot", BootId()}};
  return WriteFileAtomic(record, DumpJson(json) + "\n");
}

}  // namespace

void EndLeftBehind(const fs::path& record) {
  if (!fs::exists(record)) return;
  const auto text = ReadFile(record);
  if (!text.ok()) return;
  const auto json = ParseJson(*text);
  if (!json.ok() || json->value("boot", "") != BootId()) return;
  const auto pid = static_cast<pid_t>(json->value("pid", std::int64_t{0}));
  if (pid <= 1) return;
  // A group's number is not given out again while one of it lives; a leader that began at another
  // time leads another group.
  const auto began = BeganAt(pid);
  if (began && *began != json->value("began", "")) return;
  if (GroupLives(pid)) EndGroup(pid, kPatience);
}

std::string FillIn(std::string text, const Placeholders& placeholders) {
  std::size_t from = 0;
  while (true) {
    const auto open = text.find('{', from);
    if (open == std::string::npos) return text;
    const auto close = text.find('}', open);
    if (close == std::string::npos) return text;
    const auto found = placeholders.find(text.substr(open + 1, close - open - 1));
    if (found == placeholders.end()) {
      from = open + 1;
      continue;
    }
    text.replace(open, close + 1 - open, found->second);
    from = open + found->second.size();
  }
}

Result<std::unique_ptr<OutsideProgram>> OutsideProgram::Start(const Options& options) {
  EndLeftBehind(options.record);
  ChildProcess::Options child;
  child.program = options.command.front();
  child.arguments.assign(options.command.begin() + 1, options.command.end());
  child.environment = options.environment;
  child.folder = options.folder.string();
  child.stdout_file = options.log.string();
  child.stderr_file = options.log.string();
  auto process = ChildProcess::Start(child);
  if (!process.ok()) return process.error();
  process->CloseInput();
  const pid_t pid = process->pid();
  std::unique_ptr<OutsideProgram> program(new OutsideProgram(std::move(*process), options.record));
  ARENA_RETURN_IF_ERROR(WriteRecord(options.record, pid));
  return program;
}

OutsideProgram::OutsideProgram(ChildProcess process, fs::path record)
    : process_(std::move(process)), group_(process_.pid()), record_(std::move(record)) {}

OutsideProgram::~OutsideProgram() { Stop(kPatience); }

const std::optional<ChildProcess::End>& OutsideProgram::Poll() {
  if (!end_) end_ = process_.Poll();
  return end_;
}

void OutsideProgram::Stop(std::chrono::seconds patience) {
  // The leader is waited for first: what it started may need its help to end.
  if (!Poll()) {
    process_.Signal(SIGTERM);
    end_ = process_.WaitOrKill(patience);
  }
  if (GroupLives(group_)) EndGroup(group_, patience);
  std::error_code ignored;
  fs::remove(record_, ignored);
}

Error ProgramFailed(const std::string& what, const fs::path& log) {
  return {ErrorCode::kUnavailable,
          fmt::format("{}. The end of {}:\n{}", what, log.string(), LastLines(log, kLinesOfError))};
}

std::string LastLines(const fs::path& log, std::size_t lines) {
  const auto file = MappedFile::Open(log);
  if (!file.ok()) return "";
  std::string_view bytes = file->bytes();
  if (bytes.size() > kLogEnd) bytes.remove_prefix(bytes.size() - kLogEnd);
  std::deque<std::string> last;
  std::istringstream text{std::string(bytes)};
  for (std::string line; std::getline(text, line);) {
    if (TrimSpace(line).empty()) continue;
    last.push_back(line);
    if (last.size() > lines) last.pop_front();
  }
  return fmt::format("{}", fmt::join(last, "\n"));
}

}  // namespace arena::flywheel_internal
