// One transfer of curl's, from the request's options to the result.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>

#include "net/http.h"
#include "net/transport.h"

namespace arena {

/// Can be used again after its end: its handle keeps what is costly to make. Used from one thread.
class CurlTransfer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  CurlTransfer();

  void Begin(TransferId id, const HttpRequest& request, const TransferLimits& limits);
  /// What became of it, when curl says that it ended with `code`.
  TransferResult End(CURLcode code);
  /// The result of a transfer that has passed a deadline that curl does not know; none: it has not.
  std::optional<TransferResult> Late(Time now);

  TransferId id() const { return id_; }
  CURL* easy() const { return easy_.get(); }
  static CurlTransfer& Of(CURL* easy);

 private:
  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* self);
  static int OnSend(void* self, char*, char*, int, int);
  void SetOptions(const HttpRequest& request);
  void SetHeaders(const HttpRequest& request);
  TransferResult TakeResult();

  struct EasyCleanup {
    void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
  };
  struct ListCleanup {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  std::unique_ptr<CURL, EasyCleanup> easy_;
  std::unique_ptr<curl_slist, ListCleanup> headers_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  TransferId id_ = 0;
  TransferLimits limits_;
  HttpReply reply_;
  Time started_{};
  Time last_byte_{};
  bool has_byte_ = false;
  bool is_too_large_ = false;
  int sendings_ = 0;
};

}  // namespace arena
