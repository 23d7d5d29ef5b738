#include "report/judge_quality_text.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/internal/figures.h"
#include "report/numbers.h"

namespace arena {
namespace {

using report_internal::FigureLine;
using report_internal::Unit;

std::string Over(std::int64_t count, std::string_view what) {
  return fmt::format("{} {}", CountNumber(static_cast<double>(count)), what);
}

/// Adds a line for a rate that has cases.
void AddRate(std::vector<FigureLine>& lines, std::string name, const std::optional<JudgeRate>& rate,
             std::string_view what) {
  if (rate && rate->count > 0) {
    lines.push_back({std::move(name), rate->figure, Unit::kPercent, Over(rate->count, what)});
  }
}

std::vector<FigureLine> BiasLines(const JudgeQualityReport& report) {
  std::vector<FigureLine> lines;
  AddRate(lines, "void games", report.void_rate, "games");
  AddRate(lines, "verdicts that flip on swap", report.flip_rate, "battles in both orders");
  AddRate(lines, "  first seat won both games", report.first_seat_reversals,
          "battles in both orders");
  AddRate(lines, "  second seat won both games", report.second_seat_reversals,
          "battles in both orders");
  AddRate(lines, "  one game a tie", report.tie_flips, "battles in both orders");
  AddRate(lines, "first seat's win rate", report.first_seat_win_rate, "games");
  AddRate(lines, "longer answer's win rate", report.longer_win_rate, "battles");
  if (report.length_slope) {
    const LengthSlope& slope = *report.length_slope;
    lines.push_back({fmt::format("log odds per {} {} of length", FixedNumber(slope.deviation, 1),
                                 VisibleLine(slope.unit)),
                     slope.slope, Unit::kPlain,
                     Over(slope.count, slope.sampled ? "battles (a sample)" : "battles")});
  }
  AddRate(lines, "same verdict when asked again", report.repeatability, "pairs of samples");
  AddRate(lines, "same winner by two of the jury", report.jury_agreement, "pairs of members");
  return lines;
}

std::vector<FigureLine> VoteLines(const VoteAgreement& votes) {
  std::vector<FigureLine> lines;
  AddRate(lines, "agrees with votes", votes.accuracy, "votes");
  AddRate(lines, "  where neither says tie", votes.decided_accuracy, "votes");
  lines.push_back({"Cohen's kappa", votes.kappa, Unit::kPlain, ""});
  return lines;
}

std::vector<FigureLine> FamilyLines(const std::vector<FamilyPreference>& families) {
  std::vector<FigureLine> lines;
  for (const FamilyPreference& family : families) {
    const std::string name = VisibleLine(family.family);
    AddRate(lines, name + ": win rate before its own judge", family.win_rate, "battles");
    AddRate(lines, "  more than votes give", family.versus_votes, "battles");
    AddRate(lines, "  more than other judges give", family.versus_other_judges, "battles");
  }
  return lines;
}

std::string CaseTable(const VoteAgreement& votes, const TableStyle& style) {
  constexpr std::array<const char*, 3> kLabels{"win", "tie", "loss"};
  TextTable table({{"judge \\ vote", Align::kLeft, Tone::kHeading}, {"win"}, {"tie"}, {"loss"}});
  for (std::size_t judge = 0; judge < kLabels.size(); ++judge) {
    std::vector<std::string> cells{kLabels[judge]};
    for (const std::int64_t count : votes.cases[judge]) {
      cells.push_back(CountNumber(static_cast<double>(count)));
    }
    table.AddRow(std::move(cells));
  }
  return table.Render(style);
}

Json RateToJson(const std::optional<JudgeRate>& rate) {
  if (!rate) {
    return nullptr;
  }
  Json json = report_internal::FigureToJson(rate->figure);
  json["count"] = rate->count;
  return json;
}

Json SlopeToJson(const std::optional<LengthSlope>& slope) {
  if (!slope) {
    return nullptr;
  }
  Json json = report_internal::FigureToJson(slope->slope);
  json["deviation"] = JsonNumber(slope->deviation);
  json["unit"] = slope->unit;
  json["count"] = slope->count;
  json["sampled"] = slope->sampled;
  return json;
}

Json VotesToJson(const std::optional<VoteAgreement>& votes) {
  if (!votes) {
    return nullptr;
  }
  return {{"accuracy", RateToJson(votes->accuracy)},
          {"decided_accuracy", RateToJson(votes->decided_accuracy)},
          {"kappa", report_internal::FigureToJson(votes->kappa)},
          {"cases", votes->cases}};
}

}  // namespace

std::string JudgeQualityText(const JudgeQualityReport& report, const TableStyle& style) {
  std::string out = FigureTable(BiasLines(report), report.level, style);
  if (report.votes) {
    out += '\n' + FigureTable(VoteLines(*report.votes), report.level, style);
    out += '\n' + CaseTable(*report.votes, style);
  }
  if (!report.families.empty()) {
    out += '\n' + FigureTable(FamilyLines(report.families), report.level, style);
  }
  std::vector<std::string> facts{Over(report.battles, "battles"), Over(report.games, "games"),
                                 Over(report.clusters, "groups of instructions"),
                                 fmt::format("{} rounds", report.rounds),
                                 fmt::format("seed {}", report.seed)};
  if (report.votes_given > 0) {
    facts.push_back(Over(report.votes_given, "votes given"));
  }
  out += '\n' + report_internal::FactText(facts, style);
  return out + report_internal::WarningText(report.warnings, style);
}

Json JudgeQualityToJson(const JudgeQualityReport& report) {
  Json families = Json::array();
  for (const FamilyPreference& family : report.families) {
    families.push_back({{"family", family.family},
                        {"win_rate", RateToJson(family.win_rate)},
                        {"versus_votes", RateToJson(family.versus_votes)},
                        {"versus_other_judges", RateToJson(family.versus_other_judges)}});
  }
  return {{"battles", report.battles},
          {"games", report.games},
          {"clusters", report.clusters},
          {"level", JsonNumber(report.level)},
          {"rounds", report.rounds},
          {"seed", report.seed},
          {"void_rate", RateToJson(report.void_rate)},
          {"flip_rate", RateToJson(report.flip_rate)},
          {"first_seat_reversals", RateToJson(report.first_seat_reversals)},
          {"second_seat_reversals", RateToJson(report.second_seat_reversals)},
          {"tie_flips", RateToJson(report.tie_flips)},
          {"first_seat_win_rate", RateToJson(report.first_seat_win_rate)},
          {"longer_win_rate", RateToJson(report.longer_win_rate)},
          {"length_slope", SlopeToJson(report.length_slope)},
          {"repeatability", RateToJson(report.repeatability)},
          {"jury_agreement", RateToJson(report.jury_agreement)},
          {"votes", VotesToJson(report.votes)},
          {"votes_given", report.votes_given},
          {"families", std::move(families)},
          {"warnings", report.warnings}};
}

}  // namespace arena
