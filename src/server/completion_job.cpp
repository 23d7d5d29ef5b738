#include "server/completion_job.h"

#include <algorithm>
#include <utility>

#include "text/style_counts.h"

namespace arena {
namespace {

constexpr std::chrono::milliseconds kJobPollTime{100};

std::string ServerSent(const std::string& json) { return "data: " + json + "\n\n"; }

ApiError Stopping() {
  return {503, "server_error", "the request was cancelled before its answer was complete", "",
          "cancelled"};
}

}  // namespace

ApiError ModelError(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidInput:
    case ErrorCode::kNotFound:
      return BadRequest(error.message, "", "invalid_prompt");
    case ErrorCode::kUnavailable:
    case ErrorCode::kCancelled:
      return {503, "server_error", error.message, "", "model_unavailable"};
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      break;
  }
  return {500, "server_error", error.message, "", "internal_error"};
}

CompletionJob::CompletionJob(LocalModel& model, CompletionJobOptions options,
                             std::shared_ptr<Events> events, std::vector<LmPool::Id> ids)
    : model_(model),
      options_(std::move(options)),
      events_(std::move(events)),
      ids_(std::move(ids)),
      open_(options_.choices),
      characters_(static_cast<std::size_t>(options_.choices)) {}

void CompletionJob::Cancel() {
  if (open_ == 0) return;
  for (const LmPool::Id id : ids_) model_.Cancel(id);
}

std::vector<TokenInfo> CompletionJob::Show(const std::vector<ReplyToken>& tokens) const {
  const Tokenizer& tokenizer = model_.tokenizer();
  const auto text = [&tokenizer](TokenId id) {
    // Special tokens stand for no text; as alternatives they are shown by name.
    const bool is_special = tokenizer.IsSpecial(id);
    return std::string(is_special ? tokenizer.TokenText(id) : tokenizer.TokenBytes(id));
  };
  std::vector<TokenInfo> shown;
  for (const ReplyToken& token : tokens) {
    if (tokenizer.IsSpecial(token.id)) continue;
    TokenInfo& info = shown.emplace_back();
    info.bytes = text(token.id);
    info.logprob = static_cast<double>(token.logprob);
    for (const TokenLogprob& other : token.top) {
      info.top.push_back({text(other.token), static_cast<double>(other.logprob)});
    }
  }
  return shown;
}

std::optional<ApiError> CompletionJob::TakeEnd(const ChoiceEvent& event) {
  --open_;
  const Result<ChatReply>& reply = *event.reply;
  if (!reply.ok()) return ModelError(reply.error());
  if (reply->end == ChatEnd::kCancelled) return Stopping();
  if (event.choice % options_.choices_per_prompt == 0) usage_.prompt += reply->prompt_tokens;
  usage_.completion += reply->completion_tokens;
  return std::nullopt;
}

ApiResult<std::string> CompletionJob::Collect(FunctionRef<bool()> is_wanted) {
  std::vector<ReplyChoice> choices(static_cast<std::size_t>(options_.choices));
  std::optional<ApiError> error;
  while (open_ > 0) {
    const std::optional<ChoiceEvent> event = events_->Next(kJobPollTime);
    if (!event && is_wanted()) continue;
    if (!event) {
      Cancel();
      return tl::unexpected(Stopping());
    }
    if (!event->reply) continue;
    if (std::optional<ApiError> problem = TakeEnd(*event)) {
      if (!error) Cancel();
      error = std::move(problem);
      continue;
    }
    const ChatReply& reply = **event->reply;
    ReplyChoice& choice = choices[static_cast<std::size_t>(event->choice)];
    choice.index = event->choice;
    choice.text = reply.text;
    choice.finish = ChatEndName(reply.end);
    if (options_.has_logprobs) choice.tokens = Show(reply.tokens);
  }
  if (error) return tl::unexpected(std::move(*error));
  return options_.is_chat ? ChatReplyJson(options_.head, choices, usage_)
                          : CompletionReplyJson(options_.head, choices, usage_);
}

void CompletionJob::AppendChunk(const ReplyChoice& choice, std::string& out) const {
  const ChunkUsage usage = options_.include_usage ? ChunkUsage::kNull : ChunkUsage::kAbsent;
  out += ServerSent(options_.is_chat ? ChatChunkJson(options_.head, choice, usage)
                                     : CompletionChunkJson(options_.head, choice, usage));
}

void CompletionJob::Begin(std::string& out) {
  has_begun_ = true;
  if (!options_.is_chat) return;
  const ChunkUsage usage = options_.include_usage ? ChunkUsage::kNull : ChunkUsage::kAbsent;
  for (std::int64_t i = 0; i < options_.choices; ++i) {
    out += ServerSent(ChatFirstChunkJson(options_.head, i, usage));
  }
}

void CompletionJob::Append(const ChoiceEvent& event, std::string& out) {
  ReplyChoice choice;
  choice.index = event.choice;
  if (!event.reply) {
    std::int64_t& characters = characters_[static_cast<std::size_t>(event.choice)];
    choice.text = event.text;
    choice.text_offset = characters;
    if (options_.has_logprobs) {
      choice.tokens = Show(event.tokens);
      for (const TokenInfo& token : *choice.tokens) characters += CountCharacters(token.bytes);
    }
    if (choice.text.empty() && (!choice.tokens || choice.tokens->empty())) return;
    return AppendChunk(choice, out);
  }
  if (const std::optional<ApiError> error = TakeEnd(event)) {
    Cancel();
    is_over_ = true;
    out += ServerSent(ErrorJson(*error));
    return;
  }
  choice.finish = ChatEndName((*event.reply)->end);
  AppendChunk(choice, out);
  if (open_ > 0) return;
  is_over_ = true;
  if (options_.include_usage) {
    out += ServerSent(UsageChunkJson(options_.head, options_.is_chat, usage_));
  }
  out += "data: [DONE]\n\n";
}

std::optional<std::string> CompletionJob::NextEvents(std::chrono::milliseconds timeout) {
  if (is_over_) return std::nullopt;
  std::string out;
  if (!has_begun_) Begin(out);
  // What has come together goes out together.
  auto event = events_->Next(out.empty() ? timeout : std::chrono::milliseconds(0));
  for (; event && !is_over_; event = events_->Next(std::chrono::milliseconds(0))) {
    Append(*event, out);
    if (is_over_) break;
  }
  return out;
}

}  // namespace arena
