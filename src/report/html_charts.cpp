#include "report/internal/html_charts.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/internal/html_parts.h"
#include "report/numbers.h"
#include "report/visible.h"

namespace arena::report_internal {

std::string_view ChartStyle() {
  return R"css(
.bars{width:100%;max-width:720px;font-size:13px}
.bars th{font-weight:400;text-align:right;padding:3px 10px 3px 0;white-space:nowrap}
.bars td{padding:3px 0;width:100%}
.bars td+td{width:auto;padding-left:10px;text-align:right;white-space:nowrap;color:var(--soft)}
.bars div{height:12px;background:var(--data);border-radius:2px;min-width:1px}
.bars .faint div{opacity:.4}
.pair{display:grid;grid-template-columns:1fr 1fr;gap:14px;margin:0 0 12px;padding:0 0 12px;
border-bottom:1px solid var(--line);font-size:13px}
.pair pre{margin:4px 0 0;white-space:pre-wrap;overflow-wrap:anywhere;font:12px/1.45 ui-monospace,
monospace;max-height:180px;overflow:auto}
.pair.one{grid-template-columns:1fr}
.pair .caption{margin:0;overflow-wrap:anywhere}
section.board .caption{margin:6px 0 14px}
section.board .bars{margin:0 0 20px}
pre.settings{font:12px/1.5 ui-monospace,monospace;background:var(--band);padding:12px;
border-radius:6px;overflow:auto;color:var(--fg)}
@media (max-width:560px){.pair{grid-template-columns:1fr}}
)css";
}

std::string Percent(std::int64_t part, std::int64_t whole) {
  return FixedNumber(100 * ShareOf(part, whole), 2);
}

std::string Block(std::string_view text) {
  std::string out;
  const std::string visible = VisibleText(text);
  for (std::size_t at = 0; at <= visible.size();) {
    const std::size_t end = std::min(visible.find('\n', at), visible.size());
    out += HtmlText(std::string_view(visible).substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return out;
}

std::string FactEntry(std::string_view name, std::string_view value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string WarningList(const std::vector<std::string>& warnings) {
  if (warnings.empty()) return "";
  std::string out = "<ul class=\"warnings\">\n";
  for (const std::string& warning : warnings) out += "<li>" + HtmlText(warning) + "</li>\n";
  return out + "</ul>\n";
}

std::string Bars(const std::vector<Bar>& bars) {
  std::int64_t most = 1;
  for (const Bar& bar : bars) most = std::max(most, bar.value);
  std::string out = "<table class=\"bars\"><tbody>\n";
  for (const Bar& bar : bars) {
    out += fmt::format(
        "<tr{}><th scope=\"row\">{}</th><td><div style=\"width:{}%\"></div></td><td>{}{}</td>"
        "</tr>\n",
        bar.is_faint ? " class=\"faint\"" : "", bar.label,
        FixedNumber(100 * ShareOf(bar.value, most), 2), CountNumber(bar.value), bar.note);
  }
  return out + "</tbody></table>\n";
}

std::string SettingsEnd(std::string_view settings) {
  return "<section class=\"notes\"><h2>Settings</h2><pre class=\"settings\">" + Block(settings) +
         "</pre></section>\n</main></body>\n</html>\n";
}

}  // namespace arena::report_internal
