#include "cli/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "base/hash.h"

namespace arena {

Network::Network(std::uint64_t seed, double max_cost_usd, std::filesystem::path batches)
    : seed_(seed),
      has_cap_(std::isfinite(max_cost_usd)),
      budget_(max_cost_usd),
      batches_folder_(std::move(batches)) {}

HttpClient& Network::BatchesFor(const EndpointConfig& config, const EndpointOptions& model) {
  constexpr std::size_t kLargestFile = std::size_t{1} << 30;
  BatchClientOptions options = config.batches;
  options.protocol = model.protocol;
  options.base_url = EndpointUrl(model);
  options.headers = EndpointHeaders(model);
  options.limits = config.limits;
  options.limits.name += " (batches)";
  options.transfers = config.transfers;
  options.transfers.max_reply_bytes = kLargestFile;
  // Each model has batches of its own: other limits, other prices, another key.
  options.folder =
      batches_folder_ /
      KeyBuilder("batches").Add(options.base_url).Add(model.name).Build().Hex().substr(0, 12);
  options.budget = &budget_;
  batches_.push_back(MakeBatchClient(*client_, std::move(options)));
  return *batches_.back();
}

ClientCounts Network::counts() const {
  return client_ == nullptr ? ClientCounts{} : client_->counts();
}

Result<HttpClient::EndpointId> Network::EndpointFor(const EndpointConfig& config) {
  if (client_ == nullptr) {
    HttpClientOptions client;
    client.seed = seed_;
    client.budget = &budget_;
    client_ = HttpClient::Make(client);
  }
  const auto found = std::find_if(endpoints_.begin(), endpoints_.end(), [&](const Shared& other) {
    return other.config.limits.name == config.limits.name &&
           other.config.api_key_env == config.api_key_env;
  });
  if (found == endpoints_.end()) {
    const auto id = client_->AddEndpoint(config.limits, config.transfers);
    endpoints_.push_back({config, id});
    return id;
  }
  if (found->config.limits == config.limits && found->config.transfers == config.transfers) {
    return found->id;
  }
  return InvalidInput(fmt::format(
      "\"{}\" and \"{}\" share the endpoint {} and have different limits; state them once, in "
      "[endpoint.NAME], and name it in both",
      found->config.model.name, config.model.name, config.limits.name));
}

Result<EndpointOptions> Network::WithKey(const EndpointConfig& config) const {
  EndpointOptions options = config.model;
  if (config.api_key_env.empty()) return options;
  const char* const key = std::getenv(config.api_key_env.c_str());
  if (key == nullptr || *key == 0) {
    return InvalidInput(
        fmt::format("\"{}\" takes its key from the environment variable {}, which is not set: "
                    "export {}=...",
                    options.name, config.api_key_env, config.api_key_env));
  }
  options.api_key = key;
  if (options.api_key.find_first_of("\r\n") != std::string::npos) {
    return InvalidInput(fmt::format("the key in {} has more than one line", config.api_key_env));
  }
  return options;
}

Result<TextEndpoint> Network::TextEndpointFor(const TextEndpointConfig& config, KeyLog& kept) {
  ARENA_ASSIGN_OR_RETURN(EndpointOptions options, WithKey(config.endpoint));
  ARENA_ASSIGN_OR_RETURN(const auto id, EndpointFor(config.endpoint));
  return TextEndpoint{std::move(options), config.texts_in_request, *client_, id, kept};
}

Result<std::unique_ptr<EndpointEmbedder>> Network::MakeEmbedder(const TextEndpointConfig& config,
                                                                KeyLog& kept) {
  ARENA_ASSIGN_OR_RETURN(TextEndpoint endpoint, TextEndpointFor(config, kept));
  return EndpointEmbedder::Make(std::move(endpoint));
}

Result<std::unique_ptr<EndpointModerator>> Network::MakeModerator(const TextEndpointConfig& config,
                                                                  KeyLog& kept) {
  ARENA_ASSIGN_OR_RETURN(TextEndpoint endpoint, TextEndpointFor(config, kept));
  return EndpointModerator::Make(std::move(endpoint));
}

Result<std::unique_ptr<EndpointIfdRater>> Network::MakeIfdRater(const EndpointConfig& config,
                                                                ChatTemplate chat_template,
                                                                KeyLog& kept) {
  constexpr std::size_t kTextsInRequest = 8;  // they are long
  ARENA_ASSIGN_OR_RETURN(TextEndpoint endpoint, TextEndpointFor({config, kTextsInRequest}, kept));
  return EndpointIfdRater::Make(std::move(endpoint), std::move(chat_template));
}

Result<std::unique_ptr<EndpointContestant>> Network::MakeModel(const EndpointConfig& config) {
  ARENA_ASSIGN_OR_RETURN(const EndpointOptions options, WithKey(config));
  ARENA_ASSIGN_OR_RETURN(const auto endpoint, EndpointFor(config));
  HttpClient& client = config.batch ? BatchesFor(config, options) : *client_;
  ARENA_ASSIGN_OR_RETURN(auto model, EndpointContestant::Make(options, client, endpoint));
  if (has_cap_ && !model->EstimateOf(MakeInstruction("")).most_cost_usd) {
    return InvalidInput(fmt::format(
        "\"{}\" needs max_tokens, as a cap on cost needs to know what an answer costs at most",
        options.name));
  }
  return model;
}

}  // namespace arena
