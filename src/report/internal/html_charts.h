// Pieces of the reports on pools: bars, facts, blocks of text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace arena::report_internal {

/// The style of what is here; follows PageStyle().
std::string_view ChartStyle();

/// A share of `whole` in percent, with two digits; 0 where there is no whole.
std::string Percent(std::int64_t part, std::int64_t whole);

/// Text of many lines for a <pre>, escaped.
std::string Block(std::string_view text);

/// One entry of <dl class="facts">. `value` is HTML.
std::string FactEntry(std::string_view name, std::string_view value);

/// What a reader should mind, escaped; empty where there is nothing.
std::string WarningList(const std::vector<std::string>& warnings);

struct Bar {
  std::string label;  ///< HTML
  std::int64_t value = 0;
  std::string note = {};  ///< HTML, after the value
  bool is_faint = false;
};
/// A bar chart; the longest bar has the full width.
std::string Bars(const std::vector<Bar>& bars);

/// The section with the settings, and the end of the page.
std::string SettingsEnd(std::string_view settings);

}  // namespace arena::report_internal
