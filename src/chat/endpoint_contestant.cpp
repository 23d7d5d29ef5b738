#include "chat/endpoint_contestant.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "chat/internal/chat_protocol.h"
#include "text/reasoning.h"
#include "text/style_counts.h"

namespace arena {
namespace {

// What templates and servers add to a message and to a prompt, at most.
constexpr double kMessageTokens = 16;
constexpr double kPromptTokens = 64;

std::size_t BytesOf(const Conversation& conversation) {
  std::size_t bytes = 0;
  for (const Message& message : conversation) bytes += message.content.size();
  return bytes;
}

// A token is a byte at least.
double MostPromptTokens(const Conversation& conversation) {
  return static_cast<double>(BytesOf(conversation)) +
         kMessageTokens * static_cast<double>(conversation.size()) + kPromptTokens;
}

double CostOf(const TokenPrices& prices, const Usage& usage) {
  const auto cached = static_cast<double>(std::min(usage.cached_tokens, usage.prompt_tokens));
  const double fresh = static_cast<double>(usage.prompt_tokens) - cached;
  return (fresh * prices.input + cached * prices.cached_input.value_or(prices.input) +
          static_cast<double>(usage.completion_tokens) * prices.output) /
         kTokensPerPrice;
}

void AppendPart(std::string_view more, std::string_view between, std::string& text) {
  if (!text.empty() && !more.empty()) text += between;
  text += more;
}

void FailWith(FailureKind kind, std::string error, Answer& answer) {
  answer.state = WorkState::kFailed;
  answer.failure = kind;
  answer.error = std::move(error);
}

}  // namespace

/// What one request gave, when it was complete.
struct EndpointContestant::Turn {
  CallNeeds needs;
  ChatEndpointReply reply;
};

EndpointContestant::EndpointContestant(EndpointOptions options, HttpClient& client,
                                       HttpClient::EndpointId endpoint)
    : options_(std::move(options)), client_(client), endpoint_(endpoint) {
  contestant_.name = options_.name;
  contestant_.family = options_.family;
  contestant_.behaviour = DumpJson(EndpointBehaviour(options_));
}

Result<std::unique_ptr<EndpointContestant>> EndpointContestant::Make(
    const EndpointOptions& options, HttpClient& client, HttpClient::EndpointId endpoint) {
  if (!options.body.empty()) {
    const auto body = ParseJson(options.body);
    if (!body.ok() || !body->is_object()) {
      return InvalidInput(fmt::format("the body of \"{}\" is no JSON object", options.name));
    }
  }
  return std::unique_ptr<EndpointContestant>(new EndpointContestant(options, client, endpoint));
}

CallNeeds EndpointContestant::NeedsOf(const Conversation& history) const {
  const std::int64_t limit = TokenLimit(options_);
  CallNeeds needs;
  needs.tokens = static_cast<std::int64_t>(BytesOf(history)) / kBytesPerToken + limit;
  needs.worst_cost_usd = (MostPromptTokens(history) * options_.prices.input +
                          static_cast<double>(limit) * options_.prices.output) /
                         kTokensPerPrice;
  return needs;
}

CallEstimate EndpointContestant::EstimateOf(const Instruction& instruction) const {
  const std::int64_t limit = TokenLimit(options_);
  const std::size_t bytes = BytesOf(instruction.conversation) + options_.system_prompt.size();
  const double most_prompt = MostPromptTokens(instruction.conversation) +
                             static_cast<double>(options_.system_prompt.size()) + kMessageTokens;
  CallEstimate estimate;
  double cost = 0;
  std::int64_t answered = 0;  // tokens of the turns before
  for (std::size_t turn = 0; turn < OpenTurns(instruction); ++turn) {
    ++estimate.calls;
    estimate.prompt_tokens += static_cast<std::int64_t>(bytes) / kBytesPerToken + answered;
    estimate.most_completion_tokens += limit;
    cost += ((most_prompt + static_cast<double>(answered)) * options_.prices.input +
             static_cast<double>(limit) * options_.prices.output) /
            kTokensPerPrice;
    answered += limit + static_cast<std::int64_t>(kMessageTokens);
  }
  if (limit > 0 || options_.prices.output == 0) {
    estimate.most_cost_usd = cost;
  } else {
    estimate.most_cost_usd = std::nullopt;
  }
  return estimate;
}

Answer EndpointContestant::Blank(const Instruction& instruction, int sample) const {
  Answer answer;
  answer.contestant = contestant_.key();
  answer.instruction = instruction.key;
  answer.sample = sample;
  answer.key = AnswerKey(answer.contestant, answer.instruction, sample);
  answer.attempts = 0;
  return answer;
}

// Adds what the reply says to the answer. True: the answer goes on.
bool EndpointContestant::TakeReply(const CallResult& result, Turn&& turn, Answer& answer) {
  ChatEndpointReply& reply = turn.reply;
  const SplitReply split = SplitReasoning(reply.text);
  AppendPart(reply.reasoning, "\n\n", answer.reasoning);
  AppendPart(split.reasoning, "\n\n", answer.reasoning);
  const std::string& raw = reply.joined.empty() ? result.reply.body : reply.joined;
  AppendPart(WithoutKey(raw, options_), "\n", answer.raw_reply);
  answer.finish_reason = reply.finish_reason;
  answer.turns.emplace_back(split.answer);
  if (split.is_cut || (reply.failure == FailureKind::kLength && !options_.keep_cut)) {
    FailWith(FailureKind::kLength, "the answer was cut off at the limit of tokens", answer);
  } else if (reply.failure == FailureKind::kContentFilter) {
    FailWith(FailureKind::kContentFilter, "a content filter stopped the answer", answer);
  } else if (reply.failure == FailureKind::kApi) {
    FailWith(FailureKind::kApi,
             fmt::format("the reply ends with \"{}\", which is no end of an answer",
                         reply.finish_reason),
             answer);
  }
  return answer.state == WorkState::kDone;
}

// Asks for the next turn. False: the answer has failed.
Result<bool> EndpointContestant::AskTurn(const Conversation& history, Answer& answer) {
  HttpCall call;
  call.request = MakeChatRequest(options_, history, answer.sample);
  call.tag = std::to_string(answer.sample);
  call.needs = NeedsOf(history);
  Turn turn;
  turn.needs = call.needs;
  call.inspect = [&](const HttpReply& reply) {
    ReplyFinding finding;
    auto parsed = ParseChatReply(options_.protocol, reply.body);
    if (!parsed.ok()) {
      finding.problem = parsed.error().message;
      return finding;
    }
    turn.reply = std::move(*parsed);
    Usage& usage = turn.reply.usage;
    const std::int64_t tokens = usage.prompt_tokens + usage.completion_tokens;
    usage.cost_usd = tokens > 0 ? CostOf(options_.prices, usage) : turn.needs.worst_cost_usd;
    finding.use = {tokens > 0 ? tokens : turn.needs.tokens, usage.cost_usd};
    return finding;
  };
  const CallResult result = client_.Call(endpoint_, call);
  answer.attempts += result.attempts;
  if (result.end == CallEnd::kCancelled || result.end == CallEnd::kOverBudget) {
    return Cancelled(result.error);
  }
  // What the server may have charged for replies that never came.
  const int lost = result.undelivered;
  answer.usage.cost_usd += lost * turn.needs.worst_cost_usd;
  if (result.end != CallEnd::kDone) {
    const bool is_filter = result.end == CallEnd::kFailed && IsContentFilterError(result.reply);
    FailWith(is_filter ? FailureKind::kContentFilter : FailureKind::kApi,
             WithoutKey(result.error, options_), answer);
    return false;
  }
  turn.reply.usage.latency_ms = static_cast<double>(result.latency.count());
  AddUsage(turn.reply.usage, answer.usage);
  return TakeReply(result, std::move(turn), answer);
}

Result<Answer> EndpointContestant::Respond(const Instruction& instruction, int sample) {
  Answer answer = Blank(instruction, sample);
  const Conversation& asked = instruction.conversation;
  Conversation history;
  const bool has_system = !asked.empty() && asked.front().role == Role::kSystem;
  if (!options_.system_prompt.empty() && !has_system) {
    history.push_back({Role::kSystem, options_.system_prompt});
  }
  std::size_t answered = 0;
  for (const Message& message : asked) {
    answered += message.role == Role::kUser ? 1 : 0;
  }
  answered -= OpenTurns(instruction);
  std::size_t user_turns = 0;
  for (const Message& message : asked) {
    history.push_back(message);
    if (message.role != Role::kUser || ++user_turns <= answered) continue;
    ARENA_ASSIGN_OR_RETURN(const bool goes_on, AskTurn(history, answer));
    if (!goes_on) break;
    history.push_back({Role::kAssistant, answer.turns.back()});
  }
  answer.style = CountStyle(answer.text());
  return answer;
}

}  // namespace arena
