#include "lm/line_input.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

namespace arena::lm {

LineInput::LineInput(int fd, std::size_t max_line_bytes)
    : fd_(fd),
      wake_fd_(::eventfd(0, EFD_CLOEXEC)),
      max_line_bytes_(max_line_bytes),
      thread_([this] { Read(); }) {}

LineInput::~LineInput() {
  {
    const std::lock_guard lock(mutex_);
    queued_bytes_ = 0;  // nobody will take lines any more: do not wait for that
    lines_.clear();
    ended_ = true;
  }
  changed_.notify_all();
  ::eventfd_write(wake_fd_, 1);
  thread_.join();
  ::close(wake_fd_);
}

std::optional<InputLine> LineInput::Next(bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) changed_.wait(lock, [this] { return !lines_.empty() || ended_; });
  if (lines_.empty()) return std::nullopt;
  InputLine line = std::move(lines_.front());
  lines_.pop_front();
  queued_bytes_ -= line.text.size();
  changed_.notify_all();
  return line;
}

bool LineInput::at_end() {
  const std::lock_guard lock(mutex_);
  return ended_ && lines_.empty();
}

void LineInput::Read() {
  std::vector<char> buffer(std::size_t{64} << 10);
  while (true) {
    pollfd sources[] = {{fd_, POLLIN, 0}, {wake_fd_, POLLIN, 0}};
    if (::poll(sources, 2, -1) < 0 && errno != EINTR) break;
    if (sources[1].revents != 0) break;
    if (sources[0].revents == 0) continue;
    const ssize_t count = ::read(fd_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    Append(buffer.data(), static_cast<std::size_t>(count));
  }
  if (!partial_.empty() || skipping_) Push({std::move(partial_), skipping_});
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

void LineInput::Append(const char* bytes, std::size_t count) {
  while (count > 0) {
    const auto* const end = static_cast<const char*>(std::memchr(bytes, '\n', count));
    const std::size_t size = end == nullptr ? count : static_cast<std::size_t>(end - bytes);
    if (!skipping_ && partial_.size() + size > max_line_bytes_) {
      skipping_ = true;
      partial_ = {};
    }
    if (!skipping_) partial_.append(bytes, size);
    if (end == nullptr) return;
    Push({std::exchange(partial_, {}), std::exchange(skipping_, false)});
    bytes += size + 1;
    count -= size + 1;
  }
}

void LineInput::Push(InputLine line) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return queued_bytes_ <= max_line_bytes_ || ended_; });
  if (ended_) return;
  queued_bytes_ += line.text.size();
  lines_.push_back(std::move(line));
  changed_.notify_all();
}

}  // namespace arena::lm
