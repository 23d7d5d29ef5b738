#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "report/curation_report.h"
#include "report/internal/html_charts.h"
#include "report/internal/html_parts.h"
#include "report/numbers.h"

namespace arena {
namespace {

using report_internal::Bar;
using report_internal::Bars;
using report_internal::Block;
using report_internal::FactEntry;
using report_internal::HtmlText;
using report_internal::Percent;

std::string_view Title(CurationStep step) {
  switch (step) {
    case CurationStep::kUnsafe:
      return "Unsafe";
    case CurationStep::kLength:
      return "Too short or too long";
    case CurationStep::kExact:
      return "The same words";
    case CurationStep::kPrefix:
      return "The same opening";
    case CurationStep::kNear:
      return "Near-duplicates";
    case CurationStep::kTestSet:
      return "Like an item of the test set";
    case CurationStep::kNeighbours:
      return "Nearest to a benchmark item";
    case CurationStep::kOverlap:
      return "Words in common with a benchmark item";
    case CurationStep::kLanguage:
      return "Other languages";
  }
  return "";
}

std::string Facts(const CurationReport& report, const ReadReport& read) {
  std::string out = "<dl class=\"facts\">\n";
  out +=
      FactEntry("Items", CountNumber(report.items)) + FactEntry("Kept", CountNumber(report.kept));
  out += FactEntry("Kept, %", Percent(report.kept, report.items));
  out += FactEntry("Files", CountNumber(static_cast<std::int64_t>(report.files.size())));
  out += FactEntry("Rows not valid", CountNumber(read.bad_rows));
  out += FactEntry("Benchmark items", CountNumber(report.benchmark_items));
  if (report.test_items > 0)
    out += FactEntry("Items of the test set", CountNumber(report.test_items));
  return out + "</dl>\n";
}

std::string StepTable(const CurationReport& report) {
  std::string out =
      "<h3>What each step removed</h3>\n<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"Steps\"><table class=\"figures\"><thead><tr><th scope=\"col\" "
      "class=\"name\">Step</th><th scope=\"col\">Removed</th><th scope=\"col\">Of what was left, "
      "%</th><th scope=\"col\">Left</th></tr></thead><tbody>\n";
  std::int64_t left = report.items;
  for (const StepReport& step : report.steps) {
    const std::int64_t before = left;
    left -= step.removed;
    out += fmt::format(
        "<tr><th scope=\"row\" class=\"name\">{}</th><td class=\"main\">{}</td><td>{}</td>"
        "<td>{}</td></tr>\n",
        Title(step.step), CountNumber(step.removed), Percent(step.removed, before),
        CountNumber(left));
  }
  return out + "</tbody></table></div>\n";
}

// What the paths of all files begin with, up to a slash.
std::size_t CommonFolder(const std::vector<std::string>& files) {
  if (files.size() < 2) return 0;
  std::size_t common = files.front().size();
  for (const std::string& file : files) {
    const auto end = std::mismatch(
        file.begin(), file.end(), files.front().begin(),
        files.front().begin() + static_cast<std::ptrdiff_t>(std::min(common, file.size())));
    common = std::min(common, static_cast<std::size_t>(end.first - file.begin()));
  }
  const std::size_t slash = files.front().rfind('/', common == 0 ? 0 : common - 1);
  return slash == std::string::npos ? 0 : slash + 1;
}

std::string SourceTable(const CurationReport& report) {
  const std::size_t common = CommonFolder(report.files);
  std::string out = "<h3>By source</h3>\n";
  if (common > 0) {
    out += fmt::format("<p class=\"caption\">Files below {}</p>\n",
                       HtmlText(std::string_view(report.files.front()).substr(0, common)));
  }
  out +=
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"Sources\"><table class=\"figures\"><thead><tr><th scope=\"col\" "
      "class=\"name\">File</th><th scope=\"col\">Items</th>";
  for (const StepReport& step : report.steps) {
    out += fmt::format("<th scope=\"col\">{}</th>", CurationStepName(step.step));
  }
  out += "<th scope=\"col\">Kept</th></tr></thead><tbody>\n";
  for (std::size_t f = 0; f < report.files.size(); ++f) {
    const std::string name = HtmlText(report.files[f]);
    out += fmt::format(
        "<tr><th scope=\"row\" class=\"name\" title=\"{}\"><bdi>{}</bdi></th><td>{}</td>", name,
        HtmlText(std::string_view(report.files[f]).substr(common)),
        CountNumber(report.items_by_file[f]));
    std::int64_t kept = report.items_by_file[f];
    for (const StepReport& step : report.steps) {
      kept -= step.removed_by_file[f];
      out += fmt::format("<td class=\"soft\">{}</td>", CountNumber(step.removed_by_file[f]));
    }
    out += fmt::format("<td class=\"main\">{}</td></tr>\n", CountNumber(kept));
  }
  return out + "</tbody></table></div>\n";
}

std::string CurveChart(const CurationReport& report) {
  if (report.curve.size() < 2) return "";
  std::vector<Bar> bars;
  for (const CurvePoint& point : report.curve) {
    bars.push_back({fmt::format("{}", point.threshold), point.removed, "",
                    point.threshold != report.near_threshold});
  }
  return "<h3>What other thresholds would remove</h3>\n<p class=\"caption\">Items that the step "
         "near-duplicates would remove at each Jaccard threshold, each with its own bands. The one "
         "in use is dark.</p>\n" +
         Bars(bars);
}

std::string ShardChart(const CurationReport& report) {
  std::vector<Bar> bars;
  for (std::size_t s = 0; s < report.shards.size(); ++s) {
    bars.push_back({fmt::format("D{}", s), report.shards[s], "", false});
  }
  return "<h3>Shards</h3>\n" + Bars(bars);
}

// Whether matches of the step are more or less similar.
bool HasSimilarities(CurationStep step) {
  return step == CurationStep::kNear || step == CurationStep::kTestSet ||
         step == CurationStep::kNeighbours;
}

// Of the removals, from the first range that has some.
std::string Similarities(const StepReport& step) {
  if (step.similarities.empty() || !HasSimilarities(step.step)) return "";
  std::vector<Bar> bars;
  for (std::size_t k = 0; k < step.similarities.size(); ++k) {
    if (bars.empty() && step.similarities[k] == 0) continue;
    bars.push_back({fmt::format("0.{}\u2013{}", k, k == 9 ? "1.0" : fmt::format("0.{}", k + 1)),
                    step.similarities[k], "", false});
  }
  return "<p class=\"caption\">Removed items by similarity with what they resemble</p>\n" +
         Bars(bars);
}

std::string ExamplePair(const RemovalExample& example, std::size_t common, bool has_similarity) {
  const auto shown = [&](const std::string& place) {
    return HtmlText(std::string_view(place).substr(std::min(common, place.size())));
  };
  std::string out =
      fmt::format("<div class=\"pair\"><div><p class=\"caption\">{}: {}</p><pre>{}</pre></div>",
                  shown(example.place), HtmlText(example.reason), Block(example.text));
  if (!example.matched_place.empty()) {
    // A benchmark's place is not in the pool's folder.
    const bool in_pool = example.matched_place.substr(0, common) == example.place.substr(0, common);
    out += fmt::format(
        "<div><p class=\"caption\">{} {}{}</p><pre>{}</pre></div>",
        has_similarity ? "resembles" : "as",
        in_pool ? shown(example.matched_place) : HtmlText(example.matched_place),
        has_similarity ? fmt::format(", similarity {}", FixedNumber(example.similarity, 3)) : "",
        Block(example.matched_text));
  }
  return out + "</div>\n";
}

std::string StepSection(const StepReport& step, std::size_t common) {
  if (step.removed == 0) return "";
  const bool has_similarities = HasSimilarities(step.step);
  std::string out = fmt::format("<section class=\"board\"><h2>{}</h2>\n", Title(step.step));
  out +=
      fmt::format("<p class=\"caption\">{} removed{}</p>\n", CountNumber(step.removed),
                  step.examples.size() < static_cast<std::size_t>(step.removed)
                      ? fmt::format("; {} of them{}", step.examples.size(),
                                    has_similarities ? ", from the least to the most similar" : "")
                      : "");
  out += Similarities(step);
  for (const RemovalExample& example : step.examples) {
    out += ExamplePair(example, common, has_similarities);
  }
  return out + "</section>\n";
}

}  // namespace

std::string CurationHtml(const CurationReport& report, const ReadReport& read,
                         std::string_view settings) {
  std::string out = report_internal::PageBegin("Curation", report_internal::ChartStyle());
  out += Facts(report, read) + report_internal::WarningList(read.problems) + StepTable(report) +
         SourceTable(report);
  out += CurveChart(report) + ShardChart(report);
  const std::size_t common = CommonFolder(report.files);
  for (const StepReport& step : report.steps) out += StepSection(step, common);
  return out + report_internal::SettingsEnd(settings);
}

}  // namespace arena
