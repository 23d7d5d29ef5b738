// Tables: what is read can be written and read back.
#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "formats/csv.h"

namespace {

using Row = std::vector<std::string>;

struct Table {
  std::vector<Row> rows;  ///< the header first
  bool complete = false;
};

Table Read(std::string_view bytes, const arena::CsvOptions& options) {
  Table table;
  auto csv = arena::CsvReader::Open(arena::InputSource::Memory("input", bytes), options);
  if (!csv.ok()) return table;
  table.rows.push_back(csv->header());
  std::int64_t line = 0;
  while (true) {
    const auto more = csv->Next();
    if (!more.ok() && !csv->recoverable()) return table;
    if (more.ok() && !*more) break;
    arena::fuzz::Demand(csv->line() > line, "line numbers grow");
    line = csv->line();
    if (!more.ok()) continue;
    Row row;
    for (std::size_t i = 0; i < csv->header().size(); ++i) row.emplace_back(csv->field(i));
    table.rows.push_back(row);
  }
  table.complete = true;
  return table;
}

std::string Write(const std::vector<Row>& rows) {
  std::string text;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += i == 0 ? "\"" : ",\"";
      for (const char c : row[i]) {
        text += c;
        if (c == '"') text += c;
      }
      text += '"';
    }
    text += '\n';
  }
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Table table = Read(bytes, {.max_row_bytes = std::size_t{1} << 20});
  if (table.rows.empty()) return 0;
  const Table again = Read(Write(table.rows), {.delimiter = ','});
  arena::fuzz::Demand(again.complete && again.rows == table.rows, "a table survives a round trip");
  return 0;
}
