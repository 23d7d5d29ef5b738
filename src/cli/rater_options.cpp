#include "cli/rater_options.h"

#include <fmt/format.h>

#include "base/parallel.h"
#include "chat/ifd_rater.h"
#include "cli/command.h"
#include "curate/model_rater.h"
#include "curate/raters.h"
#include "text/chat_template.h"

namespace arena {

void AddRaterOptions(CLI::App& command, RaterOptions& options) {
  command
      .add_option(
          "--rater", options.model,
          "Who rates (difficulty, tags) or scores answers (ifd): a checkpoint, or, with -c, "
          "a [[contestant]]")
      ->type_name("DIR|NAME");
  const auto templates = ChatTemplateNames();
  command
      .add_option("--rater-template", options.chat_template,
                  "Built-in chat template of a [[contestant]] that scores answers (ifd)")
      ->check(CLI::IsMember(std::vector<std::string>(templates.begin(), templates.end())));
  command
      .add_option("--rater-samples", options.samples,
                  "Readable replies that are averaged; two more are asked for where some are not")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  command.add_option("--rater-temperature", options.temperature, "0: all replies are the same")
      ->check(CLI::Range(0.0, 2.0))
      ->capture_default_str();
  command.add_option("--rater-max-new-tokens", options.max_new_tokens, "Of a reply")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command.add_option("--rater-workers", options.workers,
                     "Processes of the checkpoint (default: one per processor)");
  AddMaxCostOption(command, options.max_cost_usd);
}

Status Raters::NeedModel(std::string_view name) const {
  if (!options_.model.empty()) return {};
  return InvalidInput(
      fmt::format("rating by {} needs a model: name a checkpoint with --rater DIR", name));
}

const ContestantConfig* Raters::RatingContestant() const {
  for (const ContestantConfig& contestant : config_.contestants) {
    if (contestant.name == options_.model) return &contestant;
  }
  return nullptr;
}

Result<std::unique_ptr<InstructionRater>> Raters::MakeIfd() {
  if (const ContestantConfig* const contestant = RatingContestant()) {
    if (options_.chat_template.empty()) {
      return InvalidInput(
          "IFD by a contestant shows its server whole prompts: name the chat template of its model "
          "with --rater-template, for example chatml");
    }
    ARENA_ASSIGN_OR_RETURN(ChatTemplate written, ChatTemplate::Named(options_.chat_template));
    return endpoints_.MakeIfdRater(*contestant, std::move(written));
  }
  LocalModelOptions model;
  model.pool.model = options_.model;
  model.pool.workers = options_.workers == 0 ? DefaultThreads() : options_.workers;
  if (model_ == nullptr) {
    ARENA_ASSIGN_OR_RETURN(model_, LocalModel::Load(model));
  }
  // Enough to keep every worker busy while its last answer is read.
  return std::make_unique<IfdRater>(*model_, 4 * model.pool.workers);
}

Result<ChatModel*> Raters::ModelThatRates() {
  if (asked_ != nullptr) return asked_;
  if (const ContestantConfig* const contestant = RatingContestant()) {
    ARENA_ASSIGN_OR_RETURN(asked_, endpoints_.MakeRater(*contestant));
    return asked_;
  }
  LocalContestant::Options contestant;
  contestant.name = std::filesystem::path(options_.model).filename().string();
  contestant.model.pool.model = options_.model;
  contestant.model.pool.workers = options_.workers == 0 ? DefaultThreads() : options_.workers;
  contestant.sampling.temperature = options_.temperature;
  contestant.sampling.seed = options_.seed;
  contestant.max_new_tokens = options_.max_new_tokens;
  contestant.keep_cut = true;  // the number may stand before the cut
  ARENA_ASSIGN_OR_RETURN(contestant_, LocalContestant::Load(contestant));
  asked_ = contestant_.get();
  return asked_;
}

Result<std::unique_ptr<InstructionRater>> Raters::Make(std::string_view name) {
  if (name == "length") return std::make_unique<LengthRater>();
  ARENA_RETURN_IF_ERROR(NeedModel(name));
  if (name == "ifd") return MakeIfd();
  ARENA_ASSIGN_OR_RETURN(ChatModel* const model, ModelThatRates());
  const int samples = static_cast<int>(options_.samples);
  const ModelRaterOptions asked{.samples = samples, .attempts = samples + 2};
  if (name == "tags") return MakeTagRater(*model, asked);
  return MakeDifficultyRater(*model, asked);
}

}  // namespace arena
