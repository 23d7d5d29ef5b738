#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/internal/flywheel_plots.h"
#include "report/internal/html_parts.h"
#include "report/numbers.h"

namespace arena::report_internal {
namespace {

/// Maps values to places between two ends.
struct PlotScale {
  double lower = 0;
  double upper = 1;
  double begin = 0;
  double end = 1;

  double Place(double value) const {
    return begin + (end - begin) * (value - lower) / (upper - lower);
  }
};

PlotScale ScaleOver(double lower, double upper, double begin, double end) {
  const double room = upper > lower ? (upper - lower) * 0.06 : 1;
  return {lower - room, upper + room, begin, end};
}

std::string Coordinate(double value) { return FixedNumber(value, 1); }

constexpr double kWidth = 1000;
constexpr double kHeight = 380;
constexpr double kLeft = 56;
constexpr double kRight = 130;  // for the rivals' names
constexpr double kTop = 14;
constexpr double kBottom = 40;
constexpr double kNameHeight = 15;

std::string GridLines(const PlotScale& y, double left, double right, int count, int decimals) {
  std::string out;
  for (const double tick : NiceTicks(std::min(y.lower, y.upper), std::max(y.lower, y.upper), count)) {
    const std::string at = Coordinate(y.Place(tick));
    out += fmt::format(
        "<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{}\" y2=\"{}\"/><text x=\"{}\" y=\"{}\" "
        "text-anchor=\"end\" dominant-baseline=\"middle\">{}</text>\n",
        Coordinate(left), Coordinate(right), at, at, Coordinate(left - 8), at,
        FixedNumber(tick, decimals));
  }
  return out;
}

// Places for names that would stand on each other: moved apart, in their order.
std::vector<double> MovedApart(std::vector<double> places) {
  std::vector<std::size_t> order(places.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return places[a] < places[b]; });
  for (std::size_t i = 1; i < order.size(); ++i) {
    places[order[i]] = std::max(places[order[i]], places[order[i - 1]] + kNameHeight);
  }
  return places;
}

std::string RivalLines(const FlywheelStatus& status, const PlotScale& y) {
  std::vector<std::pair<std::string, StageRating>> rated;
  std::vector<double> places;
  for (const auto& [name, rating] : status.rivals) {
    if (!rating) continue;
    rated.emplace_back(name, *rating);
    places.push_back(y.Place(rating->rating));
  }
  const std::vector<double> names = MovedApart(places);
  std::string out;
  for (std::size_t i = 0; i < rated.size(); ++i) {
    out += fmt::format(
        "<g><title>{0}: {1}</title><line class=\"rival\" x1=\"{2}\" x2=\"{3}\" y1=\"{4}\" "
        "y2=\"{4}\"/><text x=\"{5}\" y=\"{6}\" dominant-baseline=\"middle\">{0}</text></g>\n",
        HtmlText(rated[i].first), FixedNumber(rated[i].second.rating, 0), Coordinate(kLeft),
        Coordinate(kWidth - kRight), Coordinate(places[i]), Coordinate(kWidth - kRight + 8),
        Coordinate(names[i]));
  }
  return out;
}

}  // namespace

std::string StagePlot(const FlywheelStatus& status) {
  double lower = 1000;
  double upper = 1000;
  const auto include = [&](const std::optional<StageRating>& rating) {
    if (!rating) return;
    lower = std::min(lower, rating->lower);
    upper = std::max(upper, rating->upper);
  };
  for (const StageStatus& stage : status.stages) include(stage.rating);
  for (const auto& [name, rating] : status.rivals) include(rating);
  const PlotScale y = ScaleOver(lower, upper, kHeight - kBottom, kTop);
  const auto count = static_cast<double>(status.stages.size());
  const auto x = [&](std::size_t i) {
    return kLeft + (kWidth - kLeft - kRight) * (static_cast<double>(i) + 0.5) / count;
  };
  std::string out = fmt::format(
      "<svg class=\"chart\" viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"Rating by stage, with "
      "intervals; the rivals as lines\">\n",
      kWidth, kHeight);
  out += GridLines(y, kLeft, kWidth - kRight, 7, 0) + RivalLines(status, y);
  std::string line;
  std::string marks;
  for (std::size_t i = 0; i < status.stages.size(); ++i) {
    const StageStatus& stage = status.stages[i];
    const std::string at = Coordinate(x(i));
    marks += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", at,
                         Coordinate(kHeight - kBottom + 22), HtmlText(stage.name));
    if (!stage.rating) continue;
    line += fmt::format("{}{},{}", line.empty() ? "" : " ", at,
                        Coordinate(y.Place(stage.rating->rating)));
    marks += fmt::format(
        "<g><title>{0}: {1} ({2} to {3})</title><line class=\"whisker\" x1=\"{4}\" x2=\"{4}\" "
        "y1=\"{5}\" y2=\"{6}\"/><circle class=\"dot\" cx=\"{4}\" cy=\"{7}\" r=\"5\"/></g>\n",
        HtmlText(stage.name), FixedNumber(stage.rating->rating, 0),
        FixedNumber(stage.rating->lower, 0), FixedNumber(stage.rating->upper, 0), at,
        Coordinate(y.Place(stage.rating->lower)), Coordinate(y.Place(stage.rating->upper)),
        Coordinate(y.Place(stage.rating->rating)));
  }
  return out + fmt::format("<polyline class=\"path\" points=\"{}\"/>\n", line) + marks + "</svg>\n";
}

std::string CurvePlot(const TrainingCurve& curve) {
  constexpr double kCurveWidth = 320;
  constexpr double kCurveHeight = 150;
  constexpr double kAxis = 44;
  if (curve.points.size() < 2) return "";
  double lower = curve.points.front().second;
  double upper = lower;
  for (const auto& [step, value] : curve.points) {
    lower = std::min(lower, value);
    upper = std::max(upper, value);
  }
  const PlotScale y = ScaleOver(lower, upper, kCurveHeight - 24, 8);
  const PlotScale x = {static_cast<double>(curve.points.front().first),
                       static_cast<double>(curve.points.back().first), kAxis, kCurveWidth - 6};
  const double span = y.upper - y.lower;
  const int decimals = span >= 5 ? 0 : static_cast<int>(std::ceil(-std::log10(span / 5)));
  std::string line;
  for (const auto& [step, value] : curve.points) {
    line += fmt::format("{}{},{}", line.empty() ? "" : " ",
                        Coordinate(x.Place(static_cast<double>(step))), Coordinate(y.Place(value)));
  }
  return fmt::format(
      "<figure><figcaption>{}: {}</figcaption><svg class=\"chart\" viewBox=\"0 0 {} {}\" "
      "role=\"img\" aria-label=\"{} of {} by step\">\n{}<polyline class=\"path\" "
      "points=\"{}\"/><text x=\"{}\" y=\"{}\" text-anchor=\"end\">step {}</text></svg></figure>\n",
      HtmlText(curve.name), HtmlText(curve.metric), kCurveWidth, kCurveHeight,
      HtmlText(curve.metric), HtmlText(curve.name),
      GridLines(y, kAxis, kCurveWidth - 6, 4, std::clamp(decimals, 0, 6)), line,
      Coordinate(kCurveWidth - 6), Coordinate(kCurveHeight - 8), curve.points.back().first);
}

}  // namespace arena::report_internal
