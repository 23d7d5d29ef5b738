#include <fmt/format.h>

#include <algorithm>

#include "report/flywheel_report.h"
#include "report/internal/flywheel_plots.h"
#include "report/internal/flywheel_tables.h"
#include "report/internal/html_charts.h"
#include "report/internal/html_parts.h"
#include "report/numbers.h"

namespace arena {
namespace {

using report_internal::HtmlText;
using report_internal::ReportCell;
using report_internal::ReportTable;

constexpr std::string_view kFlywheelStyle = R"css(
.chart{display:block;width:100%;height:auto;overflow:visible}
.chart text{fill:var(--soft);font-size:12px}
.chart .grid{stroke:var(--grid)}
.chart .rival{stroke:var(--soft);stroke-dasharray:5 4;opacity:.7}
.chart .path{fill:none;stroke:var(--data);stroke-width:2;stroke-linejoin:round}
.chart .whisker{stroke:var(--data);stroke-width:2;opacity:.55}
.chart .dot{fill:var(--data);stroke:var(--bg);stroke-width:1.5}
.curves{display:grid;grid-template-columns:repeat(auto-fill,minmax(260px,1fr));gap:18px 22px}
.curves figure{margin:0}
.curves figcaption{font-size:13px;font-weight:550;margin:0 0 4px}
.tinted td[class^=t]{border-left:1px solid var(--bg)}
.t0{background:color-mix(in srgb,var(--data) 0%,transparent)}
.t1{background:color-mix(in srgb,var(--data) 5%,transparent)}
.t2{background:color-mix(in srgb,var(--data) 10%,transparent)}
.t3{background:color-mix(in srgb,var(--data) 15%,transparent)}
.t4{background:color-mix(in srgb,var(--data) 20%,transparent)}
.t5{background:color-mix(in srgb,var(--data) 25%,transparent)}
.t6{background:color-mix(in srgb,var(--data) 30%,transparent)}
.t7{background:color-mix(in srgb,var(--data) 36%,transparent)}
.t8{background:color-mix(in srgb,var(--data) 42%,transparent)}
.t9{background:color-mix(in srgb,var(--data) 48%,transparent)}
.t10{background:color-mix(in srgb,var(--data) 54%,transparent)}
.battle{display:grid;grid-template-columns:1fr 1fr;gap:6px 18px;margin:0 0 14px;
padding:0 0 14px;border-bottom:1px solid var(--line);font-size:14px}
.battle .prompt{grid-column:1/-1;font-weight:550}
.battle .caption{margin:0}
.battle p{overflow-wrap:anywhere;white-space:pre-wrap}
@media (max-width:560px){.battle{grid-template-columns:1fr}}
)css";

std::string CellHtml(const ReportCell& cell) {
  if (!cell.share) return fmt::format("<td>{}</td>", HtmlText(cell.text));
  const int level = static_cast<int>(std::clamp(*cell.share, 0.0, 1.0) * 10 + 0.5);
  return fmt::format("<td class=\"t{}\">{}</td>", level, HtmlText(cell.text));
}

std::string TableHtml(const ReportTable& table) {
  std::string out = fmt::format(
      "<h3>{0}</h3>\n<p class=\"caption\">{1}</p>\n<div class=\"scroll\" tabindex=\"0\" "
      "role=\"region\" aria-label=\"{0}\"><table class=\"figures tinted\"><thead><tr>",
      HtmlText(table.title), HtmlText(table.caption));
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    out += fmt::format("<th scope=\"col\"{}>{}</th>", i == 0 ? " class=\"name\"" : "",
                       HtmlText(table.columns[i]));
  }
  out += "</tr></thead><tbody>\n";
  for (const std::vector<ReportCell>& row : table.rows) {
    out += fmt::format("<tr><th scope=\"row\" class=\"name\"><bdi>{}</bdi></th>",
                       HtmlText(row.front().text));
    for (std::size_t i = 1; i < row.size(); ++i) out += CellHtml(row[i]);
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string FactsHtml(const FlywheelReport& report) {
  std::string out = "<dl class=\"facts\">\n";
  for (const auto& [name, value] : report_internal::FlywheelFacts(report)) {
    out += report_internal::FactEntry(HtmlText(name), HtmlText(value));
  }
  return out + "</dl>\n";
}

std::string CurvesHtml(const FlywheelReport& report) {
  std::string plots;
  for (const StageDetails& stage : report.stages) {
    for (const TrainingCurve& curve : stage.curves) plots += report_internal::CurvePlot(curve);
  }
  if (plots.empty()) return "";
  return "<h3>Training</h3>\n<p class=\"caption\">Loss of SFT and DPO, accuracy of the reward "
         "models "
         "(RM), mean reward of PPO\u2019s answers, by step.</p>\n<div class=\"curves\">\n" +
         plots + "</div>\n";
}

std::string BattleHtml(const BattleExample& battle, const std::string& target) {
  const auto side = [](const std::string& name, double score, const std::string& text) {
    return fmt::format("<div><p class=\"caption\"><bdi>{}</bdi>: {}</p><p>{}</p></div>",
                       HtmlText(name), FixedNumber(score, 1), HtmlText(text));
  };
  return fmt::format("<div class=\"battle\"><p class=\"prompt\">{}</p>{}{}</div>\n",
                     HtmlText(battle.prompt),
                     side(target, battle.target_score, battle.target_answer),
                     side(battle.rival, battle.rival_score, battle.rival_answer));
}

std::string BattlesHtml(const FlywheelReport& report) {
  std::string out;
  for (std::size_t i = 0; i < report.stages.size(); ++i) {
    if (report.stages[i].examples.empty()) continue;
    out += fmt::format("<h3>Battles of {}</h3>\n", HtmlText(report.status.stages[i].name));
    for (const BattleExample& battle : report.stages[i].examples) {
      out += BattleHtml(battle, report.status.stages[i].target);
    }
  }
  if (out.empty()) return "";
  return "<section class=\"board\"><h2>Battles to read</h2>\n<p class=\"caption\">Of what each "
         "stage "
         "selected: the first, the middle and the last. The target, then its rival, each with the "
         "mean score of both games.</p>\n" +
         out + "</section>\n";
}

}  // namespace

std::string FlywheelHtml(const FlywheelReport& report) {
  std::string out = report_internal::PageBegin("Flywheel", kFlywheelStyle);
  out += FactsHtml(report);
  out +=
      "<h3>Rating by stage</h3>\n<p class=\"caption\">Dots: the target after each stage, with "
      "intervals. Dashed: the rivals, whose mean is 1000.</p>\n";
  out += report_internal::StagePlot(report.status);
  out += TableHtml(report_internal::StageTable(report));
  out += TableHtml(report_internal::SelectionTable(report));
  out += TableHtml(report_internal::CategoryTable(report));
  out += CurvesHtml(report);
  out += TableHtml(report_internal::TimeTable(report));
  out += fmt::format("<p class=\"caption\">{}</p>\n",
                     HtmlText(report_internal::EfficiencyText(report)));
  if (!report.board.contestants.empty()) {
    out += "<section class=\"board\"><h2>Leaderboard of the test set</h2>\n" +
           report_internal::BoardParts(report.board) + "</section>\n";
  }
  return out + BattlesHtml(report) + "</main></body>\n</html>\n";
}

}  // namespace arena
