#include "report/curation_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "report/numbers.h"

namespace arena {
namespace {

std::string Share(std::int64_t part, std::int64_t whole) {
  const double share = whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
  return FixedNumber(100 * share, 2) + "%";
}

std::string CountText(std::int64_t count) { return CountNumber(static_cast<double>(count)); }

}  // namespace

std::string CurationText(const CurationReport& report, const ReadReport& read,
                         const TableStyle& style) {
  TextTable table({{"Step", Align::kLeft}, {"Removed"}, {"Of what was left"}, {"Left"}});
  std::int64_t left = report.items;
  for (const StepReport& step : report.steps) {
    const std::string name =
        fmt::format("{}{}", CurationStepName(step.step), step.was_done ? " (done before)" : "");
    const std::int64_t before = left;
    left -= step.removed;
    table.AddRow({name, CountText(step.removed), Share(step.removed, before), CountText(left)});
  }
  std::string text =
      fmt::format("{} items in {} files", CountText(report.items), report.files.size());
  if (read.bad_rows > 0) text += fmt::format("; {} rows were not valid", CountText(read.bad_rows));
  text += fmt::format("; {} benchmark items", CountText(report.benchmark_items));
  if (report.test_items > 0) {
    text += fmt::format("; {} items of the test set", CountText(report.test_items));
  }
  text += "\n\n";
  text += table.Render(style) + "\nShards:";
  for (std::size_t s = 0; s < report.shards.size(); ++s) {
    text += fmt::format(" D{} {}", s, CountText(report.shards[s]));
  }
  return text + "\n";
}

Json CurationJson(const CurationReport& report, const ReadReport& read) {
  Json steps = Json::array();
  for (const StepReport& step : report.steps) {
    Json by_source = Json::object();
    for (std::size_t f = 0; f < report.files.size(); ++f) {
      by_source[report.files[f]] = step.removed_by_file[f];
    }
    steps.push_back({{"step", CurationStepName(step.step)},
                     {"removed", step.removed},
                     {"done_before", step.was_done},
                     {"removed_by_source", std::move(by_source)}});
  }
  Json curve = Json::array();
  for (const CurvePoint& point : report.curve) {
    curve.push_back({{"threshold", point.threshold}, {"removed", point.removed}});
  }
  return {{"items", report.items},
          {"kept", report.kept},
          {"bad_rows", read.bad_rows},
          {"problems", read.problems},
          {"benchmark_items", report.benchmark_items},
          {"test_items", report.test_items},
          {"steps", std::move(steps)},
          {"near_curve", std::move(curve)},
          {"shards", report.shards}};
}

}  // namespace arena
