#include "text/reasoning.h"

namespace arena {
namespace {

constexpr std::string_view kOpen = "<think>";
constexpr std::string_view kClose = "</think>";
constexpr std::string_view kSpace = " \t\r\n";

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

}  // namespace

SplitReply SplitReasoning(std::string_view reply) {
  const std::size_t begin = reply.find_first_not_of(kSpace);
  if (begin == std::string_view::npos || reply.substr(begin, kOpen.size()) != kOpen) {
    return {{}, reply, false};
  }
  const std::string_view inside = reply.substr(begin + kOpen.size());
  const std::size_t close = inside.find(kClose);
  if (close == std::string_view::npos) return {Trim(inside), {}, true};
  std::string_view answer = inside.substr(close + kClose.size());
  const std::size_t first = answer.find_first_not_of(kSpace);
  answer.remove_prefix(first == std::string_view::npos ? answer.size() : first);
  return {Trim(inside.substr(0, close)), answer, false};
}

}  // namespace arena
