// What an attempt's end means: done, worth another attempt, or hopeless.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace arena {

enum class OutcomeKind {
  kSuccess,
  kRefused,  ///< the server is busy and did no work: 429, 503, 529
  kRetry,    ///< another attempt may succeed
  kFinal,    ///< it will not
};

struct AttemptOutcome {
  OutcomeKind kind = OutcomeKind::kSuccess;
  std::string cause;            ///< what equal failures share: "HTTP 500"
  std::string error;            ///< for people: the cause with what the server said
  bool blames_endpoint = true;  ///< false: the request is at fault, others may succeed
  bool is_congested = false;    ///< fewer at once may help
  bool may_be_billed = false;   ///< the server may have done the work
  std::optional<std::chrono::milliseconds> retry_after{};  ///< as the server asked
};

/// Judges a transfer; a reply of status 2xx is a success here, whatever it says. `now` is what a
/// Retry-After date is compared with.
AttemptOutcome JudgeAttempt(const TransferResult& result,
                            std::chrono::system_clock::time_point now);

/// A reply of status 2xx that is not what it should be.
AttemptOutcome UnusableReply(std::string problem);

/// The wait that a reply asks for: `retry-after-ms`, or `Retry-After` in seconds or as an HTTP date
/// (RFC 9110, 10.2.3). None: no such header, or one that says neither.
std::optional<std::chrono::milliseconds> RetryAfter(const HttpReply& reply,
                                                    std::chrono::system_clock::time_point now);

/// The message of an error reply, at most 300 bytes of one line: `error.message`, `error` or
/// `message` of a JSON body, else the body.
std::string ErrorMessageOf(const HttpReply& reply);

}  // namespace arena
