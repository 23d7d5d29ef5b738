// What an LLM judge wrote about a game, kept so that it can be read again without asking.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "core/game.h"
#include "judge/verdict_form.h"
#include "judge/verdict_parser.h"

namespace arena {

/// One reply of the model.
struct JudgeReply {
  std::string text;
  std::string finish;     ///< as reported; "length" is a reply that was cut off
  std::string reasoning;  ///< never searched for a verdict
};

/// One prompt and what came of it: the reply, and the one to the repair where that was asked.
struct JudgeQuestion {
  std::vector<JudgeReply> replies;
  FailureKind failure = FailureKind::kNone;  ///< why the last call gave no complete reply
  std::string error;
};

/// All that was said of a game. A sample holds one question about a pair, or, of single scores, one
/// about each answer.
struct JudgeTranscript {
  VerdictForm form = VerdictForm::kPairScores;
  std::string template_name;
  std::string template_hash;  ///< in hexadecimal
  std::vector<std::vector<JudgeQuestion>> samples;
};

/// The verdict of a question, or nothing: the first complete reply that has one.
std::optional<ReadVerdict> ReadQuestion(VerdictForm form, const JudgeQuestion& question,
                                        VerdictReading reading);

/// The game with state, failure, error and verdict set; scores are means over the samples that can
/// be read, which must be more than half. A sample that an API failure stopped fails the game
/// (kApi), so that it is asked again.
Game ReadTranscript(const JudgeTranscript& transcript, VerdictReading reading);

/// The scores of each sample that can be read.
std::vector<SeatScores> SampleScores(const JudgeTranscript& transcript, VerdictReading reading);

/// docs/formats/judge-replies.md.
Json TranscriptToJson(const JudgeTranscript& transcript);
/// Error: not such a document.
Result<JudgeTranscript> TranscriptFromJson(const Json& json);

}  // namespace arena
