// Endpoints that are asked about single texts: embeddings and moderation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/key_log.h"
#include "base/result.h"
#include "chat/endpoint_options.h"
#include "core/embedder.h"
#include "core/moderator.h"
#include "net/client.h"

namespace arena {

/// How it is asked, and what keeps its answers. References outlive what is made with it.
struct TextEndpoint {
  EndpointOptions options;  ///< address, model, version, body, headers, key, price of the input
  std::size_t texts_in_request = 32;  ///< at most
  HttpClient& client;
  HttpClient::EndpointId id;
  KeyLog& kept;
};

struct TextCallCounts {
  std::int64_t asked = 0;   ///< texts
  std::int64_t kept = 0;    ///< texts whose values were there already
  std::int64_t tokens = 0;  ///< as the server counts
  double cost_usd = 0;      ///< with what may have been charged for replies that never came
};

/// OpenAI's /embeddings, which vLLM, TEI, Ollama, llama.cpp and others serve, too. Vectors are
/// scaled to length 1; a text without any content gets zeros and is not asked about.
class EndpointEmbedder : public Embedder {
 public:
  /// Asks for one text, to know the dimensions. Errors: as Embed().
  static Result<std::unique_ptr<EndpointEmbedder>> Make(TextEndpoint endpoint);
  virtual std::string behaviour() const = 0;  ///< what can change a vector
  virtual TextCallCounts counts() const = 0;
};

/// OpenAI's /moderations. A text is unsafe if it is flagged; the reason names the categories.
class EndpointModerator : public Moderator {
 public:
  static std::unique_ptr<EndpointModerator> Make(TextEndpoint endpoint);
  virtual std::string behaviour() const = 0;  ///< what can change a verdict
  virtual TextCallCounts counts() const = 0;
};

}  // namespace arena
