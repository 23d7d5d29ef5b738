// A judge that asks a chat model with a prompt and reads its reply.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/contestant.h"
#include "core/game.h"
#include "judge/judge_template.h"
#include "judge/verdict_parser.h"

namespace arena {

struct LlmJudgeOptions {
  std::string name = "llm";              ///< what reports print; not empty
  std::string family;                    ///< empty: the model's
  std::vector<JudgeTemplate> templates;  ///< not empty; the one that fits a game is taken
  /// Templates for categories of instructions that have their own.
  std::map<std::string, std::vector<JudgeTemplate>, std::less<>> by_category;
  int samples = 1;     ///< how often each game is judged, 1 to 100; costs so many times the calls
  bool repair = true;  ///< a reply without a verdict is answered once by a request for one
  bool json = false;   ///< asks for a JSON object; the templates must have an {if json}
  VerdictReading reading = VerdictReading::kTolerant;  ///< not part of the identity
  unsigned games_at_once = 32;
};

/// The judge is thread-safe. A reply that was cut off fails the game as kLength, one without a
/// verdict (after the repair) as kUnparsable, a call without a reply as what the model said, and a
/// game that no template fits as kMissing; none of them is a tie. raw_reply holds every reply
/// (docs/formats/judge-replies.md). A single score of an answer is asked for once while the judge
/// lives, however many games want it. The key hashes templates, samples, repair, json and the
/// model's behaviour, and not how replies are read. Errors: options out of range; {if json}
/// missing.
Result<std::unique_ptr<Judge>> MakeLlmJudge(LlmJudgeOptions options,
                                            std::unique_ptr<ChatModel> model);

}  // namespace arena
