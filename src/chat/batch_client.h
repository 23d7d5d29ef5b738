// Requests through a provider's batch API: files in, results later, half the price.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/result.h"
#include "chat/endpoint_options.h"
#include "net/client.h"

namespace arena {

struct BatchClientOptions {
  EndpointProtocol protocol = EndpointProtocol::kOpenAi;  ///< kOpenAi or kAnthropic
  std::string base_url;                                   ///< without a slash at its end
  std::vector<HttpHeader> headers;                        ///< of every request; the key is in them
  LaneOptions limits;                      ///< of the requests that the batch API itself needs
  TransferLimits transfers;                ///< of the same; files of results are replies, too
  std::filesystem::path folder;            ///< keeps what was handed in; made if need be
  std::size_t most_requests = 2000;        ///< in one batch
  std::chrono::milliseconds linger{5000};  ///< a batch leaves when so long nothing was added
  std::chrono::milliseconds poll{60'000};  ///< between two looks at a batch
  int most_attempts = 3;                   ///< of a request that the provider's own faults stopped
  Budget* budget = nullptr;                ///< null: no cap
  std::function<bool()> interrupted = Interrupted;
};

/// A client whose Call() waits for a batch with its request in it. As many threads as a batch has
/// requests must call at once. `client` sends what the batch API itself needs and must
/// outlive the result.
///
/// What a batch holds is written to `folder` before it is handed in, and its name afterwards: a
/// process that takes over finds its batches (also one whose handing in was not answered) and
/// collects their results, and hands in again only what is in none of them. When the user
/// interrupts, what has not been handed in is kCancelled, and so are calls that wait for a batch;
/// the next run collects it. Results that the provider says have failed for its own reasons are
/// handed in again, `most_attempts` times in all. A reply without its use costs the worst case.
std::unique_ptr<HttpClient> MakeBatchClient(HttpClient& client, BatchClientOptions options);

}  // namespace arena
