// Lines from a file descriptor, read on a thread of their own.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace arena::lm {

/// One line of input.
struct InputLine {
  std::string text;          ///< without its end
  bool is_too_long = false;  ///< it was longer than the limit; `text` is empty
};

/// Reads lines while others compute, so that what arrives meanwhile can change what is computed.
/// Holds at most twice the longest line before the writer has to wait. Thread-safe.
class LineInput {
 public:
  /// Reads `fd` to its end; does not close it.
  LineInput(int fd, std::size_t max_line_bytes);
  /// Stops reading, wherever the input is.
  ~LineInput();
  LineInput(const LineInput&) = delete;
  LineInput& operator=(const LineInput&) = delete;

  /// The next line. `wait`: until there is one. Nothing: none now, or (after waiting) none ever.
  std::optional<InputLine> Next(bool wait);
  /// Whether all lines were taken and no more will come.
  bool at_end();

 private:
  void Read();
  void Append(const char* bytes, std::size_t count);
  void Push(InputLine line);

  const int fd_;
  const int wake_fd_;  // readable once the reading thread shall stop
  const std::size_t max_line_bytes_;

  // Of the reading thread.
  std::string partial_;
  bool skipping_ = false;

  std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  std::deque<InputLine> lines_;
  std::size_t queued_bytes_ = 0;
  bool ended_ = false;

  std::thread thread_;  // last: it uses the rest
};

}  // namespace arena::lm
