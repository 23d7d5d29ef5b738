#include "core/contestant.h"

#include <array>
#include <utility>

#include "base/interrupt.h"
#include "base/parallel.h"

namespace arena {
namespace {

constexpr std::array<std::pair<WorkState, std::string_view>, 3> kWorkStates = {{
    {WorkState::kPending, "pending"},
    {WorkState::kDone, "done"},
    {WorkState::kFailed, "failed"},
}};

constexpr std::array<std::pair<FailureKind, std::string_view>, 6> kFailureKinds = {{
    {FailureKind::kNone, ""},
    {FailureKind::kLength, "length"},
    {FailureKind::kUnparsable, "unparsable"},
    {FailureKind::kApi, "api"},
    {FailureKind::kMissing, "missing"},
    {FailureKind::kContentFilter, "content_filter"},
}};

template <typename E, std::size_t N>
std::string_view NameOf(const std::array<std::pair<E, std::string_view>, N>& table, E value) {
  for (const auto& [entry, name] : table) {
    if (entry == value) return name;
  }
  return "";
}

template <typename E, std::size_t N>
std::optional<E> ValueOf(const std::array<std::pair<E, std::string_view>, N>& table,
                         std::string_view name) {
  for (const auto& [entry, entry_name] : table) {
    if (entry_name == name) return entry;
  }
  return std::nullopt;
}

}  // namespace

std::string_view WorkStateName(WorkState state) { return NameOf(kWorkStates, state); }
std::optional<WorkState> ParseWorkState(std::string_view name) {
  return ValueOf(kWorkStates, name);
}
std::string_view FailureKindName(FailureKind kind) { return NameOf(kFailureKinds, kind); }
std::optional<FailureKind> ParseFailureKind(std::string_view name) {
  return ValueOf(kFailureKinds, name);
}

void AddUsage(const Usage& more, Usage& usage) {
  usage.prompt_tokens += more.prompt_tokens;
  usage.completion_tokens += more.completion_tokens;
  usage.reasoning_tokens += more.reasoning_tokens;
  usage.cached_tokens += more.cached_tokens;
  usage.latency_ms += more.latency_ms;
  usage.cost_usd += more.cost_usd;
}

Key Contestant::key() const { return KeyBuilder("contestant").Add(behaviour).Build(); }

const std::string& Answer::text() const {
  static const std::string kEmpty;
  return turns.empty() ? kEmpty : turns.back();
}

std::vector<std::optional<Result<Answer>>> ChatModel::RespondAll(
    std::span<const Instruction* const> instructions, int sample, unsigned threads) {
  std::vector<std::optional<Result<Answer>>> answers(instructions.size());
  const unsigned at_once = answers_at_once() == 0 ? threads : answers_at_once();
  ParallelFor(instructions.size(), at_once, [&](std::size_t i) {
    if (Interrupted()) return;
    auto answer = Respond(*instructions[i], sample);
    const bool is_cancelled = !answer.ok() && answer.error().code == ErrorCode::kCancelled;
    if (!is_cancelled) answers[i] = std::move(answer);
  });
  return answers;
}

void CallEstimate::Add(const CallEstimate& more) {
  calls += more.calls;
  prompt_tokens += more.prompt_tokens;
  most_completion_tokens += more.most_completion_tokens;
  const bool has_limit = most_cost_usd.has_value() && more.most_cost_usd.has_value();
  most_cost_usd = has_limit ? std::optional(*most_cost_usd + *more.most_cost_usd) : std::nullopt;
}

Key AnswerKey(const Key& contestant, const Key& instruction, int sample) {
  return KeyBuilder("answer").Add(contestant).Add(instruction).Add(sample).Build();
}

}  // namespace arena
