// Conversations with a local checkpoint: template, tokenizer and the workers of arena-lm.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/lm_pool.h"
#include "core/conversation.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace arena {

struct LocalModelOptions {
  LmPoolOptions pool;
  /// A built-in chat template; empty: the model's own, and chatml where it has none.
  std::string chat_template = {};
};

struct ChatRequest {
  Conversation conversation;               ///< rendered by the template
  std::optional<std::string> prompt = {};  ///< instead of it: text to continue as it is
  RenderOptions render = {};
  /// 0: as many as the context leaves. Never more than those.
  std::int64_t max_new_tokens = 0;
  Sampling sampling = {};
  std::vector<std::string> stop = {};         ///< the answer ends before the first of them
  std::optional<std::int64_t> logprobs = {};  ///< as in Generation
};

enum class ChatEnd { kStop, kLength, kCancelled };
/// "stop", "length", "cancelled".
std::string_view ChatEndName(ChatEnd end);

struct ReplyToken {
  TokenId id = 0;
  float logprob = 0;
  std::vector<TokenLogprob> top;
};

struct ChatReply {
  std::string text;  ///< without the tokens and strings that ended it
  ChatEnd end = ChatEnd::kStop;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;  ///< the one that ended it included
  std::vector<ReplyToken> tokens;      ///< where logprobs were asked for
};

/// Thread-safe; calls return at once, and callbacks obey the rules of LmPool.
class LocalModel {
 public:
  using OnReply = std::function<void(Result<ChatReply>)>;
  /// New text, and the tokens behind it where logprobs were asked for.
  using OnText = std::function<void(std::string_view text, std::span<const ReplyToken> tokens)>;

  /// Errors: what loading the tokenizer, the template or the model says; a vocabulary that is
  /// larger than the model's.
  static Result<std::unique_ptr<LocalModel>> Load(const LocalModelOptions& options);
  ~LocalModel();

  /// Error, before anything is asked: what the template does not allow, or a prompt that leaves no
  /// room in the context. Text whose end may belong to a stop string is held back from `on_text`.
  Result<LmPool::Id> Ask(const ChatRequest& request, OnReply on_reply, OnText on_text = nullptr);
  /// Asks and waits.
  Result<ChatReply> AskAndWait(const ChatRequest& request);
  /// All as one unit, alone in a worker: the same requests give the same bits again, and waits. A
  /// request that is not valid fails alone.
  std::vector<Result<ChatReply>> AskAsUnit(std::span<const ChatRequest> requests);
  void Cancel(LmPool::Id id);

  /// The log-probability of each token of `answer`, end of text included where the tokenizer has
  /// one, as the assistant's turn after the conversation. Waits.
  Result<std::vector<float>> ScoreAnswer(const Conversation& conversation, std::string_view answer);
  /// A reward model's score of `answer` as the assistant's turn after the conversation. Its tokens
  /// are those that `arena train rm` makes of them. Waits. Error: the model is no reward model.
  Result<double> RewardAnswer(const Conversation& conversation, std::string_view answer);
  /// The mean-pooled last hidden states of a text. Waits.
  Result<std::vector<float>> Embed(std::string_view text);

  const Tokenizer& tokenizer() const;
  const ChatTemplate& chat_template() const;
  LmPool& pool();
  /// A hash of the configuration, the tokenizer's files, the template, and of the weights' files
  /// names, sizes, starts, ends and samples between: two checkpoints that answer differently have
  /// different versions, and other files in the directory do not matter.
  const std::string& version() const;

 private:
  struct Parts;
  explicit LocalModel(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace arena
