#include "base/result.h"

#include <fmt/format.h>

namespace arena {

std::string_view ErrorCodeName(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput:
      return "invalid input";
    case ErrorCode::kNotFound:
      return "not found";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kCancelled:
      return "cancelled";
    case ErrorCode::kIo:
      return "input/output error";
    case ErrorCode::kInternal:
      return "internal error";
  }
  return "unknown";
}

Error InvalidLine(std::string_view file, long long line, std::string_view message) {
  return InvalidInput(fmt::format("{}:{}: {}", file, line, message));
}

}  // namespace arena
