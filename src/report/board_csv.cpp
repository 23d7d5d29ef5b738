#include "report/board_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <unordered_set>

#include "formats/csv.h"
#include "report/board_json.h"
#include "report/board_notes.h"
#include "report/numbers.h"

namespace arena {
namespace {

std::string CsvField(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) {
    return std::string(text);
  }
  std::string out = "\"";
  for (const char c : text) {
    out += c;
    if (c == '"') {
      out += '"';
    }
  }
  return out + '"';
}

std::string Row(const std::vector<std::string>& fields) {
  return fmt::format("{}\r\n", fmt::join(fields, ","));
}

/// The columns that not every board has.
struct ExtraColumns {
  bool category = false;
  bool length_control = false;
  bool voids = false;
};

std::vector<std::string> Header(const ExtraColumns& extra) {
  std::vector<std::string> names;
  if (extra.category) {
    names.emplace_back("category");
  }
  names.insert(names.end(), {"rank", "name", "rating", "lower", "upper", "battles", "win_rate"});
  if (extra.length_control) {
    names.emplace_back("lc_win_rate");
  }
  if (extra.voids) {
    names.insert(names.end(), {"void_share", "win_rate_voids_lost", "win_rate_voids_won"});
  }
  return names;
}

std::vector<std::string> Fields(const Board& board, const BoardRow& row,
                                const ExtraColumns& extra) {
  std::vector<std::string> fields;
  if (extra.category) {
    fields.push_back(CsvField(board.category));
  }
  fields.insert(fields.end(),
                {std::to_string(row.rank), CsvField(row.name), PlainNumber(row.rating),
                 PlainNumber(row.lower), PlainNumber(row.upper), PlainNumber(row.battles),
                 PlainNumber(row.win_rate)});
  if (extra.length_control) {
    fields.push_back(row.lc_win_rate ? PlainNumber(*row.lc_win_rate) : std::string());
  }
  if (extra.voids && !HasVoids(board)) {
    fields.resize(fields.size() + 3);
  } else if (extra.voids) {
    fields.insert(fields.end(), {PlainNumber(row.void_share), PlainNumber(row.win_rate_voids_lost),
                                 PlainNumber(row.win_rate_voids_won)});
  }
  return fields;
}

/// Where the wanted columns are.
struct Positions {
  std::size_t name = 0;
  std::size_t rating = 0;
  std::optional<std::size_t> lower;
  std::optional<std::size_t> upper;
};

Result<Positions> FindColumns(const CsvReader& csv, const BoardCsvColumns& columns) {
  Positions at;
  ARENA_ASSIGN_OR_RETURN(at.name, csv.Column(columns.name));
  ARENA_ASSIGN_OR_RETURN(at.rating, csv.Column(columns.rating));
  if (columns.lower.empty() != columns.upper.empty()) {
    return InvalidInput(
        "name both the column of lower bounds and that of upper bounds, or neither");
  }
  if (!columns.lower.empty()) {
    ARENA_ASSIGN_OR_RETURN(at.lower, csv.Column(columns.lower));
    ARENA_ASSIGN_OR_RETURN(at.upper, csv.Column(columns.upper));
  }
  return at;
}

Result<double> NumberField(const CsvReader& csv, std::size_t column) {
  std::string_view text = csv.field(column);
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  text = text.substr(0, text.find_last_not_of(' ') + 1);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return csv.Fail(
        fmt::format("column \"{}\": \"{}\" is not a number", csv.header()[column], text));
  }
  return value;
}

Result<BoardRow> ReadRow(const CsvReader& csv, const Positions& at) {
  BoardRow row;
  row.name = csv.field(at.name);
  if (row.name.empty()) {
    return csv.Fail(fmt::format("column \"{}\": the name is empty", csv.header()[at.name]));
  }
  ARENA_ASSIGN_OR_RETURN(row.rating, NumberField(csv, at.rating));
  row.lower = row.upper = row.rating;
  if (at.lower && at.upper) {
    ARENA_ASSIGN_OR_RETURN(row.lower, NumberField(csv, *at.lower));
    ARENA_ASSIGN_OR_RETURN(row.upper, NumberField(csv, *at.upper));
  }
  if (row.lower > row.upper) {
    return csv.Fail(
        fmt::format("the lower bound {} is above the upper bound {}; are the columns "
                    "swapped?",
                    row.lower, row.upper));
  }
  return row;
}

}  // namespace

std::string BoardsCsv(const std::vector<Board>& boards) {
  ExtraColumns extra;
  extra.category = boards.size() > 1;
  for (const Board& board : boards) {
    extra.category = extra.category || !board.category.empty();
    extra.length_control = extra.length_control || HasLengthControl(board);
    extra.voids = extra.voids || HasVoids(board);
  }
  std::string csv = Row(Header(extra));
  for (const Board& board : boards) {
    for (const BoardRow& row : board.contestants) {
      csv += Row(Fields(board, row, extra));
    }
  }
  return csv;
}

std::string BoardCsv(const Board& board) { return BoardsCsv({board}); }

Result<Board> BoardFromCsv(std::string_view text, const BoardCsvColumns& columns,
                           std::string_view where) {
  ARENA_ASSIGN_OR_RETURN(CsvReader csv,
                         CsvReader::Open(InputSource::Memory(std::string(where), text)));
  ARENA_ASSIGN_OR_RETURN(const Positions at, FindColumns(csv, columns));
  Board board;
  std::unordered_set<std::string> names;
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, csv.Next());
    if (!more) {
      break;
    }
    ARENA_ASSIGN_OR_RETURN(BoardRow row, ReadRow(csv, at));
    if (!names.insert(row.name).second) {
      return csv.Fail(fmt::format("the contestant \"{}\" is listed twice", row.name));
    }
    board.contestants.push_back(std::move(row));
  }
  if (board.contestants.empty()) {
    return InvalidInput(fmt::format("{}: has a header and no rows", where));
  }
  if (!at.lower) {
    board.warnings.emplace_back(
        "no columns of bounds were named: every interval has no width, so every two different "
        "ratings count as told apart");
  }
  SortAndRank(board);
  return board;
}

}  // namespace arena
