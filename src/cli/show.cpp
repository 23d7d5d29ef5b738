// `arena show BATTLE`: one battle with everything.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/assemble.h"
#include "cli/battle_detail.h"
#include "cli/battle_source.h"
#include "cli/command.h"
#include "cli/ledger_text.h"
#include "report/battle_text.h"

namespace arena {
namespace {

struct ShowArguments {
  CommonOptions common;
  SourceArguments source;
  std::string battle;
  int list = 0;
  bool ledger = false;
};

/// The first battles of the store, one line each, so that there is something to show.
Result<Exit> ListBattles(const ShowArguments& arguments, const BattleSource& source) {
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStoreForReading(source.arguments.store));
  ARENA_ASSIGN_OR_RETURN(const BattleQuery query, source.Query(*store));
  int left = arguments.list;
  // Enough is not an error: the reading is stopped with one and told apart by the count.
  const Status read = store->ForEachDetail(query, [&](const BattleDetail& detail) -> Status {
    if (left == 0) return Cancelled("enough");
    --left;
    PrintText(BattleLine(detail, source.outcome) + "\n");
    return {};
  });
  if (!read.ok() && read.error().code != ErrorCode::kCancelled) return read.error();
  return Exit::kDone;
}

Result<Exit> ShowLedger(const ShowArguments& arguments, const BattleSource& source) {
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStoreForReading(source.arguments.store));
  ARENA_ASSIGN_OR_RETURN(const auto ledger, ReadLedger(source.arguments.store));
  if (arguments.common.json) {
    PrintJson({{"ledger", LedgerJson(ledger)}});
  } else {
    PrintText(LedgerText(ledger, StdoutTableStyle()));
  }
  return Exit::kDone;
}

Result<Exit> RunShow(const ShowArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const BattleSource source,
                         MakeBattleSource(arguments.source, arguments.common));
  if (arguments.ledger) return ShowLedger(arguments, source);
  if (arguments.battle.empty()) return ListBattles(arguments, source);
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStoreForReading(source.arguments.store));
  ARENA_ASSIGN_OR_RETURN(const BattleDetail detail, store->FindBattle(arguments.battle));
  if (arguments.common.json) {
    ARENA_ASSIGN_OR_RETURN(const Json json, BattleJson(detail, source.outcome));
    PrintJson(json);
  } else {
    PrintText(BattleText(detail, source.outcome, StdoutTableStyle()));
  }
  return Exit::kDone;
}

}  // namespace

void AddShow(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand("show", "One battle: both answers and the judge's words");
  auto arguments = std::make_shared<ShowArguments>();
  command.add_option("BATTLE", arguments->battle,
                     "The first digits of its key; without it, some battles are listed");
  command.add_option("--list", arguments->list, "How many battles to list")
      ->default_val(20)
      ->check(CLI::NonNegativeNumber);
  command.add_flag("--ledger", arguments->ledger,
                   "Tokens and cost by contestant and judge, all attempts included");
  AddStoreOptions(command, arguments->source);
  AddConfigOptions(command, arguments->common);
  AddJsonOption(command, arguments->common);
  command.footer("Example:\n  arena show --store gsm8k.db\n  arena show --store gsm8k.db 3fa2");
  OnRun(command, exit, [arguments] { return RunShow(*arguments); });
}

}  // namespace arena
