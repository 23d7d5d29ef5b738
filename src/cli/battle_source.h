// Where `rank` and `judge` take their battles from: a store, or files of verdicts.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/command.h"
#include "core/battle.h"
#include "formats/reading.h"
#include "formats/verdict_blocks.h"
#include "store/store.h"

namespace arena {

/// The options that name the source and how its games become results.
struct SourceArguments {
  std::vector<std::string> files;
  std::string format;
  std::string store;
  std::vector<std::string> columns;  ///< canonical=actual
  bool skip_bad_rows = false;
  std::string judge;
  std::string category;
  std::vector<std::string> contestants;
  bool all_versions = false;
  std::string policy;
  std::optional<double> tie_margin;
};

/// Store or files, and the filters.
void AddSourceOptions(CLI::App& command, SourceArguments& arguments);
/// The same for commands that read stores only.
void AddStoreOptions(CLI::App& command, SourceArguments& arguments);

/// A source that has been checked and can be read, more than once.
struct BattleSource {
  SourceArguments arguments;
  OutcomeOptions outcome;  ///< the format's own, with the overrides of the user
  std::string label;       ///< for people: "gsm8k.db", "3 files (alpaca-eval)"

  bool is_store() const { return arguments.files.empty(); }
  /// Takes these outcome options, with the overrides of the user.
  Status SetOutcome(const OutcomeOptions& options);
  /// The query for the store. Error: a judge that it does not have, or several and none named.
  Result<BattleQuery> Query(Store& store) const;
  /// Streams the battles, filtered by judge, category and contestants. `with_texts` asks the store
  /// for the answers, too. Error: an unknown judge, a file that is not valid.
  Result<ReadReport> Read(bool with_texts, BattleSink sink) const;
  /// The same with `threads` threads (0: all) where the source can be read in blocks; else one.
  Result<ReadReport> ReadInBlocks(bool with_texts, unsigned threads, BattleBlocks& blocks) const;
};

/// Checks the arguments. Without files and without --store the store of the configuration is taken,
/// with the [outcome] that it states.
Result<BattleSource> MakeBattleSource(const SourceArguments& arguments,
                                      const CommonOptions& common);

}  // namespace arena
