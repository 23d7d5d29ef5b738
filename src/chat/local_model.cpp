#include "chat/local_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <future>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "chat/internal/answer_text.h"

namespace arena {
namespace {

constexpr std::size_t kHashedBytes = std::size_t{1} << 20;  // of each large file's start and end

/// What ends an answer: tokens where the vocabulary has them, else text.
struct Stops {
  std::vector<TokenId> tokens;
  std::vector<std::string> texts;
};

Stops FindStops(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                const LoadedModel& model) {
  Stops stops;
  stops.tokens = model.eos;
  if (const auto eos = tokenizer.eos_id()) stops.tokens.push_back(*eos);
  for (const std::string& text : chat_template.stop()) {
    const auto token = tokenizer.Find(text);
    if (token && tokenizer.IsSpecial(*token)) {
      stops.tokens.push_back(*token);
    } else if (!text.empty()) {
      stops.texts.push_back(text);
    }
  }
  std::sort(stops.tokens.begin(), stops.tokens.end());
  stops.tokens.erase(std::unique(stops.tokens.begin(), stops.tokens.end()), stops.tokens.end());
  return stops;
}

Result<ChatTemplate> FindTemplate(const LocalModelOptions& options) {
  if (!options.chat_template.empty()) return ChatTemplate::Named(options.chat_template);
  auto own = LoadChatTemplate(options.pool.model);
  if (!own.ok() && own.error().code == ErrorCode::kNotFound) return ChatTemplate::Named("chatml");
  return own;
}

/// Whether a file of a Hugging Face directory can change an answer. Others may come and go: what a
/// training run or `arena generate` itself leaves there.
bool IsOfTheModel(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 7> kNames = {"config.json",
                                                      "generation_config.json",
                                                      "tokenizer.json",
                                                      "tokenizer_config.json",
                                                      "special_tokens_map.json",
                                                      "added_tokens.json",
                                                      "vocab.json"};
  const std::string name = file.filename().string();
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") ||
         name.ends_with(".model");
}

/// Small files whole; of large ones (weights) the size, the start, which has the header, the end
/// and samples between them.
Result<std::string> HashDirectory(const std::filesystem::path& directory,
                                  const ChatTemplate& chat_template) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.is_regular_file() && IsOfTheModel(entry.path())) files.push_back(entry.path());
  }
  if (error) return IoError(fmt::format("{}: {}", directory.string(), error.message()));
  std::sort(files.begin(), files.end());
  KeyBuilder builder("local model");
  for (const auto& file : files) {
    ARENA_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(file));
    const std::string_view bytes = mapped.bytes();
    builder.Add(file.filename().string()).Add(static_cast<std::int64_t>(bytes.size()));
    if (bytes.size() <= 2 * kHashedBytes) {
      builder.Add(bytes);
      continue;
    }
    builder.Add(bytes.substr(0, kHashedBytes)).Add(bytes.substr(bytes.size() - kHashedBytes));
    // 64 bytes of every MiB between them: training changes all of it.
    for (std::size_t at = kHashedBytes; at < bytes.size() - kHashedBytes; at += kHashedBytes) {
      builder.Add(bytes.substr(at, 64));
    }
  }
  builder.Add(chat_template.source());
  return builder.Build().Hex();
}

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
    const auto bos = tokenizer->bos_id();
    const bool has_bos = bos && !tokens.empty() && tokens.front() == *bos;
    if (bos && tokenizer->add_bos() && !has_bos) tokens.insert(tokens.begin(), *bos);
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
  ARENA_ASSIGN_OR_RETURN(ChatTemplate chat_template, FindTemplate(options));
  ARENA_ASSIGN_OR_RETURN(std::string version, HashDirectory(options.pool.model, chat_template));
  ARENA_ASSIGN_OR_RETURN(auto pool, LmPool::Start(options.pool));
  if (static_cast<std::int64_t>(tokenizer->vocabulary_size()) > pool->model().vocabulary) {
    return InvalidInput(fmt::format("{}: the tokenizer has {} tokens and the model only {}",
                                    options.pool.model.string(), tokenizer->vocabulary_size(),
                                    pool->model().vocabulary));
  }
  Stops stops = FindStops(chat_template, *tokenizer, pool->model());
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
