// Questions about single texts to an endpoint: several in a request, every answer kept.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/key_log.h"
#include "base/result.h"
#include "chat/endpoint_options.h"
#include "chat/text_endpoint.h"
#include "net/client.h"

namespace arena {

/// Thread-safe.
class TextCalls {
 public:
  /// What the endpoint is asked.
  struct Api {
    std::string path;         ///< "/embeddings"
    std::string texts_field;  ///< of the request: "input"
    Json more;                ///< an object: the request's other fields
    /// A text that the server refuses has the empty value; else it is an error.
    bool skips_refused = false;
    /// The values of `count` texts, in their order. Error: it is no such reply, so that it is worth
    /// another attempt.
    std::function<Result<std::vector<std::string>>(const Json& reply, std::size_t count)> read;
  };

  /// References outlive it.
  TextCalls(TextEndpoint endpoint, Api api);

  /// The value of each text: as it was kept, or asked for, each different text once; empty for a
  /// blank text, about which nothing is asked, and for those that are skipped. Errors:
  /// kCancelled (the user interrupted, or the cap on cost is reached), an endpoint that does not
  /// answer. What was answered before is kept all the same.
  Result<std::vector<std::string>> Ask(std::span<const std::string_view> texts) const;

  /// So many texts fill the endpoint's limit of requests at once.
  std::size_t texts_at_once() const;
  /// What can change a value.
  const std::string& behaviour() const { return behaviour_; }
  TextCallCounts counts() const;

 private:
  struct Missing {
    Key key;
    std::string_view text;
    std::string value{};  ///< once it is answered
  };
  Status AskFor(std::span<Missing> missing) const;
  Status AskOnce(std::span<Missing> missing) const;
  HttpCall CallFor(std::span<const Missing> missing) const;

  const TextEndpoint endpoint_;
  const Api api_;
  const std::string behaviour_;
  mutable std::atomic<std::int64_t> asked_ = 0, kept_ = 0, tokens_ = 0;
  mutable std::atomic<double> cost_usd_ = 0;
};

}  // namespace arena
