// The endpoints that the texts of a pool are sent to, and what keeps their answers.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/key_log.h"
#include "chat/local_embedder.h"
#include "cli/config.h"
#include "cli/network.h"
#include "core/instruction_rater.h"

namespace arena {

/// What embeds a pool.
struct PoolEmbedding {
  const Embedder* embedder = nullptr;  ///< null: the built-in embedding
  std::string behaviour;               ///< what can change its vectors; empty where it is built in
};

/// Makes them when they are needed; they live as long as this object. Not thread-safe.
class PoolEndpoints {
 public:
  /// `folder`, made when something is asked, keeps the answers: a later run there pays for nothing
  /// twice. `max_cost_usd`: see Network.
  PoolEndpoints(std::uint64_t seed, double max_cost_usd, std::filesystem::path folder)
      : network_(seed, max_cost_usd), folder_(std::move(folder)) {}

  /// Errors of all: as Network's; another process is working in the folder; a checkpoint that
  /// does not load.
  Result<PoolEmbedding> MakeEmbedding(const CurateConfig& config);
  Result<EndpointModerator*> MakeModerator(const TextEndpointConfig& config);
  /// A [[contestant]] that rates.
  Result<ChatModel*> MakeRater(const ContestantConfig& config);
  /// One that gives IFD. Error also: it is not behind an OpenAI-compatible server.
  Result<std::unique_ptr<InstructionRater>> MakeIfdRater(const ContestantConfig& config,
                                                         ChatTemplate chat_template);

  /// What was asked of the first two, a line each; empty where nothing was.
  std::string Summary() const;

 private:
  Result<KeyLog*> Log(std::string_view name);

  Network network_;
  const std::filesystem::path folder_;
  std::vector<std::unique_ptr<KeyLog>> logs_;
  std::unique_ptr<EndpointEmbedder> embedder_;
  std::unique_ptr<LocalEmbedder> local_embedder_;
  std::unique_ptr<EndpointModerator> moderator_;
  std::unique_ptr<ChatModel> asked_rater_;
  std::unique_ptr<ChatModel> rater_;
};

}  // namespace arena
