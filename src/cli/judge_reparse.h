// `arena judge --reparse`.
#pragma once

#include <string>

#include "base/result.h"
#include "cli/battle_source.h"
#include "cli/command.h"

namespace arena {

struct ReparseArguments {
  bool is_on = false;
  std::string parser = "tolerant";
  bool dry_run = false;
};

/// Adds --reparse, --parser and --dry-run to `command`.
void AddReparseOptions(CLI::App& command, ReparseArguments& arguments);

/// Reads the stored verdicts again and prints what changed.
Result<Exit> RunReparse(const BattleSource& source, const ReparseArguments& arguments, bool json);

}  // namespace arena
