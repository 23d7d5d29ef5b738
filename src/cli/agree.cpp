// `arena agree BOARD REFERENCE`: how well two leaderboards agree.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "cli/command.h"
#include "rating/agreement.h"
#include "report/agreement_report.h"
#include "report/board_csv.h"
#include "report/board_json.h"

namespace arena {
namespace {

struct AgreeArguments {
  CommonOptions common;
  std::string board;
  std::string reference;
  BoardCsvColumns columns;
  AgreementOptions options;
  bool markdown = false;
};

/// JSON when the first visible character is a brace, else CSV.
Result<Board> ReadBoard(const std::string& file, const BoardCsvColumns& columns) {
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  const auto first = text.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  if (first == std::string::npos || text[first] != '{') return BoardFromCsv(text, columns, file);
  auto json = ParseJson(text);
  if (!json.ok()) return InvalidInput(fmt::format("{}: {}", file, json.error().message));
  auto board = BoardFromJson(*json);
  if (!board.ok()) return InvalidInput(fmt::format("{}: {}", file, board.error().message));
  return board;
}

Result<Exit> RunAgree(const AgreeArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const Board board, ReadBoard(arguments.board, arguments.columns));
  ARENA_ASSIGN_OR_RETURN(const Board reference, ReadBoard(arguments.reference, arguments.columns));
  ARENA_ASSIGN_OR_RETURN(const Agreement agreement,
                         CompareBoards(board, reference, arguments.options));
  if (arguments.common.json) {
    PrintJson(AgreementToJson(agreement));
  } else {
    PrintText(arguments.markdown ? AgreementMarkdown(agreement)
                                 : AgreementText(agreement, StdoutTableStyle()));
  }
  return Exit::kDone;
}

}  // namespace

void AddAgree(CLI::App& app, Exit& exit) {
  CLI::App& command =
      *app.add_subcommand("agree", "How well a leaderboard agrees with a reference");
  auto arguments = std::make_shared<AgreeArguments>();
  command.add_option("BOARD", arguments->board, "JSON of `arena rank --json`, or CSV")->required();
  command.add_option("REFERENCE", arguments->reference, "The board that is taken as right")
      ->required();
  command.add_option("--name-column", arguments->columns.name, "CSV: names")->capture_default_str();
  command.add_option("--rating-column", arguments->columns.rating, "CSV: ratings")
      ->capture_default_str();
  command.add_option("--lower-column", arguments->columns.lower, "CSV: lower bounds")
      ->capture_default_str();
  command.add_option("--upper-column", arguments->columns.upper, "CSV: upper bounds")
      ->capture_default_str();
  command.add_option("--level", arguments->options.level, "Level of the figures' intervals")
      ->capture_default_str();
  command.add_option("--bootstrap", arguments->options.rounds, "Rounds behind the intervals")
      ->capture_default_str();
  command.add_option("--seed", arguments->options.seed, "Of all random draws")
      ->capture_default_str();
  AddJsonOption(command, arguments->common);
  command.add_flag("--markdown", arguments->markdown, "Markdown on stdout");
  command.footer(
      "Example:\n"
      "  arena agree board.json leaderboard.csv --name-column model --rating-column score "
      "--lower-column rating_q025 --upper-column rating_q975");
  OnRun(command, exit, [arguments] { return RunAgree(*arguments); });
}

}  // namespace arena
