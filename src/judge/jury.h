// Several judges as one.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/game.h"
#include "judge/verdict_parser.h"

namespace arena {

enum class JuryRule {
  kMean,      ///< the mean of the members' scores
  kMajority,  ///< whom more than half of the members name wins, with the mean of those members'
              ///< scores; where no more than half agree, the jury says tie
};
/// "mean", "majority".
std::string_view JuryRuleName(JuryRule rule);
std::optional<JuryRule> ParseJuryRule(std::string_view name);

struct JuryOptions {
  std::string name = "jury";
  std::string family;  ///< empty: none
  JuryRule rule = JuryRule::kMean;
};

/// Asks the members one after the other; thread-safe as they are. More than half of them must have
/// a verdict, or the game fails as the first that has none; an API failure of any of them fails the
/// game, so that it is asked again. raw_reply keeps what each member said
/// (docs/formats/judge-replies.md). The key hashes the rule and the members' behaviours in order.
/// Errors: fewer than two members; two of one name.
Result<std::unique_ptr<Judge>> MakeJury(const JuryOptions& options,
                                        std::vector<std::unique_ptr<Judge>> members);

/// What one member said, as kept.
struct JuryVoice {
  std::string name;
  Game game;  ///< state, failure, error, verdict and raw_reply
};
struct JuryRecord {
  JuryRule rule = JuryRule::kMean;
  std::vector<JuryVoice> voices;
};
/// The game with state, failure, error and verdict set.
Game DecideJury(const JuryRecord& record);
Json JuryToJson(const JuryRecord& record);
/// Error: not such a document.
Result<JuryRecord> JuryFromJson(const Json& json);

}  // namespace arena
