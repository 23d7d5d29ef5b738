#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "report/internal/html_charts.h"
#include "report/internal/html_parts.h"
#include "report/numbers.h"
#include "report/test_set_report.h"

namespace arena {
namespace {

using report_internal::Bar;
using report_internal::Bars;
using report_internal::Block;
using report_internal::FactEntry;
using report_internal::HtmlText;

constexpr std::string_view kMapStyle = R"css(
.map{width:100%;height:auto;display:block;background:var(--band);border-radius:6px}
.map .item{fill:var(--never)}
.map .diverse{fill:var(--data)}
.map .hard{fill:var(--h1)}
.map .centre{fill:none;stroke:var(--soft);stroke-opacity:.45}
.map text{fill:var(--fg);font-size:11px;paint-order:stroke;stroke:var(--band);stroke-width:3px;
text-anchor:middle}
.legend .dot{width:10px;height:10px;border-radius:50%;margin-left:8px}
.legend .dot.item{background:var(--never)}
.legend .dot.diverse{background:var(--data)}
.legend .dot.hard{background:var(--h1)}
.legend .dot.centre{border:1px solid var(--soft)}
.tall{max-height:520px;overflow:auto}
)css";

constexpr double kMapWidth = 1000;
constexpr double kMapHeight = 620;
constexpr double kMapRoom = 24;
constexpr std::size_t kNamedClusters = 20;
constexpr double kNameWidth = 84;  // of a word of usual length
constexpr double kNameHeight = 14;
constexpr std::size_t kShownCategories = 24;
constexpr std::size_t kShownPrompts = 12;
constexpr int kRatingBins = 10;

// Places of the map in the picture.
class MapScale {
 public:
  explicit MapScale(const TestSetReport& report) {
    for (const auto& [x, y] : report.map) Include(x, y);
    for (const TestSetItem& item : report.chosen) Include(item.x, item.y);
  }
  double X(float x) const { return Place(x, least_x_, most_x_, kMapWidth); }
  double Y(float y) const { return Place(-y, -most_y_, -least_y_, kMapHeight); }

 private:
  void Include(float x, float y) {
    least_x_ = std::min(least_x_, x);
    most_x_ = std::max(most_x_, x);
    least_y_ = std::min(least_y_, y);
    most_y_ = std::max(most_y_, y);
  }
  static double Place(float value, float least, float most, double size) {
    const double span = most > least ? static_cast<double>(most - least) : 1;
    const double share = static_cast<double>(value - least) / span;
    return kMapRoom + share * (size - 2 * kMapRoom);
  }

  float least_x_ = 0, most_x_ = 0, least_y_ = 0, most_y_ = 0;
};

std::string Circle(std::string_view kind, double x, double y, std::string_view radius,
                   const std::string& title) {
  return fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\"{}\n", kind,
                     FixedNumber(x, 1), FixedNumber(y, 1), radius,
                     title.empty() ? "/>" : fmt::format("><title>{}</title></circle>", title));
}

// Rings of all clusters, and the names of the largest that do not cover each other.
std::string ClusterCircles(const TestSetReport& report, const MapScale& scale) {
  std::string circles, names;
  std::vector<std::pair<double, double>> named;
  for (const TestSetCluster& cluster : report.clusters) {
    const double share = static_cast<double>(cluster.items) /
                         static_cast<double>(std::max<std::int64_t>(report.distinct, 1));
    const double radius = std::clamp(120 * std::sqrt(share), 3.0, 60.0);
    const double x = scale.X(cluster.x);
    const double y = scale.Y(cluster.y);
    circles += Circle("centre", x, y, FixedNumber(radius, 1), HtmlText(cluster.label));
    const bool has_room = std::none_of(named.begin(), named.end(), [&](const auto& place) {
      return std::abs(place.first - x) < kNameWidth && std::abs(place.second - y) < kNameHeight;
    });
    if (!has_room || named.size() == kNamedClusters) continue;
    named.emplace_back(x, y);
    names +=
        fmt::format("<text x=\"{}\" y=\"{}\">{}</text>\n", FixedNumber(x, 1), FixedNumber(y, 1),
                    HtmlText(cluster.label.substr(0, cluster.label.find(','))));
  }
  return circles + names;
}

std::string Map(const TestSetReport& report) {
  const MapScale scale(report);
  std::string out = fmt::format(
      "<h3>Map</h3>\n<p class=\"caption\">The pool and what was chosen, on the first two principal "
      "components of the embedding. A ring is a cluster, as large as its share of the pool; the "
      "largest that have room are named by their most telling word. Two of many dimensions: what "
      "is near here "
      "need not be alike.</p>\n<svg class=\"map\" viewBox=\"0 0 {} {}\" role=\"img\" "
      "aria-label=\"Map of the pool\">\n",
      kMapWidth, kMapHeight);
  for (const auto& [x, y] : report.map) out += Circle("item", scale.X(x), scale.Y(y), "1.4", "");
  for (const TestSetItem& item : report.chosen) {
    out += Circle(item.is_hard ? "hard" : "diverse", scale.X(item.x), scale.Y(item.y), "2.6",
                  HtmlText(item.place));
  }
  out += ClusterCircles(report, scale);
  return out +
         "</svg>\n<p class=\"legend\"><i class=\"dot item\"></i>pool<i class=\"dot diverse\"></i>"
         "Diverse<i class=\"dot hard\"></i>Hard<i class=\"dot centre\"></i>cluster</p>\n";
}

std::string CategoryChart(const TestSetReport& report) {
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> counts;  // diverse, hard
  for (const TestSetItem& item : report.chosen) {
    auto& [diverse, hard] = counts[item.category];
    ++(item.is_hard ? hard : diverse);
  }
  if (counts.empty() || (counts.size() == 1 && counts.begin()->first.empty())) {
    return "<h3>Categories</h3>\n<p class=\"caption\">The pool has no categories. --category "
           "cluster makes one of each cluster.</p>\n";
  }
  std::vector<Bar> bars;
  for (const auto& [category, count] : counts) {
    const auto& [diverse, hard] = count;
    bars.push_back(
        {category.empty() ? "<i>none</i>" : HtmlText(category), diverse + hard,
         fmt::format(" ({} diverse, {} hard)", CountNumber(diverse), CountNumber(hard))});
  }
  std::stable_sort(bars.begin(), bars.end(),
                   [](const Bar& a, const Bar& b) { return a.value > b.value; });
  const std::size_t more = bars.size() - std::min(bars.size(), kShownCategories);
  bars.resize(bars.size() - more);
  return "<h3>Categories</h3>\n" + Bars(bars) +
         (more > 0 ? fmt::format("<p class=\"caption\">and {} more</p>\n", more) : "");
}

std::string RatingChart(const TestSetReport& report) {
  if (report.ratings.empty()) return "";
  const double least = report.ratings.front();
  const double width = (report.ratings.back() - least) / kRatingBins;
  std::vector<std::int64_t> all(kRatingBins), hard(kRatingBins);
  const auto bin = [&](double rating) {
    const double place = width > 0 ? (rating - least) / width : 0;
    return static_cast<std::size_t>(std::clamp(place, 0.0, kRatingBins - 1.0));
  };
  for (const double rating : report.ratings) ++all[bin(rating)];
  for (const TestSetItem& item : report.chosen) {
    if (item.rating) ++hard[bin(*item.rating)];
  }
  std::vector<Bar> bars;
  for (int b = 0; b < kRatingBins && (b == 0 || width > 0); ++b) {
    const auto at = static_cast<std::size_t>(b);
    bars.push_back({fmt::format("{:.4g}\u2013{:.4g}", least + b * width, least + (b + 1) * width),
                    all[at], fmt::format(" ({} in Hard)", CountNumber(hard[at])), hard[at] == 0});
  }
  return fmt::format("<h3>Ratings of the candidates</h3>\n<p class=\"caption\">By {}.</p>\n",
                     HtmlText(report.rater)) +
         Bars(bars);
}

std::string ClusterTable(const TestSetReport& report) {
  std::string out =
      "<h3>Clusters</h3>\n<div class=\"scroll tall\" tabindex=\"0\" role=\"region\" "
      "aria-label=\"Clusters\"><table class=\"figures\"><thead><tr><th scope=\"col\" "
      "class=\"name\">Most telling words</th><th scope=\"col\">Prompts</th><th scope=\"col\">"
      "Diverse</th><th scope=\"col\">Hard</th><th scope=\"col\">Mean rating</th></tr></thead>"
      "<tbody>\n";
  for (const TestSetCluster& cluster : report.clusters) {
    out += fmt::format(
        "<tr><th scope=\"row\" class=\"name\">{}</th><td class=\"main\">{}</td><td>{}</td>"
        "<td>{}</td><td class=\"soft\">{}</td></tr>\n",
        cluster.label.empty() ? "<i>none</i>" : HtmlText(cluster.label), CountNumber(cluster.items),
        CountNumber(cluster.diverse), CountNumber(cluster.hard),
        cluster.mean_rating ? FixedNumber(*cluster.mean_rating, 2) : "");
  }
  return out + "</tbody></table></div>\n";
}

// The first of a kind, or as many evenly spread over them.
std::string Prompts(const TestSetReport& report, bool is_hard, std::string_view title,
                    std::string_view caption) {
  std::vector<const TestSetItem*> items;
  for (const TestSetItem& item : report.chosen) {
    if (item.is_hard == is_hard) items.push_back(&item);
  }
  if (items.empty()) return "";
  std::string out = fmt::format(
      "<section class=\"board\"><h2>{}</h2>\n<p class=\"caption\">{}</p>\n", title, caption);
  const std::size_t shown = std::min(items.size(), kShownPrompts);
  for (std::size_t k = 0; k < shown; ++k) {
    const TestSetItem& item = *items[is_hard ? k : k * items.size() / shown];
    out += fmt::format(
        "<div class=\"pair one\"><div><p class=\"caption\">{}{}</p><pre>{}</pre></div></div>\n",
        HtmlText(item.place), item.rating ? fmt::format(", rated {:.4g}", *item.rating) : "",
        Block(item.text));
  }
  return out + "</section>\n";
}

}  // namespace

std::string TestSetHtml(const TestSetReport& report, const ReadReport& read,
                        std::string_view settings) {
  std::string out = report_internal::PageBegin(
      "Test set", std::string(report_internal::ChartStyle()) + std::string(kMapStyle));
  out += "<dl class=\"facts\">\n";
  out += FactEntry("Diverse", CountNumber(report.diverse)) +
         FactEntry("Hard", CountNumber(report.hard));
  out += FactEntry("Mix", CountNumber(report.diverse + report.hard));
  out += FactEntry("Items of the pool", CountNumber(report.items));
  out += FactEntry("Different prompts", CountNumber(report.distinct));
  out += FactEntry("Clusters", CountNumber(static_cast<std::int64_t>(report.clusters.size())));
  out += FactEntry("Candidates for Hard", CountNumber(report.candidates));
  out += FactEntry("Without a rating", CountNumber(report.unrated));
  out += FactEntry("Rows not valid", CountNumber(read.bad_rows)) + "</dl>\n";
  std::vector<std::string> warnings = report.notes;
  warnings.insert(warnings.end(), read.problems.begin(), read.problems.end());
  out += report_internal::WarningList(warnings);
  out += Map(report) + CategoryChart(report) + RatingChart(report) + ClusterTable(report);
  out += Prompts(report, true, "Hard", "The best rated, the hardest first");
  out += Prompts(report, false, "Diverse", "Some of them, from cluster to cluster");
  return out + report_internal::SettingsEnd(settings);
}

}  // namespace arena
