// Requests, replies, and how a transfer ended.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace arena {

struct HttpHeader {
  std::string name;
  std::string value;
};

enum class HttpMethod { kGet, kPost };

struct HttpRequest {
  HttpMethod method = HttpMethod::kPost;
  std::string url;
  std::vector<HttpHeader> headers;
  std::string body;
};

struct HttpReply {
  int status = 0;
  std::vector<HttpHeader> headers;
  std::string body;

  /// The first header of that name, whatever its case; empty: none.
  std::string_view Header(std::string_view name) const;
};

/// How one attempt ended.
enum class TransferEnd {
  kReply,      ///< a complete reply, of whatever status
  kNotSent,    ///< no connection, so nothing was asked
  kTimedOut,   ///< a deadline passed
  kBroken,     ///< the connection ended before the reply was complete
  kUntrusted,  ///< the server's certificate is not valid
  kTooLarge,   ///< the reply passed the limit
  kInvalid,    ///< the request cannot be sent at all: a malformed address
};

struct TransferResult {
  TransferEnd end = TransferEnd::kReply;
  HttpReply reply;    ///< as far as it came
  std::string error;  ///< for people; empty for kReply
  bool was_sent = true;
  std::chrono::milliseconds duration{0};
};

/// The limits of one transfer.
struct TransferLimits {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds first_byte{600'000};  ///< from the start
  std::chrono::milliseconds idle{120'000};        ///< between bytes of the reply
  std::chrono::milliseconds total{900'000};
  std::size_t max_reply_bytes = std::size_t{16} << 20;
  bool verify_tls = true;
  std::string ca_file{};  ///< certificates to trust instead of the system's; empty: the system's

  bool operator==(const TransferLimits&) const = default;
};

}  // namespace arena
