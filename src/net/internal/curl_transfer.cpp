#include "net/internal/curl_transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/trim.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr const char* kUserAgent = "arena/" ARENA_VERSION;

double Seconds(milliseconds duration) { return static_cast<double>(duration.count()) / 1000; }

TransferEnd EndOf(CURLcode code, bool was_sent) {
  switch (code) {
    case CURLE_OK:
      return TransferEnd::kReply;
    case CURLE_OPERATION_TIMEDOUT:
      return was_sent ? TransferEnd::kTimedOut : TransferEnd::kNotSent;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
      return TransferEnd::kUntrusted;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return TransferEnd::kInvalid;
    default:
      return was_sent ? TransferEnd::kBroken : TransferEnd::kNotSent;
  }
}

}  // namespace

CurlTransfer::CurlTransfer() : easy_(curl_easy_init()) {}

CurlTransfer& CurlTransfer::Of(CURL* easy) {
  char* self = nullptr;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
  return *static_cast<CurlTransfer*>(static_cast<void*>(self));
}

void CurlTransfer::Begin(TransferId id, const HttpRequest& request, const TransferLimits& limits) {
  id_ = id;
  limits_ = limits;
  reply_ = {};
  error_[0] = 0;
  started_ = steady_clock::now();
  has_byte_ = is_too_large_ = false;
  sendings_ = 0;
  curl_easy_reset(easy());
  SetOptions(request);
  SetHeaders(request);
}

void CurlTransfer::SetOptions(const HttpRequest& request) {
  CURL* curl = easy();
  curl_easy_setopt(curl, CURLOPT_PRIVATE, static_cast<void*>(this));
  curl_easy_setopt(curl, CURLOPT_URL, request.url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(curl, CURLOPT_USERAGENT, kUserAgent);
  curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, "");
  curl_easy_setopt(curl, CURLOPT_TCP_KEEPALIVE, 1L);
  if (request.method == HttpMethod::kPost) {
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request.body.data());
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request.body.size()));
  }
  if (request.url.starts_with("https:")) {
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    // Rather a stream of a connection that is being made than a connection for each.
    curl_easy_setopt(curl, CURLOPT_PIPEWAIT, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, limits_.verify_tls ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, limits_.verify_tls ? 2L : 0L);
    if (!limits_.ca_file.empty()) {
      curl_easy_setopt(curl, CURLOPT_CAINFO, limits_.ca_file.c_str());
    }
  } else {
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  }
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(limits_.connect.count()));
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(limits_.total.count()));
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, OnSend);
  curl_easy_setopt(curl, CURLOPT_PREREQDATA, this);
}

void CurlTransfer::SetHeaders(const HttpRequest& request) {
  curl_slist* list = nullptr;
  for (const HttpHeader& header : request.headers) {
    // curl drops a header without a value unless it ends in a semicolon.
    const std::string line =
        header.value.empty() ? header.name + ";" : fmt::format("{}: {}", header.name, header.value);
    list = curl_slist_append(list, line.c_str());
  }
  // Without it curl waits up to a second before it sends a long body.
  list = curl_slist_append(list, "Expect:");
  headers_.reset(list);
  curl_easy_setopt(easy(), CURLOPT_HTTPHEADER, list);
}

std::size_t CurlTransfer::OnHeader(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::string_view line(data, size * count);
  transfer.has_byte_ = true;
  transfer.last_byte_ = steady_clock::now();
  if (line.starts_with("HTTP/")) {
    transfer.reply_.headers.clear();  // what came before was an interim reply
  } else if (const auto colon = line.find(':'); colon != std::string_view::npos) {
    transfer.reply_.headers.push_back({std::string(TrimSpace(line.substr(0, colon))),
                                       std::string(TrimSpace(line.substr(colon + 1)))});
  }
  return line.size();
}

std::size_t CurlTransfer::OnBody(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  const std::size_t bytes = size * count;
  transfer.last_byte_ = steady_clock::now();
  if (bytes > transfer.limits_.max_reply_bytes - transfer.reply_.body.size()) {
    transfer.is_too_large_ = true;
    return 0;
  }
  transfer.reply_.body.append(data, bytes);
  return bytes;
}

// The second sending would be curl's own second try; who counts the attempts decides about that.
int CurlTransfer::OnSend(void* self, char*, char*, int, int) {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  return ++transfer.sendings_ == 1 ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

TransferResult CurlTransfer::TakeResult() {
  TransferResult result;
  long status = 0;
  curl_easy_getinfo(easy(), CURLINFO_RESPONSE_CODE, &status);
  result.reply = std::move(reply_);
  result.reply.status = static_cast<int>(status);
  result.was_sent = sendings_ > 0;
  result.duration = std::chrono::duration_cast<milliseconds>(steady_clock::now() - started_);
  return result;
}

TransferResult CurlTransfer::End(CURLcode code) {
  TransferResult result = TakeResult();
  result.end = is_too_large_ ? TransferEnd::kTooLarge : EndOf(code, result.was_sent);
  if (result.end == TransferEnd::kReply) return result;
  if (is_too_large_) {
    result.error = fmt::format("the reply is longer than {} MiB", limits_.max_reply_bytes >> 20);
  } else if (sendings_ > 1) {
    result.error = "the server closed the connection without a reply";
  } else {
    result.error = error_[0] != 0 ? error_.data() : curl_easy_strerror(code);
  }
  return result;
}

std::optional<TransferResult> CurlTransfer::Late(Time now) {
  const bool is_late =
      has_byte_ ? now - last_byte_ > limits_.idle : now - started_ > limits_.first_byte;
  if (!is_late) return std::nullopt;
  TransferResult result = TakeResult();
  result.end = result.was_sent ? TransferEnd::kTimedOut : TransferEnd::kNotSent;
  result.error = has_byte_
                     ? fmt::format("the reply stopped: no byte for {} s", Seconds(limits_.idle))
                     : fmt::format("no reply within {} s", Seconds(limits_.first_byte));
  return result;
}

}  // namespace arena
