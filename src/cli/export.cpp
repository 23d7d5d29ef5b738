// `arena export`: battles of a store for other tools.
#include "formats/export.h"

#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <memory>

#include "cli/assemble.h"
#include "cli/battle_detail.h"
#include "cli/battle_source.h"
#include "cli/command.h"

namespace arena {
namespace {

struct ExportArguments {
  CommonOptions common;
  SourceArguments source;
  std::string format = "jsonl";
  std::string baseline;
  std::string out;
};

Result<ExportFormat> ExportFormatOf(const std::string& name) {
  if (const auto format = ParseExportFormat(name)) return *format;
  return InvalidInput(
      fmt::format("unknown format \"{}\"; known: jsonl, csv, lmsys, fastchat, arena-hard", name));
}

Status WriteBattles(const BattleSource& source, BattleWriter& writer) {
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStoreForReading(source.arguments.store));
  ARENA_ASSIGN_OR_RETURN(const BattleQuery query, source.Query(*store));
  ARENA_RETURN_IF_ERROR(store->ForEachDetail(query, [&](const BattleDetail& detail) -> Status {
    ExportedBattle battle;
    ARENA_RETURN_IF_ERROR(FillExport(detail, source.outcome, battle));
    return writer.Write(battle);
  }));
  ARENA_RETURN_IF_ERROR(writer.Finish());
  if (writer.left_out() > 0) {
    fmt::print(stderr, "{} void battles were left out: this format cannot say what they are\n",
               writer.left_out());
  }
  return {};
}

Result<Exit> RunExport(const ExportArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const ExportFormat format, ExportFormatOf(arguments.format));
  ARENA_ASSIGN_OR_RETURN(const BattleSource source,
                         MakeBattleSource(arguments.source, arguments.common));
  const ExportOptions options{.baseline = arguments.baseline};
  if (arguments.out.empty()) {
    const auto writer = MakeBattleWriter(format, options, std::cout);
    ARENA_RETURN_IF_ERROR(WriteBattles(source, *writer));
    return Exit::kDone;
  }
  std::ofstream file(arguments.out, std::ios::binary | std::ios::trunc);
  if (!file) return IoError(fmt::format("cannot write {}", arguments.out));
  const auto writer = MakeBattleWriter(format, options, file);
  ARENA_RETURN_IF_ERROR(WriteBattles(source, *writer));
  file.close();
  if (!file) return IoError(fmt::format("cannot write {}", arguments.out));
  return Exit::kDone;
}

}  // namespace

void AddExport(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand("export", "Battles of a store in other tools' formats");
  auto arguments = std::make_shared<ExportArguments>();
  AddStoreOptions(command, arguments->source);
  command.add_option("--format", arguments->format, "jsonl, csv, lmsys, fastchat or arena-hard")
      ->capture_default_str();
  command.add_option("--baseline", arguments->baseline, "arena-hard: the baseline of every battle");
  command.add_option("-o,--out", arguments->out, "Write here (default: stdout)")->type_name("FILE");
  AddConfigOptions(command, arguments->common);
  command.footer("Example:\n  arena export --store gsm8k.db --format lmsys > battles.jsonl");
  OnRun(command, exit, [arguments] { return RunExport(*arguments); });
}

}  // namespace arena
