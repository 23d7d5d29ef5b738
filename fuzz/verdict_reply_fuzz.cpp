// A judge's reply in every form, and a stored document of replies.
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "base/json.h"
#include "check.h"
#include "judge/stored_reply.h"
#include "judge/verdict_parser.h"

namespace {

using arena::fuzz::Demand;

bool InRange(double score) { return score >= arena::kLowestScore && score <= arena::kHighestScore; }

void CheckReply(std::string_view text) {
  using arena::VerdictForm;
  for (const VerdictForm form : {VerdictForm::kPairScores, VerdictForm::kPairVerdict,
                                 VerdictForm::kPairGrades, VerdictForm::kSingleScore}) {
    const auto strict = ParseVerdict(form, text, arena::VerdictReading::kStrict);
    const auto tolerant = ParseVerdict(form, text, arena::VerdictReading::kTolerant);
    if (strict) {
      Demand(tolerant.has_value(), "what strict reads tolerant reads");
      Demand(strict->scores == tolerant->scores, "both read the same");
    }
    if (!tolerant) continue;
    arena::fuzz::Touch(tolerant->explanation);
    Demand(InRange(tolerant->scores.first), "a score is from 1 to 10");
    const bool is_single = form == VerdictForm::kSingleScore;
    Demand(is_single ? tolerant->scores.second == 0 : InRange(tolerant->scores.second),
           "both scores are from 1 to 10");
    Demand(text.find_first_of("ABCabc0123456789Tt") != std::string_view::npos,
           "a verdict is said by a letter or a number");
  }
}

void CheckStored(std::string_view text) {
  arena::Game game;
  game.raw_reply = text;
  for (const auto reading : {arena::VerdictReading::kStrict, arena::VerdictReading::kTolerant}) {
    const auto again = arena::ReadStoredReply(game, reading);
    if (!again.ok()) {
      Demand(!again.error().message.empty(), "an error says what is wrong");
      continue;
    }
    if (!again->has_value()) continue;
    const bool is_done = (*again)->state == arena::WorkState::kDone;
    Demand(is_done == ((*again)->failure == arena::FailureKind::kNone), "a failure has a kind");
    const auto opinions = arena::ReadOpinions(game, reading);
    Demand(opinions.ok(), "what can be read has opinions");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckReply(text);
  CheckStored(text);
  return 0;
}
