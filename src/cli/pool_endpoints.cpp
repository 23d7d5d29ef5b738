#include "cli/pool_endpoints.h"

#include <fmt/format.h>

#include <utility>

#include "chat/kept_model.h"
#include "cli/assemble.h"

namespace arena {
namespace {

std::string LineOf(std::string_view what, const TextCallCounts& counts) {
  return fmt::format("{}: {} texts asked, {} answered before; {} tokens, ${:.4f}\n", what,
                     counts.asked, counts.kept, counts.tokens, counts.cost_usd);
}

}  // namespace

Result<KeyLog*> PoolEndpoints::Log(std::string_view name) {
  ARENA_ASSIGN_OR_RETURN(auto log, KeyLog::Open(folder_ / name));
  logs_.push_back(std::move(log));
  return logs_.back().get();
}

Result<PoolEmbedding> PoolEndpoints::MakeEmbedding(const CurateConfig& config) {
  if (config.embedding) {
    ARENA_ASSIGN_OR_RETURN(KeyLog* const kept, Log("embeddings.log"));
    ARENA_ASSIGN_OR_RETURN(embedder_, network_.MakeEmbedder(*config.embedding, *kept));
    return PoolEmbedding{embedder_.get(), embedder_->behaviour()};
  }
  if (config.embedding_checkpoint.empty()) return PoolEmbedding{};
  LocalModelOptions options;
  options.pool.model = config.embedding_checkpoint;
  ARENA_ASSIGN_OR_RETURN(local_embedder_, LocalEmbedder::Load(options));
  return PoolEmbedding{local_embedder_.get(), "checkpoint " + local_embedder_->version()};
}

Result<EndpointModerator*> PoolEndpoints::MakeModerator(const TextEndpointConfig& config) {
  ARENA_ASSIGN_OR_RETURN(KeyLog* const kept, Log("moderation.log"));
  ARENA_ASSIGN_OR_RETURN(moderator_, network_.MakeModerator(config, *kept));
  return moderator_.get();
}

Result<ChatModel*> PoolEndpoints::MakeRater(const ContestantConfig& config) {
  ARENA_ASSIGN_OR_RETURN(KeyLog* const kept, Log("ratings.log"));
  ARENA_ASSIGN_OR_RETURN(asked_rater_, MakeChatModel(config, network_));
  rater_ = KeepAnswers(*asked_rater_, *kept);
  return rater_.get();
}

Result<std::unique_ptr<InstructionRater>> PoolEndpoints::MakeIfdRater(
    const ContestantConfig& config, ChatTemplate chat_template) {
  if (config.kind != "openai") {
    return InvalidInput(
        fmt::format("IFD needs the log-probabilities of prompts, which contestants of kind \"{}\" "
                    "do not give: name one of kind \"openai\", or a checkpoint",
                    config.kind));
  }
  ARENA_ASSIGN_OR_RETURN(KeyLog* const kept, Log("logprobs.log"));
  return network_.MakeIfdRater(config.endpoint, std::move(chat_template), *kept);
}

std::string PoolEndpoints::Summary() const {
  std::string lines;
  if (moderator_ != nullptr) lines += LineOf("moderation", moderator_->counts());
  if (embedder_ != nullptr) lines += LineOf("embeddings", embedder_->counts());
  return lines;
}

}  // namespace arena
