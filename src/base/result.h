// Result<T>: what every fallible call of this project returns.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace arena {

/// What the caller can do about an error.
enum class ErrorCode {
  kInvalidInput,  ///< a file, an option or a configuration is wrong: mend it, then try again
  kNotFound,      ///< something named does not exist
  kUnavailable,   ///< may pass: try again later
  kCancelled,     ///< the user asked to stop; what was finished is kept
  kIo,            ///< the disk or the database failed: free space, check rights
  kInternal,      ///< a bug of ours: give up and report it
};

std::string_view ErrorCodeName(ErrorCode code);

/// An error with a message for a person: what is wrong, where (file and line), what to do.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;
};

/// A value or an Error. `Status` is the form without a value.
template <typename T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;
  Result(Error error) : Base(tl::unexpected<Error>(std::move(error))) {}  // NOLINT: implicit
  bool ok() const { return Base::has_value(); }
};
using Status = Result<void>;

inline Error InvalidInput(std::string message) {
  return {ErrorCode::kInvalidInput, std::move(message)};
}
inline Error NotFound(std::string message) { return {ErrorCode::kNotFound, std::move(message)}; }
inline Error IoError(std::string message) { return {ErrorCode::kIo, std::move(message)}; }
inline Error Cancelled(std::string message) { return {ErrorCode::kCancelled, std::move(message)}; }
inline Error InternalError(std::string message) {
  return {ErrorCode::kInternal, std::move(message)};
}

/// An InvalidInput error that says "FILE:LINE: message".
Error InvalidLine(std::string_view file, long long line, std::string_view message);

}  // namespace arena

#define ARENA_CONCAT_INNER(a, b) a##b
#define ARENA_CONCAT(a, b) ARENA_CONCAT_INNER(a, b)

#define ARENA_RETURN_IF_ERROR_IMPL(status, expr)        \
  do {                                                  \
    if (auto status = (expr); !status.has_value()) {    \
      return ::arena::Error(std::move(status).error()); \
    }                                                   \
  } while (false)

/// Returns the error of `expr` (a Status or Result) from the enclosing function.
#define ARENA_RETURN_IF_ERROR(expr) \
  ARENA_RETURN_IF_ERROR_IMPL(ARENA_CONCAT(arena_status_, __COUNTER__), expr)

#define ARENA_ASSIGN_OR_RETURN_IMPL(result, lhs, expr) \
  auto result = (expr);                                \
  if (!result.has_value()) {                           \
    return ::arena::Error(std::move(result).error());  \
  }                                                    \
  lhs = std::move(*result)

/// `ARENA_ASSIGN_OR_RETURN(auto x, F())`: x = the value of F(), or returns F()'s error.
#define ARENA_ASSIGN_OR_RETURN(lhs, expr) \
  ARENA_ASSIGN_OR_RETURN_IMPL(ARENA_CONCAT(arena_result_, __COUNTER__), lhs, expr)
