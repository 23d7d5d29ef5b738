// Who rates instructions, from the command line.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "chat/local_contestant.h"
#include "chat/local_model.h"
#include "core/instruction_rater.h"

namespace arena {

struct RaterOptions {
  std::string model;  ///< a Hugging Face directory; empty: none
  double temperature = 0.7;
  std::int64_t max_new_tokens = 256;
  std::int64_t samples = 2;
  std::uint64_t seed = 1;
  unsigned workers = 0;
};

/// Adds --rater and how it is asked.
void AddRaterOptions(CLI::App& command, RaterOptions& options);

/// Makes raters by name: "length", "difficulty", "tags" and "ifd". The checkpoint is loaded when
/// the first rater needs it, and raters are valid as long as this object. Not thread-safe.
class Raters {
 public:
  explicit Raters(RaterOptions options) : options_(std::move(options)) {}

  /// Errors: a rater that needs --rater without one; a checkpoint that does not load.
  Result<std::unique_ptr<InstructionRater>> Make(std::string_view name);

 private:
  Status NeedModel(std::string_view name) const;

  RaterOptions options_;
  std::unique_ptr<LocalContestant> contestant_;
  std::unique_ptr<LocalModel> model_;
};

}  // namespace arena
