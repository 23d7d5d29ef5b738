#include "cli/ledger_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/numbers.h"

namespace arena {
namespace {

std::string LedgerCount(std::int64_t count) { return CountNumber(static_cast<double>(count)); }

}  // namespace

std::string LedgerText(const std::vector<LedgerLine>& lines, const TableStyle& style) {
  TextTable table({{"who", Align::kLeft, Tone::kAccent, true},
                   {"done"},
                   {"failed"},
                   {"attempts"},
                   {"prompt tokens"},
                   {"completion tokens"},
                   {"reasoning"},
                   {"cached"},
                   {"USD"}});
  double total = 0;
  for (const LedgerLine& line : lines) {
    const Usage& usage = line.usage;
    total += usage.cost_usd;
    table.AddRow({VisibleLine(line.name) + (line.is_judge ? " (judge)" : "") +
                      (line.superseded ? " (earlier)" : ""),
                  LedgerCount(line.done), LedgerCount(line.failed), LedgerCount(line.attempts),
                  LedgerCount(usage.prompt_tokens), LedgerCount(usage.completion_tokens),
                  LedgerCount(usage.reasoning_tokens), LedgerCount(usage.cached_tokens),
                  FixedNumber(usage.cost_usd, 4)});
  }
  return table.Render(style) + fmt::format("In all {} USD.\n", FixedNumber(total, 4));
}

Json LedgerJson(const std::vector<LedgerLine>& lines) {
  Json rows = Json::array();
  for (const LedgerLine& line : lines) {
    rows.push_back({{"name", line.name},
                    {"judge", line.is_judge},
                    {"superseded", line.superseded},
                    {"done", line.done},
                    {"failed", line.failed},
                    {"attempts", line.attempts},
                    {"prompt_tokens", line.usage.prompt_tokens},
                    {"completion_tokens", line.usage.completion_tokens},
                    {"reasoning_tokens", line.usage.reasoning_tokens},
                    {"cached_tokens", line.usage.cached_tokens},
                    {"latency_ms", line.usage.latency_ms},
                    {"cost_usd", line.usage.cost_usd}});
  }
  return rows;
}

}  // namespace arena
