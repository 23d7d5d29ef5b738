// One request for completions from its admission to the last byte of its answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "chat/local_model.h"
#include "server/api_error.h"
#include "server/event_queue.h"
#include "server/openai_reply.h"

namespace arena {

/// New text of a choice, or its end.
struct ChoiceEvent {
  std::int64_t choice = 0;
  std::string text;
  std::vector<ReplyToken> tokens;
  std::optional<Result<ChatReply>> reply;  ///< the end; of the whole answer
};

/// What a job needs besides the events.
struct CompletionJobOptions {
  ReplyHead head;
  bool is_chat = true;
  bool has_logprobs = false;
  bool include_usage = false;
  std::int64_t choices = 1;
  std::int64_t choices_per_prompt = 1;
};

/// Turns the events of a request's choices into the bodies that the client gets. Not thread-safe,
/// but for what pushes to `events`. `model` outlives the object.
class CompletionJob {
 public:
  using Events = EventQueue<ChoiceEvent>;

  CompletionJob(LocalModel& model, CompletionJobOptions options, std::shared_ptr<Events> events,
                std::vector<LmPool::Id> ids);

  /// Waits for the whole answer. `is_wanted` is asked often; once it is false all is cancelled and
  /// the answer is an error.
  ApiResult<std::string> Collect(FunctionRef<bool()> is_wanted);

  /// Server-sent events that are new: empty after `timeout` without any, none when all was given
  /// out. An error ends the stream as an event.
  std::optional<std::string> NextEvents(std::chrono::milliseconds timeout);

  /// Ends the choices that are not complete. Late is no error.
  void Cancel();
  /// Whether every choice is complete.
  bool is_complete() const { return open_ == 0; }

 private:
  std::vector<TokenInfo> Show(const std::vector<ReplyToken>& tokens) const;
  void Begin(std::string& out);
  void Append(const ChoiceEvent& event, std::string& out);
  void AppendChunk(const ReplyChoice& choice, std::string& out) const;
  std::optional<ApiError> TakeEnd(const ChoiceEvent& event);

  LocalModel& model_;
  CompletionJobOptions options_;
  std::shared_ptr<Events> events_;
  std::vector<LmPool::Id> ids_;  ///< by choice
  std::int64_t open_;            ///< choices that are not complete
  TokenUsage usage_;
  std::vector<std::int64_t> characters_;  ///< given out, by choice
  bool has_begun_ = false;
  bool is_over_ = false;
};

/// The API's error for one of the model.
ApiError ModelError(const Error& error);

}  // namespace arena
