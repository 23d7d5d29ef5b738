#include "formats/alpaca_eval_tables.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <string_view>

#include "formats/csv.h"

namespace arena {
namespace {

Result<double> Number(const CsvReader& csv, std::size_t column) {
  const std::string_view text = csv.field(column);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return csv.Fail(fmt::format("{} \"{}\" is not a number", csv.header()[column], text));
  }
  return value;
}

Status NoteDifficulty(const CsvReader& csv, double position, double difficulty,
                      std::map<std::int64_t, double>& table) {
  const auto index = static_cast<std::int64_t>(position);
  if (position < 0 || static_cast<double>(index) != position) {
    return csv.Fail(fmt::format("index {} is not the position of an instruction", position));
  }
  const auto [entry, is_new] = table.emplace(index, difficulty);
  if (is_new || entry->second == difficulty) return {};
  return csv.Fail(fmt::format("instruction {} has another difficulty in an earlier row", index));
}

}  // namespace

Result<GamedTable> ReadGamedTable(const std::filesystem::path& file) {
  ARENA_ASSIGN_OR_RETURN(CsvReader csv, CsvReader::Open(InputSource::File(file)));
  ARENA_ASSIGN_OR_RETURN(const std::size_t model, csv.Column("model"));
  ARENA_ASSIGN_OR_RETURN(const std::size_t preference, csv.Column("preference"));
  ARENA_ASSIGN_OR_RETURN(const std::size_t index, csv.Column("index"));
  ARENA_ASSIGN_OR_RETURN(const std::size_t length, csv.Column("std_delta_len"));
  ARENA_ASSIGN_OR_RETURN(const std::size_t difficulty, csv.Column("instruction_difficulty"));
  GamedTable table;
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, csv.Next());
    if (!more) return table;
    GamedAnswer row;
    row.model = csv.field(model);
    ARENA_ASSIGN_OR_RETURN(row.preference, Number(csv, preference));
    ARENA_ASSIGN_OR_RETURN(row.std_delta_len, Number(csv, length));
    ARENA_ASSIGN_OR_RETURN(row.difficulty, Number(csv, difficulty));
    ARENA_ASSIGN_OR_RETURN(const double position, Number(csv, index));
    ARENA_RETURN_IF_ERROR(NoteDifficulty(csv, position, row.difficulty, table.difficulty));
    if (row.preference < 0 || row.preference > 1) {
      return csv.Fail(fmt::format("preference {} is not between 0 and 1", row.preference));
    }
    table.rows.push_back(std::move(row));
  }
}

Result<std::map<std::int64_t, double>> ReadDifficultyTable(const std::filesystem::path& file) {
  ARENA_ASSIGN_OR_RETURN(CsvReader csv, CsvReader::Open(InputSource::File(file)));
  ARENA_ASSIGN_OR_RETURN(const std::size_t index, csv.Column("index"));
  ARENA_ASSIGN_OR_RETURN(const std::size_t difficulty, csv.Column("instruction_difficulty"));
  std::map<std::int64_t, double> table;
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, csv.Next());
    if (!more) return table;
    ARENA_ASSIGN_OR_RETURN(const double position, Number(csv, index));
    ARENA_ASSIGN_OR_RETURN(const double value, Number(csv, difficulty));
    ARENA_RETURN_IF_ERROR(NoteDifficulty(csv, position, value, table));
  }
}

}  // namespace arena
