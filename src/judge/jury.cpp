#include "judge/jury.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "judge/internal/failed_game.h"
#include "judge/internal/json_or_text.h"
#include "judge/verdict_form.h"

namespace arena {
namespace {

/// 1: the first seat won, -1: the second, 0: tie.
int NamedWinner(const Verdict& verdict) {
  if (verdict.score_first == verdict.score_second) return 0;
  return verdict.score_first > verdict.score_second ? 1 : -1;
}

Game FailedJury(const JuryRecord& record, const JuryVoice& failed, std::size_t readable) {
  return judge_internal::FailedGame(
      failed.game.failure, fmt::format("{} of {} members have a verdict; {}: {}", readable,
                                       record.voices.size(), failed.name, failed.game.error));
}

Verdict MeanVerdict(const std::vector<const JuryVoice*>& voices) {
  Verdict mean;
  for (const JuryVoice* voice : voices) {
    mean.score_first += voice->game.verdict.score_first;
    mean.score_second += voice->game.verdict.score_second;
  }
  mean.score_first /= static_cast<double>(voices.size());
  mean.score_second /= static_cast<double>(voices.size());
  return mean;
}

/// Those of more than half of `voices` that name the same winner; empty: there are none.
std::vector<const JuryVoice*> MajorityOf(const std::vector<const JuryVoice*>& voices) {
  for (const int winner : {1, 0, -1}) {
    std::vector<const JuryVoice*> agreeing;
    for (const JuryVoice* voice : voices) {
      if (NamedWinner(voice->game.verdict) == winner) agreeing.push_back(voice);
    }
    if (2 * agreeing.size() > voices.size()) return agreeing;
  }
  return {};
}

std::string Explain(const JuryRecord& record, std::string_view decision) {
  std::array<int, 3> votes{};
  std::string lines;
  std::string words;
  for (const JuryVoice& voice : record.voices) {
    if (voice.game.state != WorkState::kDone) {
      lines += fmt::format("\n{}: failed ({})", voice.name, voice.game.error);
      continue;
    }
    const Verdict& verdict = voice.game.verdict;
    ++votes[static_cast<std::size_t>(NamedWinner(verdict) + 1)];
    lines +=
        fmt::format("\n{}: {:g} to {:g}", voice.name, verdict.score_first, verdict.score_second);
    if (verdict.explanation.empty()) continue;
    words += fmt::format("\n\n{}: {}", voice.name, verdict.explanation);
  }
  return fmt::format("{}: {} for the first, {} for the second, {} for a tie.{}{}", decision,
                     votes[2], votes[0], votes[1], lines, words);
}

Json MemberToJson(const JuryVoice& voice) {
  Json json = {{"name", voice.name}, {"state", WorkStateName(voice.game.state)}};
  if (voice.game.state == WorkState::kDone) {
    json["score_first"] = voice.game.verdict.score_first;
    json["score_second"] = voice.game.verdict.score_second;
    json["explanation"] = voice.game.verdict.explanation;
  } else {
    json["failure"] = FailureKindName(voice.game.failure);
    json["error"] = voice.game.error;
  }
  if (!voice.game.raw_reply.empty()) {
    json["raw_reply"] = judge_internal::JsonOrText(voice.game.raw_reply);
  }
  return json;
}

JuryVoice MemberFromJson(const Json& json) {
  JuryVoice voice;
  voice.name = json.at("name").get<std::string>();
  const bool is_done = json.at("state").get<std::string>() == WorkStateName(WorkState::kDone);
  voice.game.state = is_done ? WorkState::kDone : WorkState::kFailed;
  if (is_done) {
    voice.game.verdict = {json.at("score_first").get<double>(),
                          json.at("score_second").get<double>(), json.value("explanation", "")};
  } else {
    // A later version's failure is still one.
    voice.game.failure = ParseFailureKind(json.value("failure", "")).value_or(FailureKind::kApi);
    voice.game.error = json.value("error", "");
  }
  if (const auto raw = json.find("raw_reply"); raw != json.end()) {
    voice.game.raw_reply = raw->is_string() ? raw->get<std::string>() : DumpJson(*raw);
  }
  return voice;
}

class Jury final : public Judge {
 public:
  Jury(const JuryOptions& options, std::vector<std::unique_ptr<Judge>> members)
      : rule_(options.rule), members_(std::move(members)) {
    Json behaviours = Json::array();
    unsigned at_once = 0;
    for (const auto& member : members_) {
      behaviours.push_back(judge_internal::JsonOrText(member->identity().behaviour));
      at_once = std::max(at_once, member->games_at_once());
    }
    games_at_once_ = at_once;
    identity_ = {
        options.name, options.family,
        DumpJson(Json{
            {"kind", "jury"}, {"rule", JuryRuleName(rule_)}, {"members", std::move(behaviours)}})};
  }

  const JudgeIdentity& identity() const override { return identity_; }
  unsigned games_at_once() const override { return games_at_once_; }

  CallEstimate EstimateOf(const GameView& view) const override {
    CallEstimate all;
    for (const auto& member : members_) all.Add(member->EstimateOf(view));
    return all;
  }

  Result<Game> Play(const GameView& view) override {
    JuryRecord record{rule_, {}};
    Usage usage;
    int attempts = 0;
    for (const auto& member : members_) {
      ARENA_ASSIGN_OR_RETURN(Game game, member->Play(view));
      AddUsage(game.usage, usage);
      attempts += game.attempts;
      record.voices.push_back({member->identity().name, std::move(game)});
      // Played again as a whole: further calls would be wasted.
      if (record.voices.back().game.failure == FailureKind::kApi) break;
    }
    Game game = DecideJury(record);
    game.raw_reply = DumpJson(JuryToJson(record));
    game.usage = usage;
    game.attempts = attempts;
    return game;
  }

 private:
  // All constant after construction.
  const JuryRule rule_;
  const std::vector<std::unique_ptr<Judge>> members_;
  JudgeIdentity identity_;
  unsigned games_at_once_ = 0;
};

}  // namespace

std::string_view JuryRuleName(JuryRule rule) {
  return rule == JuryRule::kMean ? "mean" : "majority";
}

std::optional<JuryRule> ParseJuryRule(std::string_view name) {
  for (const JuryRule rule : {JuryRule::kMean, JuryRule::kMajority}) {
    if (JuryRuleName(rule) == name) return rule;
  }
  return std::nullopt;
}

Game DecideJury(const JuryRecord& record) {
  std::vector<const JuryVoice*> readable;
  const JuryVoice* failed = nullptr;
  for (const JuryVoice& voice : record.voices) {
    if (voice.game.state == WorkState::kDone) {
      readable.push_back(&voice);
    } else if (failed == nullptr || voice.game.failure == FailureKind::kApi) {
      failed = &voice;
    }
  }
  if (failed != nullptr &&
      (2 * readable.size() <= record.voices.size() || failed->game.failure == FailureKind::kApi)) {
    return FailedJury(record, *failed, readable.size());
  }
  Game game;
  game.state = WorkState::kDone;
  if (record.rule == JuryRule::kMean) {
    game.verdict = MeanVerdict(readable);
    game.verdict.explanation = Explain(record, "Mean of the jury");
    return game;
  }
  const auto majority = MajorityOf(readable);
  if (majority.empty()) {
    game.verdict = {kTieScores.first, kTieScores.second,
                    Explain(record, "No majority of the jury, so a tie")};
  } else {
    game.verdict = MeanVerdict(majority);
    game.verdict.explanation = Explain(record, "Majority of the jury");
  }
  return game;
}

Json JuryToJson(const JuryRecord& record) {
  Json members = Json::array();
  for (const JuryVoice& voice : record.voices) members.push_back(MemberToJson(voice));
  return {{"judge", "jury"}, {"rule", JuryRuleName(record.rule)}, {"members", std::move(members)}};
}

Result<JuryRecord> JuryFromJson(const Json& json) {
  try {
    JuryRecord record;
    const auto rule = ParseJuryRule(json.at("rule").get<std::string>());
    if (!rule) return InvalidInput("the rule of a stored jury is unknown");
    record.rule = *rule;
    for (const Json& member : json.at("members")) record.voices.push_back(MemberFromJson(member));
    if (record.voices.empty()) return InvalidInput("a stored jury has no members");
    return record;
  } catch (const Json::exception& e) {
    return InvalidInput(fmt::format("a stored jury's reply is damaged: {}", e.what()));
  }
}

Result<std::unique_ptr<Judge>> MakeJury(const JuryOptions& options,
                                        std::vector<std::unique_ptr<Judge>> members) {
  if (members.size() < 2) return InvalidInput("a jury needs two members or more");
  for (std::size_t i = 0; i < members.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (members[i]->identity().name != members[k]->identity().name) continue;
      return InvalidInput(fmt::format("two members of the jury are named \"{}\"; give each a name",
                                      members[i]->identity().name));
    }
  }
  return std::make_unique<Jury>(options, std::move(members));
}

}  // namespace arena
