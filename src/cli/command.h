// What all subcommands share. Only the cli folder includes CLI11.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "report/text_table.h"

namespace arena {

/// Exit codes of every command.
enum class Exit {
  kDone = 0,
  kFailed = 1,          ///< an error; stderr says which
  kUsage = 2,           ///< wrong usage or configuration
  kFailuresListed = 3,  ///< finished, but some units of work failed and are listed
  kInterrupted = 130,   ///< stopped by the user or a cap on cost; run again to continue
};

/// Options that several commands have.
struct CommonOptions {
  std::string config = "arena.toml";
  bool config_given = false;
  std::vector<std::string> overrides;
  bool json = false;
};

/// Adds --json to `command`.
void AddJsonOption(CLI::App& command, CommonOptions& options);
/// Adds -c/--config and --set to `command`.
void AddConfigOptions(CLI::App& command, CommonOptions& options);

/// The configuration that -c names; empty: none is read.
std::string GivenConfig(const CommonOptions& options);
/// Adds --max-cost to `command`.
void AddMaxCostOption(CLI::App& command, double& max_cost_usd);

/// Runs `body` when the command was chosen; an error is printed and mapped to an exit code.
void OnRun(CLI::App& command, Exit& exit, std::function<Result<Exit>()> body);

/// Width and colour of tables on stdout: the terminal's, or plain text of 100 columns elsewhere.
TableStyle StdoutTableStyle();

/// One document on stdout, indented.
void PrintJson(const Json& json);
void PrintText(std::string_view text);

// One function a subcommand; each lives in the file of its name.
void AddInit(CLI::App& app, Exit& exit);
void AddDoctor(CLI::App& app, Exit& exit);
void AddBattle(CLI::App& app, Exit& exit);
void AddRank(CLI::App& app, Exit& exit);
void AddAgree(CLI::App& app, Exit& exit);
void AddJudge(CLI::App& app, Exit& exit);
void AddShow(CLI::App& app, Exit& exit);
void AddExport(CLI::App& app, Exit& exit);
void AddSelect(CLI::App& app, Exit& exit);
void AddGenerate(CLI::App& app, Exit& exit);
void AddModel(CLI::App& app, Exit& exit);
void AddCurate(CLI::App& app, Exit& exit);
void AddTestset(CLI::App& app, Exit& exit);
void AddScore(CLI::App& app, Exit& exit);
void AddServe(CLI::App& app, Exit& exit);
void AddTrain(CLI::App& app, Exit& exit);
void AddMini(CLI::App& app, Exit& exit);
void AddFlywheel(CLI::App& app, Exit& exit);

}  // namespace arena
