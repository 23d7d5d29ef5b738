// `arena judge`: how far the judge of recorded battles can be trusted, and its stored replies read
// again.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "cli/assemble.h"
#include "cli/battle_source.h"
#include "cli/command.h"
#include "cli/judge_reparse.h"
#include "judge/stored_reply.h"
#include "rating/judge_quality.h"
#include "report/judge_quality_text.h"

namespace arena {
namespace {

struct JudgeArguments {
  CommonOptions common;
  SourceArguments source;
  std::vector<std::string> votes;
  std::string votes_format = "lmsys";
  std::vector<std::string> families;
  std::string judge_family;
  JudgeQualityReportOptions report;
  ReparseArguments reparse;
};

/// Families of the contestants and judges: the store's, then those given on the command line.
Result<JudgeQualityConfig> Families(const JudgeArguments& arguments, const BattleSource& source) {
  JudgeQualityConfig config;
  config.default_judge_family = arguments.judge_family;
  if (source.is_store()) {
    ARENA_ASSIGN_OR_RETURN(const auto store, OpenStoreForReading(source.arguments.store));
    ARENA_ASSIGN_OR_RETURN(const auto contestants, store->Contestants());
    for (const ContestantInfo& info : contestants) {
      if (info.contestant.family.empty()) continue;
      config.contestant_families[info.contestant.name] = info.contestant.family;
    }
    ARENA_ASSIGN_OR_RETURN(const auto judges, store->Judges());
    for (const JudgeIdentity& judge : judges) {
      if (!judge.family.empty()) config.judge_families[judge.name] = judge.family;
    }
  }
  for (const std::string& entry : arguments.families) {
    const auto equals = entry.rfind('=');
    if (equals == std::string::npos || equals == 0) {
      return InvalidInput(fmt::format("--family {}: write CONTESTANT=FAMILY", entry));
    }
    config.contestant_families[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return config;
}

Status AddVotes(const JudgeArguments& arguments, JudgeQuality& quality) {
  if (arguments.votes.empty()) return {};
  SourceArguments votes;
  votes.files = arguments.votes;
  votes.format = arguments.votes_format;
  ARENA_ASSIGN_OR_RETURN(const BattleSource source, MakeBattleSource(votes, arguments.common));
  const auto report = source.Read(false, [&](const BattleRecord& vote) -> Status {
    quality.AddVote(vote);
    return {};
  });
  if (!report.ok()) return report.error();
  return {};
}

/// Whether games of the judge can have several opinions behind them.
bool AsksSeveralTimes(const JudgeIdentity& judge) {
  const auto behaviour = ParseJson(judge.behaviour);
  if (!behaviour.ok() || !behaviour->is_object()) return false;
  const auto samples = behaviour->find("samples");
  const bool has_samples =
      samples != behaviour->end() && samples->is_number() && samples->get<double>() > 1;
  return has_samples || behaviour->value("kind", Json()) == "jury";
}

std::array<std::int64_t, 3> Winners(const std::vector<SeatScores>& opinions) {
  std::array<std::int64_t, 3> winners{};
  for (const SeatScores& scores : opinions) {
    ++winners[scores.first > scores.second ? 0U : scores.first == scores.second ? 1U : 2U];
  }
  return winners;
}

/// Samples and members of juries, from the replies that the store keeps.
Status AddOpinions(const BattleSource& source, JudgeQuality& quality) {
  if (!source.is_store()) return {};
  ARENA_ASSIGN_OR_RETURN(const auto store, OpenStoreForReading(source.arguments.store));
  ARENA_ASSIGN_OR_RETURN(const auto judges, store->Judges());
  if (std::none_of(judges.begin(), judges.end(), AsksSeveralTimes)) return {};
  ARENA_ASSIGN_OR_RETURN(const BattleQuery query, source.Query(*store));
  std::unordered_set<Key, KeyHash> seen;
  return store->ForEachDetail(query, [&](const BattleDetail& detail) -> Status {
    for (const auto* const game : {&detail.game_ab, &detail.game_ba}) {
      if (!game->has_value() || !seen.insert((*game)->key).second) continue;
      // Replies that are damaged have no opinions; --reparse lists them.
      const auto opinions = ReadOpinions(**game, VerdictReading::kTolerant);
      if (!opinions.ok()) continue;
      quality.AddOpinions(detail.battle.instruction.Hex(),
                          {Winners(opinions->samples), Winners(opinions->members)});
    }
    return {};
  });
}

Result<Exit> RunJudge(const JudgeArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const BattleSource source,
                         MakeBattleSource(arguments.source, arguments.common));
  if (arguments.reparse.is_on) return RunReparse(source, arguments.reparse, arguments.common.json);
  ARENA_ASSIGN_OR_RETURN(const JudgeQualityConfig config, Families(arguments, source));
  JudgeQuality quality(config);
  ARENA_RETURN_IF_ERROR(AddVotes(arguments, quality));
  ARENA_ASSIGN_OR_RETURN(const ReadReport read,
                         source.Read(false, [&](const BattleRecord& battle) -> Status {
                           quality.Add(battle);
                           return {};
                         }));
  ARENA_RETURN_IF_ERROR(AddOpinions(source, quality));
  for (const std::string& problem : read.problems) fmt::print(stderr, "{}\n", problem);
  ARENA_ASSIGN_OR_RETURN(const JudgeQualityReport report, quality.Report(arguments.report));
  if (arguments.common.json) {
    PrintJson(JudgeQualityToJson(report));
  } else {
    PrintText(JudgeQualityText(report, StdoutTableStyle()));
  }
  return read.bad_rows > 0 ? Exit::kFailuresListed : Exit::kDone;
}

}  // namespace

void AddJudge(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand(
      "judge",
      "How far a judge can be trusted: seats, length, family, agreement with votes; its "
      "stored replies read again");
  auto arguments = std::make_shared<JudgeArguments>();
  AddSourceOptions(command, arguments->source);
  command.add_option("--votes", arguments->votes, "Human votes on the same instructions and pairs")
      ->type_name("FILE");
  command.add_option("--votes-format", arguments->votes_format, "Format of the votes")
      ->capture_default_str();
  command.add_option("--family", arguments->families, "Family of a contestant (repeat it)")
      ->type_name("CONTESTANT=FAMILY");
  command.add_option("--judge-family", arguments->judge_family,
                     "Family of judges for which none is stored");
  command.add_option("--level", arguments->report.level, "Level of the intervals")
      ->capture_default_str();
  command.add_option("--bootstrap", arguments->report.rounds, "Rounds behind the intervals")
      ->capture_default_str();
  command.add_option("--seed", arguments->report.seed, "Of all random draws")
      ->capture_default_str();
  AddReparseOptions(command, arguments->reparse);
  AddConfigOptions(command, arguments->common);
  AddJsonOption(command, arguments->common);
  command.footer(
      "Examples:\n  arena judge --store gsm8k.db --votes votes.csv\n"
      "  arena judge --store run.db --reparse --dry-run");
  OnRun(command, exit, [arguments] { return RunJudge(*arguments); });
}

}  // namespace arena
