#include "judge/reference_judge.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "judge/reference_match.h"

namespace arena {
namespace {

// Part of the judge's key: raise it with every change that can change a score.
constexpr int kAlgorithmVersion = 1;

struct MatchName {
  ReferenceMatch match;
  std::string_view name;
};
constexpr std::array<MatchName, 6> kMatchNames = {{{ReferenceMatch::kNumeric, "numeric"},
                                                   {ReferenceMatch::kExact, "exact"},
                                                   {ReferenceMatch::kText, "text"},
                                                   {ReferenceMatch::kChoice, "choice"},
                                                   {ReferenceMatch::kEdit, "edit"},
                                                   {ReferenceMatch::kGraded, "graded"}}};

std::string Behaviour(const ReferenceJudgeOptions& options) {
  Json json;
  json["kind"] = "reference";
  json["version"] = kAlgorithmVersion;
  json["match"] = ReferenceMatchName(options.match);
  switch (options.match) {
    case ReferenceMatch::kNumeric:
      json["tolerance"] = options.tolerance;
      json["last_number"] = options.last_number;
      json["percent_as_fraction"] = options.percent_as_fraction;
      break;
    case ReferenceMatch::kText:
      json["keep_punctuation"] = options.keep_punctuation;
      json["drop_articles"] = options.drop_articles;
      break;
    case ReferenceMatch::kChoice:
      json["choice_letters"] = options.choice_letters;
      break;
    case ReferenceMatch::kExact:
    case ReferenceMatch::kEdit:
    case ReferenceMatch::kGraded:
      break;
  }
  return DumpJson(json);
}

Status Check(const ReferenceJudgeOptions& options) {
  if (options.name.empty()) return InvalidInput("the judge has an empty name");
  if (!(options.tolerance >= 0 && options.tolerance < 1)) {
    return InvalidInput(
        fmt::format("the judge's tolerance is {}: give a number from 0 up to, not including, 1",
                    options.tolerance));
  }
  std::string letters = options.choice_letters;
  std::sort(letters.begin(), letters.end());
  const bool capitals =
      std::all_of(letters.begin(), letters.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
  const bool different = std::adjacent_find(letters.begin(), letters.end()) == letters.end();
  if (letters.empty() || !capitals || !different) {
    return InvalidInput("the judge's choice_letters must be different capitals, such as \"ABCD\"");
  }
  return {};
}

class ReferenceJudge final : public Judge {
 public:
  explicit ReferenceJudge(const ReferenceJudgeOptions& options)
      : options_(options), identity_{options.name, "", Behaviour(options)} {}

  const JudgeIdentity& identity() const override { return identity_; }

  Result<Game> Play(const GameView& view) override {
    const std::optional<std::string>& reference = view.instruction.reference;
    if (!reference) return Failed(view.instruction, FailureKind::kMissing, "has no reference");
    const auto matcher = ReadReference(options_, *reference);
    if (!matcher.ok()) {
      return Failed(view.instruction, FailureKind::kUnparsable, matcher.error().message);
    }
    ARENA_ASSIGN_OR_RETURN(const AnswerScore first, (*matcher)->Score(LastTurn(view.first)));
    ARENA_ASSIGN_OR_RETURN(const AnswerScore second, (*matcher)->Score(LastTurn(view.second)));
    Game game;
    game.state = WorkState::kDone;
    game.verdict = {first.score, second.score,
                    fmt::format("first: {}; second: {}", first.reason, second.reason)};
    return game;
  }

 private:
  static std::string_view LastTurn(const std::vector<std::string>& turns) {
    return turns.empty() ? std::string_view() : std::string_view(turns.back());
  }

  static Game Failed(const Instruction& instruction, FailureKind failure, std::string_view why) {
    Game game;
    game.state = WorkState::kFailed;
    game.failure = failure;
    const std::string id = instruction.id.empty() ? instruction.key.Hex() : instruction.id;
    game.error = fmt::format("instruction {}{}{}{}: {}", id, instruction.source.empty() ? "" : " (",
                             instruction.source, instruction.source.empty() ? "" : ")", why);
    return game;
  }

  const ReferenceJudgeOptions options_;
  const JudgeIdentity identity_;
};

}  // namespace

std::string_view ReferenceMatchName(ReferenceMatch match) {
  const auto* found =
      std::find_if(kMatchNames.begin(), kMatchNames.end(),
                   [match](const MatchName& entry) { return entry.match == match; });
  return found == kMatchNames.end() ? std::string_view() : found->name;
}

std::optional<ReferenceMatch> ParseReferenceMatch(std::string_view name) {
  const auto* found = std::find_if(kMatchNames.begin(), kMatchNames.end(),
                                   [name](const MatchName& entry) { return entry.name == name; });
  if (found == kMatchNames.end()) return std::nullopt;
  return found->match;
}

Result<std::unique_ptr<Judge>> MakeReferenceJudge(const ReferenceJudgeOptions& options) {
  ARENA_RETURN_IF_ERROR(Check(options));
  return std::make_unique<ReferenceJudge>(options);
}

}  // namespace arena
