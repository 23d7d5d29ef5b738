#include "judge/stored_reply.h"

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "base/json.h"
#include "judge/judge_transcript.h"
#include "judge/jury.h"

namespace arena {
namespace {

enum class ReplyKind { kOther, kLlm, kJury };

struct OpenedReply {
  ReplyKind kind = ReplyKind::kOther;
  Json json;
};

OpenedReply OpenReply(const Game& stored) {
  OpenedReply opened;
  auto json = ParseJson(stored.raw_reply);
  if (!json.ok() || !json->is_object()) return opened;
  opened.json = std::move(*json);
  const auto judge = opened.json.find("judge");
  if (judge == opened.json.end()) return opened;
  if (*judge == "llm") opened.kind = ReplyKind::kLlm;
  if (*judge == "jury") opened.kind = ReplyKind::kJury;
  return opened;
}

void TakeVerdict(Game fresh, Game& game) {
  game.state = fresh.state;
  game.failure = fresh.failure;
  game.error = std::move(fresh.error);
  game.verdict = std::move(fresh.verdict);
}

/// Members are judges that no jury of juries nests deeper than.
constexpr int kDeepestJury = 4;

Result<std::optional<Game>> ReadAgain(const Game& stored, VerdictReading reading, int depth) {
  const OpenedReply opened = OpenReply(stored);
  Game game = stored;
  if (opened.kind == ReplyKind::kLlm) {
    ARENA_ASSIGN_OR_RETURN(const JudgeTranscript transcript, TranscriptFromJson(opened.json));
    TakeVerdict(ReadTranscript(transcript, reading), game);
    return std::optional(std::move(game));
  }
  if (opened.kind != ReplyKind::kJury || depth > kDeepestJury) return std::optional<Game>();
  ARENA_ASSIGN_OR_RETURN(JuryRecord record, JuryFromJson(opened.json));
  for (JuryVoice& voice : record.voices) {
    ARENA_ASSIGN_OR_RETURN(auto fresh, ReadAgain(voice.game, reading, depth + 1));
    if (fresh) voice.game = std::move(*fresh);
  }
  TakeVerdict(DecideJury(record), game);
  return std::optional(std::move(game));
}

}  // namespace

Result<std::optional<Game>> ReadStoredReply(const Game& stored, VerdictReading reading) {
  return ReadAgain(stored, reading, 0);
}

Result<StoredOpinions> ReadOpinions(const Game& stored, VerdictReading reading) {
  StoredOpinions opinions;
  const OpenedReply opened = OpenReply(stored);
  if (opened.kind == ReplyKind::kLlm) {
    ARENA_ASSIGN_OR_RETURN(const JudgeTranscript transcript, TranscriptFromJson(opened.json));
    opinions.samples = SampleScores(transcript, reading);
  } else if (opened.kind == ReplyKind::kJury) {
    ARENA_ASSIGN_OR_RETURN(const JuryRecord record, JuryFromJson(opened.json));
    for (const JuryVoice& voice : record.voices) {
      if (voice.game.state != WorkState::kDone) continue;
      opinions.members.push_back({voice.game.verdict.score_first, voice.game.verdict.score_second});
    }
  }
  return opinions;
}

}  // namespace arena
