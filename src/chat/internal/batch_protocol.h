// The batch APIs of OpenAI and Anthropic as pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/json.h"
#include "base/result.h"
#include "chat/endpoint_options.h"
#include "net/http.h"

namespace arena {

inline constexpr int kHttpOk = 200;
inline constexpr int kHttpServerError = 500;

/// One request of a batch.
struct BatchItem {
  std::string id;    ///< 32 hexadecimal digits
  std::string body;  ///< JSON
};

/// Where a batch is.
struct BatchState {
  std::string id;
  bool is_ended = false;
  /// Where its results are: addresses, in the order in which they are read; may be empty.
  std::vector<std::string> results;
  std::string problem;        ///< why it ended without results; empty: it did not
  std::string mark;           ///< as it was handed in with; empty where the API has no place for it
  std::int64_t requests = 0;  ///< how many it holds, where that is said
};

/// One line of the results.
struct BatchResult {
  std::string id;
  int status = 0;     ///< as of an HTTP reply; 0: it was never worked on, or has expired
  std::string body;   ///< the reply's
  std::string error;  ///< where there is no reply
};

/// Requests of the API. `mark` tells the batch from others.
class BatchApi {
 public:
  /// `base_url` without a slash at its end.
  BatchApi(EndpointProtocol protocol, std::string base_url)
      : protocol_(protocol), base_url_(std::move(base_url)) {}

  /// The upload that comes before; none: the API needs none. Its reply's "id" names the file.
  std::optional<HttpRequest> Upload(const std::vector<BatchItem>& items) const;
  HttpRequest Create(const std::vector<BatchItem>& items, const std::string& file,
                     const std::string& mark) const;
  HttpRequest Get(const std::string& batch) const;
  /// The batches that were handed in last.
  HttpRequest List() const;
  /// A file of results.
  HttpRequest Results(const std::string& address) const;

  /// Whether a batch keeps the mark that it was handed in with.
  bool has_marks() const { return protocol_ == EndpointProtocol::kOpenAi; }
  /// Error: it is no batch.
  Result<BatchState> ReadState(const Json& batch) const;
  /// The lines of a file of results. Error: a line that is no result.
  Status ReadResults(std::string_view text, FunctionRef<void(BatchResult&&)> sink) const;

 private:
  BatchResult ReadOpenAiResult(const Json& line) const;
  BatchResult ReadAnthropicResult(const Json& line) const;
  HttpRequest GetRequest(const std::string& path) const;

  const EndpointProtocol protocol_;
  const std::string base_url_;
};

}  // namespace arena
