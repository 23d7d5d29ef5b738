// The HTTP client of a run, and the limits that its endpoints share.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <vector>

#include "base/key_log.h"
#include "base/result.h"
#include "chat/endpoint_contestant.h"
#include "chat/endpoint_ifd.h"
#include "chat/text_endpoint.h"
#include "cli/endpoint_config.h"
#include "net/budget.h"
#include "net/client.h"

namespace arena {

/// Makes the models behind endpoints. Those with the same address and key share one set of limits.
/// Outlives what it made. Not thread-safe; its models are.
class Network {
 public:
  /// `max_cost_usd`: what all requests together may cost; no request starts that could pass it.
  /// `batches`: the folder that keeps what was handed in to batch APIs.
  explicit Network(std::uint64_t seed,
                   double max_cost_usd = std::numeric_limits<double>::infinity(),
                   std::filesystem::path batches = "arena.batches");

  /// Errors: the environment has no such key; limits that differ from those of another model with
  /// the same address and key; a model whose cost has no limit although there is a cap.
  Result<std::unique_ptr<EndpointContestant>> MakeModel(const EndpointConfig& config);

  /// Embeddings, moderation, IFD. `kept` keeps what is answered and must outlive them. Errors: as
  /// MakeModel(), and those of the first request of embedder and IFD.
  Result<std::unique_ptr<EndpointEmbedder>> MakeEmbedder(const TextEndpointConfig& config,
                                                         KeyLog& kept);
  Result<std::unique_ptr<EndpointModerator>> MakeModerator(const TextEndpointConfig& config,
                                                           KeyLog& kept);
  /// IFD by a model that answers /completions, as EndpointIfdRater says.
  Result<std::unique_ptr<EndpointIfdRater>> MakeIfdRater(const EndpointConfig& config,
                                                         ChatTemplate chat_template, KeyLog& kept);

  const Budget& budget() const { return budget_; }
  /// All zero where no model was made.
  ClientCounts counts() const;

 private:
  struct Shared {
    EndpointConfig config;
    HttpClient::EndpointId id;
  };
  /// The settings with their key.
  Result<EndpointOptions> WithKey(const EndpointConfig& config) const;
  Result<TextEndpoint> TextEndpointFor(const TextEndpointConfig& config, KeyLog& kept);
  Result<HttpClient::EndpointId> EndpointFor(const EndpointConfig& config);
  HttpClient& BatchesFor(const EndpointConfig& config, const EndpointOptions& model);

  const std::uint64_t seed_;
  const bool has_cap_;
  Budget budget_;
  std::unique_ptr<HttpClient> client_;  // made when first needed: it is a thread
  std::vector<Shared> endpoints_;
  const std::filesystem::path batches_folder_;
  std::vector<std::unique_ptr<HttpClient>> batches_;  // end before the client
};

}  // namespace arena
