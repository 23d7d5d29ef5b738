#include "chat/internal/lm_worker.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace arena {
namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10;
constexpr std::size_t kMaxLineBytes = std::size_t{256} << 20;
constexpr std::chrono::milliseconds kPollTime{200};
constexpr int kMaxFailuresInARow = 5;

/// What a pool's program has to be called, and where it lies: beside the program that runs.
std::string ProgramOf(const LmPoolOptions& options) {
  return options.program.empty() ? ProgramFolder() + "/libexec/arena-lm" : options.program;
}

}  // namespace

void LmRequest::Fail(const Error& error) const {
  if (on_answer) on_answer(error);
  if (on_vector) on_vector(error);
  if (on_reward) on_reward(error);
  if (on_batch) on_batch(error);
}

LmWorker::~LmWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    if (is_alive_) process_->Kill();
  }
  if (thread_.joinable()) thread_.join();
}

Status LmWorker::Start() {
  ARENA_RETURN_IF_ERROR(Spawn());
  thread_ = std::thread([this] { Run(); });
  return {};
}

Status LmWorker::Spawn() {
  ChildProcess::Options child{.program = ProgramOf(options_), .stderr_file = options_.stderr_file};
  ARENA_ASSIGN_OR_RETURN(ChildProcess started, ChildProcess::Start(child));
  process_.emplace(std::move(started));
  {
    const std::lock_guard lock(mutex_);
    is_alive_ = true;
  }
  buffer_.clear();
  ARENA_RETURN_IF_ERROR(process_->Write(lm_lines::Hello(options_) + "\n"));
  const auto deadline = Clock::now() + options_.start_limit;
  std::array<char, kReadBytes> data;
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const std::optional<std::size_t> count,
                           process_->Read(data.data(), data.size(), kPollTime));
    if (count == 0) {
      return IoError(fmt::format("{} ended while it loaded {}: {}", child.program,
                                 options_.model.string(), EndProcess()));
    }
    buffer_.append(data.data(), count.value_or(0));
    if (const auto newline = buffer_.find('\n'); newline != std::string::npos) {
      ARENA_ASSIGN_OR_RETURN(lm_lines::Reply reply, lm_lines::Parse({buffer_.data(), newline}));
      buffer_.erase(0, newline + 1);
      if (auto* failed = std::get_if<lm_lines::Failed>(&reply))
        return InvalidInput(failed->message);
      auto* ready = std::get_if<lm_lines::Ready>(&reply);
      if (ready == nullptr) return IoError(child.program + " does not speak the protocol");
      // A process that takes over has loaded the same; other threads may be reading what it is.
      if (model_.context == 0) model_ = std::move(ready->model);
      const std::lock_guard lock(mutex_);
      last_sign_of_life_ = Clock::now();
      return {};
    }
    if (const std::lock_guard lock(mutex_); stopping_) return Cancelled("the model was closed");
    if (Clock::now() > deadline) {
      return IoError(fmt::format("{} has not loaded {} within {} s", child.program,
                                 options_.model.string(), options_.start_limit.count()));
    }
  }
}

std::string LmWorker::EndProcess() {
  {
    const std::lock_guard lock(mutex_);
    is_alive_ = false;
  }
  process_->Kill();
  return process_->Wait();
}

void LmWorker::Run() {
  while (true) {
    std::thread writer([this] { WriteLines(); });
    std::string cause = ReadReplies();
    process_->Kill();  // frees a writer that waits at a full pipe
    {
      const std::lock_guard lock(mutex_);
      stop_writing_ = true;
    }
    wake_writer_.notify_all();
    writer.join();
    cause = fmt::format("{}; {}", cause, EndProcess());
    {
      const std::lock_guard lock(mutex_);
      stop_writing_ = false;
      if (stopping_) cause = "the model was closed";
      if (stopping_ || ++failures_in_a_row_ > kMaxFailuresInARow) given_up_ = true;
    }
    if (given_up_) return GiveUp(cause);
    AskAgain(cause);
    if (const Status spawned = Spawn(); !spawned.ok()) {
      if (process_) EndProcess();
      return GiveUp(
          fmt::format("{}; and it cannot be started again: {}", cause, spawned.error().message));
    }
  }
}

void LmWorker::GiveUp(const std::string& cause) {
  std::unordered_map<std::uint64_t, LmRequest> left;
  {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
    left.swap(open_);
  }
  for (const auto& [id, request] : left) {
    request.Fail({ErrorCode::kUnavailable, "the language model's worker failed: " + cause});
  }
}

void LmWorker::AskAgain(const std::string& cause) {
  std::vector<LmRequest> failed;
  {
    const std::lock_guard lock(mutex_);
    ++restarts_;
    outgoing_.clear();
    for (auto at = open_.begin(); at != open_.end();) {
      LmRequest& request = at->second;
      request.repeated = 0;
      if (++request.deaths < options_.attempts) {
        outgoing_.push_back(request.line);
        if (request.is_cancelled) outgoing_.push_back(lm_lines::Cancel(request.id));
        ++at;
      } else {
        failed.push_back(std::move(request));
        at = open_.erase(at);
      }
    }
  }
  for (const LmRequest& request : failed) {
    request.Fail({ErrorCode::kUnavailable,
                  fmt::format("{} workers failed with this request, the last one so: {}",
                              request.deaths, cause)});
  }
}

bool LmWorker::Submit(LmRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    if (given_up_ || stopping_) return false;
    if (open_.empty()) last_sign_of_life_ = Clock::now();
    outgoing_.push_back(request.line);
    const std::uint64_t id = request.id;
    open_.emplace(id, std::move(request));
  }
  wake_writer_.notify_one();
  return true;
}

void LmWorker::Cancel(std::uint64_t id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(id);
    if (found == open_.end()) return;
    found->second.is_cancelled = true;
    outgoing_.push_back(lm_lines::Cancel(id));
  }
  wake_writer_.notify_one();
}

void LmWorker::WriteLines() {
  while (true) {
    std::string lines;
    {
      std::unique_lock lock(mutex_);
      wake_writer_.wait(lock, [this] { return stop_writing_ || !outgoing_.empty(); });
      if (stop_writing_) return;
      for (const std::string& line : outgoing_) {
        lines += line;
        lines += '\n';
      }
      outgoing_.clear();
    }
    if (!process_->Write(lines).ok()) return;  // the reading thread sees its end
  }
}

std::string LmWorker::ReadReplies() {
  std::array<char, kReadBytes> data;
  Clock::time_point last_ping = Clock::now();
  while (true) {
    const auto count = process_->Read(data.data(), data.size(), kPollTime);
    if (!count.ok()) return count.error().message;
    if (*count == 0) return "it ended";
    if (!*count) {
      const std::lock_guard lock(mutex_);
      if (stopping_) return "it is not needed any more";
      const auto now = Clock::now();
      const auto silence = now - last_sign_of_life_;
      if (open_.empty()) continue;
      if (silence > options_.stall_limit) {
        return fmt::format("it was silent for {} s", options_.stall_limit.count());
      }
      if (silence > options_.stall_limit / 4 && now - last_ping > options_.stall_limit / 4) {
        last_ping = now;
        outgoing_.push_back(lm_lines::Stats());
        wake_writer_.notify_one();
      }
      continue;
    }
    buffer_.append(data.data(), **count);
    std::size_t begin = 0;
    for (std::size_t end = buffer_.find('\n'); end != std::string::npos;
         end = buffer_.find('\n', begin)) {
      const Status handled = Handle(std::string_view(buffer_).substr(begin, end - begin));
      if (!handled.ok()) return "it answered garbage: " + handled.error().message;
      begin = end + 1;
    }
    buffer_.erase(0, begin);
    if (buffer_.size() > kMaxLineBytes) return "it answered a line without an end";
  }
}

Result<LmRequest> LmWorker::Close(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end()) {
    return InvalidInput(fmt::format("a reply to request {}, which is not open", id));
  }
  LmRequest request = std::move(found->second);
  open_.erase(found);
  ++finished_;
  failures_in_a_row_ = 0;
  return request;
}

Status LmWorker::Take(lm_lines::More& more) {
  LmPool::OnTokens on_tokens;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(more.id);
    if (found == open_.end() || !found->second.on_tokens) {
      return InvalidInput(fmt::format("tokens for request {}, which wants none", more.id));
    }
    LmRequest& request = found->second;
    on_tokens = request.on_tokens;
    GeneratedTokens& tokens = more.tokens;
    // A process that took over says again what the other had said.
    const std::size_t again =
        std::min(request.streamed.size() - request.repeated, tokens.tokens.size());
    const auto said = request.streamed.begin() + static_cast<std::ptrdiff_t>(request.repeated);
    const auto cut = static_cast<std::ptrdiff_t>(again);
    if (!std::equal(tokens.tokens.begin(), tokens.tokens.begin() + cut, said)) {
      return InvalidInput("another process continued the answer in another way");
    }
    tokens.tokens.erase(tokens.tokens.begin(), tokens.tokens.begin() + cut);
    if (!tokens.logprobs.empty()) {
      tokens.logprobs.erase(tokens.logprobs.begin(), tokens.logprobs.begin() + cut);
    }
    if (!tokens.top.empty()) tokens.top.erase(tokens.top.begin(), tokens.top.begin() + cut);
    request.streamed.insert(request.streamed.end(), tokens.tokens.begin(), tokens.tokens.end());
    request.repeated += again + tokens.tokens.size();
    if (tokens.tokens.empty()) return {};
  }
  on_tokens(more.tokens);
  return {};
}

Status LmWorker::Handle(std::string_view line) {
  ARENA_ASSIGN_OR_RETURN(lm_lines::Reply reply, lm_lines::Parse(line));
  {
    const std::lock_guard lock(mutex_);
    last_sign_of_life_ = Clock::now();
  }
  if (auto* more = std::get_if<lm_lines::More>(&reply)) return Take(*more);
  if (auto* done = std::get_if<lm_lines::Done>(&reply)) {
    ARENA_ASSIGN_OR_RETURN(const LmRequest request, Close(done->id));
    if (!request.on_answer) return InvalidInput("an answer where none was asked for");
    request.on_answer(std::move(done->answer));
  } else if (auto* numbers = std::get_if<lm_lines::Numbers>(&reply)) {
    ARENA_ASSIGN_OR_RETURN(const LmRequest request, Close(numbers->id));
    if (!request.on_vector) return InvalidInput("numbers where none were asked for");
    request.on_vector(std::move(numbers->values));
  } else if (const auto* rewarded = std::get_if<lm_lines::Rewarded>(&reply)) {
    ARENA_ASSIGN_OR_RETURN(const LmRequest request, Close(rewarded->id));
    if (!request.on_reward) return InvalidInput("a reward where none was asked for");
    request.on_reward(rewarded->reward);
  } else if (auto* batch = std::get_if<lm_lines::BatchDone>(&reply)) {
    ARENA_ASSIGN_OR_RETURN(const LmRequest request, Close(batch->id));
    if (!request.on_batch) return InvalidInput("a batch where none was asked for");
    request.on_batch(std::move(batch->answers));
  } else if (auto* failed = std::get_if<lm_lines::Failed>(&reply)) {
    if (failed->id == 0) return InvalidInput(failed->message);
    ARENA_ASSIGN_OR_RETURN(const LmRequest request, Close(failed->id));
    request.Fail(InvalidInput(std::move(failed->message)));
  } else if (std::holds_alternative<lm_lines::Ready>(reply)) {
    return InvalidInput("it says a second time that it is ready");
  }
  return {};
}

std::size_t LmWorker::open() const {
  const std::lock_guard lock(mutex_);
  return given_up_ ? std::size_t(-1) : open_.size();
}

std::int64_t LmWorker::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

std::int64_t LmWorker::restarts() const {
  const std::lock_guard lock(mutex_);
  return restarts_;
}

int LmWorker::pid() const {
  const std::lock_guard lock(mutex_);
  return is_alive_ ? process_->pid() : -1;
}

}  // namespace arena
