// The keys of an endpoint in arena.toml: [endpoint.NAME], and contestants or judges behind one.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "chat/batch_client.h"
#include "chat/endpoint_options.h"
#include "net/http.h"
#include "net/lane.h"

namespace arena {

class TableReader;

/// A model behind a server as configured. `limits.name` is the server's address.
struct EndpointConfig {
  EndpointOptions model;       ///< without the key itself
  std::string api_key_env;     ///< the environment variable that has it; empty: none is sent
  LaneOptions limits;          ///< shared by all that have the same address and key
  bool batch = false;          ///< through the provider's batch API
  BatchClientOptions batches;  ///< how; without protocol, address, headers, folder and budget
  TransferLimits transfers;
};

/// An endpoint that is asked about single texts.
struct TextEndpointConfig {
  EndpointConfig endpoint;
  std::size_t texts_in_request = 32;
};

/// Kinds of contestants, and of the models of judges, that are endpoints.
constexpr std::array<std::string_view, 3> kEndpointKinds = {"openai", "anthropic", "ollama"};
bool IsEndpointKind(std::string_view kind);

using EndpointConfigs = std::map<std::string, EndpointConfig, std::less<>>;

/// Reads every [endpoint.NAME].
void ReadEndpoints(TableReader& root, EndpointConfigs& endpoints);

/// Reads the model of a table of kind `kind`: what [endpoint.NAME] says where the table has
/// endpoint = "NAME", and the table's own keys, which win. `owner` is for messages: "the contestant
/// \"x\"". Notes what is missing. The caller sets `model.name` and `model.family`.
EndpointConfig ReadEndpointModel(TableReader& table, std::string_view kind,
                                 const EndpointConfigs& endpoints, std::string_view owner);

/// Reads the table `key` of `table`, an endpoint of kind "openai" for texts; nothing where it is
/// not there. `path` is its whole name: "curate.embedding".
std::optional<TextEndpointConfig> ReadTextEndpoint(TableReader& table, std::string_view key,
                                                   const std::string& path,
                                                   const EndpointConfigs& endpoints);

}  // namespace arena
