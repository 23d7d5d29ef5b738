// Who answers, and what was answered.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "core/conversation.h"

namespace arena {

/// A model, prompt or checkpoint that takes part.
struct Contestant {
  std::string name;       ///< unique in an arena; what boards print
  std::string family;     ///< for self-preference figures; empty: none
  std::string behaviour;  ///< canonical JSON of all that can change an answer; the key hashes it
  Key key() const;
};

/// How far a unit of work got. Only kDone is final.
enum class WorkState { kPending, kDone, kFailed };
std::string_view WorkStateName(WorkState state);
std::optional<WorkState> ParseWorkState(std::string_view name);

/// Why a unit of work failed; three different things, and never a tie.
enum class FailureKind { kNone, kLength, kUnparsable, kApi, kMissing, kContentFilter };
std::string_view FailureKindName(FailureKind kind);
std::optional<FailureKind> ParseFailureKind(std::string_view name);

/// Counts that style control uses.
struct StyleCounts {
  double tokens = 0;
  double headers = 0;
  double lists = 0;
  double bold = 0;
  bool operator==(const StyleCounts&) const = default;
};

/// What the producer of an answer or a verdict reported about one call. Zero: not reported.
struct Usage {
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
  std::int64_t reasoning_tokens = 0;
  std::int64_t cached_tokens = 0;
  double latency_ms = 0;
  double cost_usd = 0;
};
/// Adds the counts of another call.
void AddUsage(const Usage& more, Usage& usage);

/// About so many bytes of text are a token, where nothing better is known.
inline constexpr std::int64_t kBytesPerToken = 4;

/// What calls take when each of them needs one attempt.
struct CallEstimate {
  std::int64_t calls = 0;
  std::int64_t prompt_tokens = 0;  ///< about
  std::int64_t most_completion_tokens = 0;
  std::optional<double> most_cost_usd = 0;  ///< none: there is a price and no limit of tokens

  void Add(const CallEstimate& more);
};

struct Answer {
  Key key;  ///< AnswerKey(...)
  Key contestant;
  Key instruction;
  int sample = 0;
  WorkState state = WorkState::kDone;
  FailureKind failure = FailureKind::kNone;
  std::string error;  ///< the last error's text when state is kFailed
  int attempts = 1;
  std::vector<std::string> turns;  ///< one text per user turn; the last one is what is judged
  std::string reasoning;           ///< kept apart: never judged, never counted as length
  std::string finish_reason;       ///< as reported, or empty
  std::string raw_reply;           ///< as received, or empty where the text says it all
  Usage usage;
  StyleCounts style;  ///< of the last turn

  /// The text that is judged.
  const std::string& text() const;
};

Key AnswerKey(const Key& contestant, const Key& instruction, int sample);

/// Who can answer. Implementations live in chat/. Thread-safe.
class ChatModel {
 public:
  virtual ~ChatModel() = default;
  virtual const Contestant& contestant() const = 0;
  /// The answer to `instruction`, with key, contestant, instruction and sample set. An answer that
  /// could not be had is an Answer with state kFailed, not an error; one with no attempts was never
  /// asked for and is not stored. An error ends the run; kCancelled: the user, or a cap on cost,
  /// stopped it.
  virtual Result<Answer> Respond(const Instruction& instruction, int sample) = 0;
  /// Whether an answer depends, to the last bit, on what is asked together with it. Then whoever
  /// wants the same answers again asks for the same instructions together again.
  virtual bool answers_as_unit() const { return false; }
  /// What an answer takes, where calls cost something.
  virtual CallEstimate EstimateOf(const Instruction& /*instruction*/) const { return {}; }
  /// How many answers it is usefully asked for at once; 0: as many as there are threads.
  virtual unsigned answers_at_once() const { return 0; }
  /// The answers to all, in order; none where the user, or a cap on cost, stopped it before it was
  /// there. Those that ask one by one do so on answers_at_once() threads, or else on up to
  /// `threads` (0: all).
  virtual std::vector<std::optional<Result<Answer>>> RespondAll(
      std::span<const Instruction* const> instructions, int sample, unsigned threads);
};

}  // namespace arena
