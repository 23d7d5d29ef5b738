// Who rates instructions, from the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "chat/local_contestant.h"
#include "chat/local_model.h"
#include "cli/pool_endpoints.h"
#include "core/instruction_rater.h"

namespace arena {

struct RaterOptions {
  std::string model;          ///< a Hugging Face directory or a contestant; empty: none
  std::string chat_template;  ///< a built-in one, for ifd by a contestant; empty: none
  double temperature = 0.7;
  std::int64_t max_new_tokens = 256;
  std::int64_t samples = 2;
  std::uint64_t seed = 1;
  unsigned workers = 0;
  double max_cost_usd = std::numeric_limits<double>::infinity();
};

/// Adds --rater, how it is asked and --max-cost.
void AddRaterOptions(CLI::App& command, RaterOptions& options);

/// Makes raters by name: "length", "difficulty", "tags" and "ifd". The model is made when the first
/// rater needs it, and raters are valid as long as this object. Not thread-safe.
class Raters {
 public:
  /// A contestant of `config` with the name that --rater gives is asked through `endpoints`; else
  /// it is a checkpoint. References outlive this.
  Raters(RaterOptions options, const Config& config, PoolEndpoints& endpoints)
      : options_(std::move(options)), config_(config), endpoints_(endpoints) {}

  /// Errors: a rater that needs --rater without one; a model that cannot be had.
  Result<std::unique_ptr<InstructionRater>> Make(std::string_view name);

 private:
  Status NeedModel(std::string_view name) const;
  const ContestantConfig* RatingContestant() const;
  Result<std::unique_ptr<InstructionRater>> MakeIfd();
  Result<ChatModel*> ModelThatRates();

  const RaterOptions options_;
  const Config& config_;
  PoolEndpoints& endpoints_;
  ChatModel* asked_ = nullptr;
  std::unique_ptr<LocalContestant> contestant_;
  std::unique_ptr<LocalModel> model_;
};

}  // namespace arena
