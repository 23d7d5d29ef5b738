#include "chat/internal/answer_text.h"

#include <algorithm>
#include <string_view>
#include <utility>

namespace arena {
namespace {

/// How many bytes at the end of `text` begin `stop` (and are not all of it).
std::size_t PossibleStart(std::string_view text, std::string_view stop) {
  for (std::size_t size = std::min(text.size(), stop.size() - 1); size > 0; --size) {
    if (text.ends_with(stop.substr(0, size))) return size;
  }
  return 0;
}

}  // namespace

std::string AnswerText::Add(TokenId token) { return Release(detokenizer_.Add(token), false); }

std::string AnswerText::Finish() { return Release(detokenizer_.Finish(), true); }

std::string AnswerText::Release(std::string more, bool is_last) {
  if (stopped_) return "";
  held_ += more;
  std::size_t end = std::string::npos;
  for (const std::string& stop : stop_) end = std::min(end, held_.find(stop));
  if (end != std::string::npos) {
    stopped_ = true;
    held_.resize(end);
    return std::exchange(held_, "");
  }
  std::size_t kept = 0;
  if (!is_last) {
    for (const std::string& stop : stop_) kept = std::max(kept, PossibleStart(held_, stop));
  }
  std::string released = held_.substr(0, held_.size() - kept);
  held_.erase(0, released.size());
  return released;
}

}  // namespace arena
