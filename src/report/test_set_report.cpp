#include "report/test_set_report.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "report/numbers.h"
#include "report/visible.h"

namespace arena {
namespace {

constexpr std::size_t kListedClusters = 10;

std::string Counted(std::int64_t count) { return CountNumber(static_cast<double>(count)); }

}  // namespace

std::string TestSetText(const TestSetReport& report, const ReadReport& read) {
  std::string text =
      fmt::format("{} items in {} files, {} different prompts, {} clusters", Counted(report.items),
                  report.files.size(), Counted(report.distinct),
                  Counted(static_cast<std::int64_t>(report.clusters.size())));
  if (read.bad_rows > 0) text += fmt::format("; {} rows were not valid", Counted(read.bad_rows));
  text += fmt::format("\n\nDiverse {}, Hard {} (of {} candidates, by {}), Mix {}\n\n",
                      Counted(report.diverse), Counted(report.hard), Counted(report.candidates),
                      VisibleLine(report.rater), Counted(report.diverse + report.hard));
  text += "The largest clusters:\n";
  for (std::size_t c = 0; c < std::min(report.clusters.size(), kListedClusters); ++c) {
    const TestSetCluster& cluster = report.clusters[c];
    text += fmt::format("  {:>8}  {}\n", Counted(cluster.items), VisibleLine(cluster.label));
  }
  for (const std::string& note : report.notes) text += "\n" + note + "\n";
  return text;
}

Json TestSetJson(const TestSetReport& report, const ReadReport& read) {
  Json clusters = Json::array();
  for (const TestSetCluster& cluster : report.clusters) {
    clusters.push_back(
        {{"cluster", cluster.number},
         {"label", cluster.label},
         {"items", cluster.items},
         {"diverse", cluster.diverse},
         {"hard", cluster.hard},
         {"mean_rating", cluster.mean_rating ? JsonNumber(*cluster.mean_rating) : Json()}});
  }
  return {{"items", report.items},
          {"distinct", report.distinct},
          {"bad_rows", read.bad_rows},
          {"problems", read.problems},
          {"diverse", report.diverse},
          {"hard", report.hard},
          {"mix", report.diverse + report.hard},
          {"candidates", report.candidates},
          {"unrated", report.unrated},
          {"rater", report.rater},
          {"notes", report.notes},
          {"clusters", std::move(clusters)}};
}

}  // namespace arena
