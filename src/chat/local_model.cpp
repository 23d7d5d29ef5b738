#include "chat/local_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>
#include <mutex>
#include <utility>

#include "chat/internal/answer_encoder.h"
#include "chat/internal/answer_text.h"
#include "chat/internal/model_directory.h"

namespace arena {
namespace {

ReplyToken MakeToken(const GeneratedTokens& tokens, std::size_t i) {
  ReplyToken token{tokens.tokens[i], 0, {}};
  if (i < tokens.logprobs.size()) token.logprob = tokens.logprobs[i];
  if (i < tokens.top.size()) token.top = tokens.top[i];
  return token;
}

/// The reply of one answer whose tokens are all there.
ChatReply MakeReply(const Tokenizer& tokenizer, const std::vector<std::string>& stop,
                    const Generation& generation, const GeneratedAnswer& answer) {
  ChatReply reply;
  AnswerText text(tokenizer, stop);
  for (std::size_t i = 0; i < answer.tokens.tokens.size() && !text.stopped(); ++i) {
    reply.text += text.Add(answer.tokens.tokens[i]);
    ++reply.completion_tokens;
    if (generation.logprobs) reply.tokens.push_back(MakeToken(answer.tokens, i));
  }
  reply.text += text.Finish();
  reply.end = text.stopped()                            ? ChatEnd::kStop
              : answer.end == GenerationEnd::kStop      ? ChatEnd::kStop
              : answer.end == GenerationEnd::kCancelled ? ChatEnd::kCancelled
                                                        : ChatEnd::kLength;
  reply.prompt_tokens = static_cast<std::int64_t>(generation.prompt.size());
  return reply;
}

/// Waits for a callback's value.
template <typename T>
class Waiting {
 public:
  std::function<void(T)> Callback() {
    return [promise = promise_](T value) { promise->set_value(std::move(value)); };
  }
  T Get() { return promise_->get_future().get(); }

 private:
  std::shared_ptr<std::promise<T>> promise_ = std::make_shared<std::promise<T>>();
};

}  // namespace

std::string_view ChatEndName(ChatEnd end) {
  switch (end) {
    case ChatEnd::kStop:
      return "stop";
    case ChatEnd::kLength:
      return "length";
    case ChatEnd::kCancelled:
      return "cancelled";
  }
  return "";
}

struct LocalModel::Parts {
  std::unique_ptr<Tokenizer> tokenizer;
  ChatTemplate chat_template;
  Stops stops;
  std::string version;
  std::unique_ptr<LmPool> pool;  // last: its callbacks use the others

  Result<std::vector<TokenId>> Encode(const ChatRequest& request) const {
    std::vector<TokenId> tokens;
    RenderedPrompt rendered;
    if (request.prompt) {
      tokens = tokenizer->Encode(*request.prompt);
    } else {
      ARENA_ASSIGN_OR_RETURN(rendered, chat_template.Render(request.conversation, request.render));
      tokens = tokenizer->EncodePrompt(rendered);
    }
    PutBosFirst(*tokenizer, tokens);
    if (tokens.empty()) return InvalidInput("the prompt has no tokens");
    return tokens;
  }

  Result<Generation> MakeGeneration(const ChatRequest& request) const {
    Generation generation;
    ARENA_ASSIGN_OR_RETURN(generation.prompt, Encode(request));
    const std::int64_t room =
        pool->model().context - static_cast<std::int64_t>(generation.prompt.size());
    if (room <= 0) {
      return InvalidInput(fmt::format("the prompt has {} tokens and the model's context is {}",
                                      generation.prompt.size(), pool->model().context));
    }
    generation.max_new_tokens =
        request.max_new_tokens > 0 ? std::min(request.max_new_tokens, room) : room;
    generation.sampling = request.sampling;
    generation.stop_tokens = stops.tokens;
    generation.logprobs = request.logprobs;
    return generation;
  }

  std::vector<std::string> StopTexts(const ChatRequest& request) const {
    std::vector<std::string> texts = stops.texts;
    for (const std::string& stop : request.stop) {
      if (!stop.empty()) texts.push_back(stop);
    }
    return texts;
  }
};

namespace {

/// Follows one answer's tokens, passes text on, and cancels the rest behind a stop string.
class Stream {
 public:
  Stream(const Tokenizer& tokenizer, const std::vector<std::string>& stop, bool with_tokens,
         LocalModel::OnText on_text)
      : text_(tokenizer, stop), with_tokens_(with_tokens), on_text_(std::move(on_text)) {}

  void Take(const GeneratedTokens& more, LmPool& pool) {
    std::string text;
    std::vector<ReplyToken> tokens;
    for (std::size_t i = 0; i < more.tokens.size() && !text_.stopped(); ++i) {
      text += text_.Add(more.tokens[i]);
      if (with_tokens_) tokens.push_back(MakeToken(more, i));
    }
    if (on_text_ && (!text.empty() || !tokens.empty())) on_text_(text, tokens);
    if (!text_.stopped() || cancelled_) return;
    cancelled_ = true;
    // The id may not have been returned yet; whoever sets it then cancels.
    const std::lock_guard lock(mutex_);
    if (id_ != 0) pool.Cancel(id_);
    wants_cancel_ = true;
  }
  void Finish() {
    const std::string rest = text_.Finish();
    if (on_text_ && !rest.empty()) on_text_(rest, {});
  }
  void SetId(LmPool::Id id, LmPool& pool) {
    const std::lock_guard lock(mutex_);
    id_ = id;
    if (wants_cancel_) pool.Cancel(id);
  }

 private:
  AnswerText text_;
  bool with_tokens_;
  LocalModel::OnText on_text_;
  bool cancelled_ = false;
  std::mutex mutex_;
  LmPool::Id id_ = 0;          // guarded by mutex_
  bool wants_cancel_ = false;  // guarded by mutex_
};

}  // namespace

LocalModel::LocalModel(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
LocalModel::~LocalModel() = default;

Result<std::unique_ptr<LocalModel>> LocalModel::Load(const LocalModelOptions& options) {
  ARENA_ASSIGN_OR_RETURN(auto tokenizer, LoadTokenizer(options.pool.model));
  ARENA_ASSIGN_OR_RETURN(ChatTemplate chat_template,
                         FindTemplate(options.pool.model, options.chat_template));
  ARENA_ASSIGN_OR_RETURN(std::string version,
                         HashDirectory(options.pool.model, chat_template.source()));
  ARENA_ASSIGN_OR_RETURN(auto pool, LmPool::Start(options.pool));
  if (static_cast<std::int64_t>(tokenizer->vocabulary_size()) > pool->model().vocabulary) {
    return InvalidInput(fmt::format("{}: the tokenizer has {} tokens and the model only {}",
                                    options.pool.model.string(), tokenizer->vocabulary_size(),
                                    pool->model().vocabulary));
  }
  Stops stops = FindStops(chat_template, *tokenizer, pool->model().eos);
  auto parts =
      std::unique_ptr<Parts>(new Parts{std::move(tokenizer), std::move(chat_template),
                                       std::move(stops), std::move(version), std::move(pool)});
  return std::unique_ptr<LocalModel>(new LocalModel(std::move(parts)));
}

Result<LmPool::Id> LocalModel::Ask(const ChatRequest& request, OnReply on_reply, OnText on_text) {
  ARENA_ASSIGN_OR_RETURN(const Generation generation, parts_->MakeGeneration(request));
  const Parts* const parts = parts_.get();
  std::vector<std::string> stop = parts->StopTexts(request);
  std::shared_ptr<Stream> stream;
  LmPool::OnTokens on_tokens;
  if (on_text || !stop.empty()) {
    stream = std::make_shared<Stream>(*parts->tokenizer, stop, generation.logprobs.has_value(),
                                      std::move(on_text));
    on_tokens = [stream, parts](const GeneratedTokens& more) { stream->Take(more, *parts->pool); };
  }
  const LmPool::Id id = parts->pool->Generate(
      generation,
      [parts, stream, generation, stop = std::move(stop),
       reply = std::move(on_reply)](Result<GeneratedAnswer> answer) {
        if (!answer.ok()) return reply(Error(answer.error()));
        if (stream) stream->Finish();
        reply(MakeReply(*parts->tokenizer, stop, generation, *answer));
      },
      std::move(on_tokens));
  if (stream) stream->SetId(id, *parts->pool);
  return id;
}

Result<ChatReply> LocalModel::AskAndWait(const ChatRequest& request) {
  Waiting<Result<ChatReply>> waiting;
  ARENA_RETURN_IF_ERROR(Ask(request, waiting.Callback()));
  return waiting.Get();
}

std::vector<Result<ChatReply>> LocalModel::AskAsUnit(std::span<const ChatRequest> requests) {
  std::vector<Result<Generation>> made;
  std::vector<Generation> valid;
  for (const ChatRequest& request : requests) {
    made.push_back(parts_->MakeGeneration(request));
    if (made.back().ok()) valid.push_back(*made.back());
  }
  using Answers = Result<std::vector<Result<GeneratedAnswer>>>;
  Answers answers = std::vector<Result<GeneratedAnswer>>();
  if (!valid.empty()) {
    Waiting<Answers> waiting;
    parts_->pool->Batch(valid, waiting.Callback());
    answers = waiting.Get();
    if (answers.ok() && answers->size() != valid.size()) {
      answers = InternalError("a batch came back with another number of answers");
    }
  }
  std::vector<Result<ChatReply>> replies;
  std::size_t next = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    if (!made[i].ok()) {
      replies.emplace_back(Error(made[i].error()));
    } else if (!answers.ok()) {
      replies.emplace_back(Error(answers.error()));
    } else if (const Result<GeneratedAnswer>& answer = (*answers)[next++]; !answer.ok()) {
      replies.emplace_back(Error(answer.error()));
    } else {
      replies.emplace_back(
          MakeReply(*parts_->tokenizer, parts_->StopTexts(requests[i]), *made[i], *answer));
    }
  }
  return replies;
}

void LocalModel::Cancel(LmPool::Id id) { parts_->pool->Cancel(id); }

Result<std::vector<float>> LocalModel::ScoreAnswer(const Conversation& conversation,
                                                   std::string_view answer) {
  ChatRequest request;
  request.conversation = conversation;
  ARENA_ASSIGN_OR_RETURN(const std::vector<TokenId> prompt, parts_->Encode(request));
  std::vector<TokenId> tokens = parts_->tokenizer->Encode(answer);
  if (const auto eos = parts_->tokenizer->eos_id()) tokens.push_back(*eos);
  Waiting<Result<std::vector<float>>> waiting;
  parts_->pool->Score(prompt, tokens, waiting.Callback());
  return waiting.Get();
}

Result<double> LocalModel::RewardAnswer(const Conversation& conversation, std::string_view answer) {
  const AnswerEncoder encoder{*parts_->tokenizer, parts_->stops,
                              FindEndOfText(*parts_->tokenizer, parts_->pool->model().eos)};
  TrainingAnswer last;
  last.turns = {{Role::kAssistant, std::string(answer)}};
  ARENA_ASSIGN_OR_RETURN(const EncodedSequence sequence,
                         encoder.EncodeConversation(parts_->chat_template, conversation, last));
  const auto first = std::find(sequence.loss.begin(), sequence.loss.end(), 1);
  const auto prompt_size = static_cast<std::size_t>(first - sequence.loss.begin());
  const std::span<const TokenId> tokens(sequence.tokens);
  Waiting<Result<double>> waiting;
  parts_->pool->Reward(tokens.first(prompt_size), tokens.subspan(prompt_size), waiting.Callback());
  return waiting.Get();
}

Result<std::vector<float>> LocalModel::Embed(std::string_view text) {
  ChatRequest request;
  request.prompt = std::string(text);
  ARENA_ASSIGN_OR_RETURN(const std::vector<TokenId> tokens, parts_->Encode(request));
  Waiting<Result<std::vector<float>>> waiting;
  parts_->pool->Embed(tokens, waiting.Callback());
  return waiting.Get();
}

const Tokenizer& LocalModel::tokenizer() const { return *parts_->tokenizer; }
const ChatTemplate& LocalModel::chat_template() const { return parts_->chat_template; }
LmPool& LocalModel::pool() { return *parts_->pool; }
const std::string& LocalModel::version() const { return parts_->version; }

}  // namespace arena
