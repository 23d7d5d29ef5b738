#include "net/outcome.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

constexpr std::size_t kMessageBytes = 300;
// Beyond it a number of milliseconds could overflow; nobody waits for so long.
constexpr double kLongestWaitSeconds = 366.0 * 86400;

std::optional<double> NonNegative(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_all = error == std::errc{} && end == text.data() + text.size();
  if (!is_all || !std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}

milliseconds WaitOf(double seconds) {
  return milliseconds(std::llround(std::min(seconds, kLongestWaitSeconds) * 1000));
}

// The text of a JSON error, in the shapes that servers give it.
std::string MessageIn(const Json& json) {
  const auto text = [](const Json& object, const char* name) -> std::string {
    const auto found = object.find(name);
    return found != object.end() && found->is_string() ? found->get<std::string>() : "";
  };
  if (!json.is_object()) return "";
  if (const auto error = json.find("error"); error != json.end()) {
    if (error->is_object()) return text(*error, "message");
    if (error->is_string()) return error->get<std::string>();
  }
  if (std::string message = text(json, "message"); !message.empty()) return message;
  return text(json, "detail");
}

std::string OneShortLine(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; }, ' ');
  if (text.size() <= kMessageBytes) return text;
  std::size_t end = kMessageBytes;
  // Not within a character of UTF-8.
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "...";
}

bool IsBusy(int status) { return status == 429 || status == 503 || status == 529; }

bool IsPassing(int status) {
  return status == 408 || status == 409 || status == 425 || status >= 500;
}

// Key, address or rights are wrong: every other request fails in the same way.
bool IsOfEndpoint(int status) {
  return (status >= 300 && status < 400) || (status >= 401 && status <= 405);
}

AttemptOutcome JudgeStatus(const HttpReply& reply, system_clock::time_point now) {
  AttemptOutcome outcome;
  if (reply.status >= 200 && reply.status < 300) return outcome;
  outcome.cause = fmt::format("HTTP {}", reply.status);
  const std::string message = ErrorMessageOf(reply);
  outcome.error = message.empty() ? outcome.cause : fmt::format("{}: {}", outcome.cause, message);
  if (IsBusy(reply.status)) {
    outcome.kind = OutcomeKind::kRefused;
    outcome.is_congested = true;
    outcome.retry_after = RetryAfter(reply, now);
  } else if (IsPassing(reply.status)) {
    outcome.kind = OutcomeKind::kRetry;
    outcome.retry_after = RetryAfter(reply, now);
  } else {
    outcome.kind = OutcomeKind::kFinal;
    outcome.blames_endpoint = IsOfEndpoint(reply.status);
  }
  return outcome;
}

}  // namespace

std::optional<milliseconds> RetryAfter(const HttpReply& reply, system_clock::time_point now) {
  if (const auto ms = NonNegative(reply.Header("retry-after-ms"))) return WaitOf(*ms / 1000);
  const std::string value(reply.Header("retry-after"));
  if (value.empty()) return std::nullopt;
  if (const auto seconds = NonNegative(value)) return WaitOf(*seconds);
  const std::time_t date = curl_getdate(value.c_str(), nullptr);
  if (date == -1) return std::nullopt;
  // In floating point: far dates do not fit into the clock's units.
  const double since = std::chrono::duration<double>(now.time_since_epoch()).count();
  return WaitOf(std::max(static_cast<double>(date) - since, 0.0));
}

std::string ErrorMessageOf(const HttpReply& reply) {
  const auto json = ParseJson(reply.body);
  std::string message = json.ok() ? MessageIn(*json) : "";
  return OneShortLine(message.empty() ? reply.body : std::move(message));
}

AttemptOutcome JudgeAttempt(const TransferResult& result, system_clock::time_point now) {
  if (result.end == TransferEnd::kReply) return JudgeStatus(result.reply, now);
  AttemptOutcome outcome;
  outcome.kind = OutcomeKind::kRetry;
  outcome.error = result.error;
  outcome.may_be_billed = result.was_sent;
  switch (result.end) {
    case TransferEnd::kNotSent:
      outcome.cause = "no connection";
      outcome.may_be_billed = false;
      break;
    case TransferEnd::kTimedOut:
      outcome.cause = "timed out";
      outcome.is_congested = true;
      break;
    case TransferEnd::kUntrusted:
      outcome.cause = "certificate";
      outcome.kind = OutcomeKind::kFinal;
      outcome.may_be_billed = false;
      break;
    case TransferEnd::kTooLarge:
      outcome.cause = "too large";
      outcome.kind = OutcomeKind::kFinal;
      outcome.blames_endpoint = false;
      break;
    case TransferEnd::kInvalid:
      outcome.cause = "invalid request";
      outcome.kind = OutcomeKind::kFinal;
      outcome.may_be_billed = false;
      break;
    case TransferEnd::kBroken:
    case TransferEnd::kReply:
      outcome.cause = "broken connection";
      break;
  }
  return outcome;
}

AttemptOutcome UnusableReply(std::string problem) {
  AttemptOutcome outcome;
  outcome.kind = OutcomeKind::kRetry;
  outcome.cause = "unusable reply";
  outcome.error = std::move(problem);
  outcome.may_be_billed = true;
  return outcome;
}

}  // namespace arena
