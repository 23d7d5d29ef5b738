#include "chat/training_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "base/function_ref.h"
#include "chat/internal/model_directory.h"
#include "chat/internal/sequence_writer.h"
#include "checkpoint/config.h"
#include "text/chat_template.h"

namespace arena {
namespace {

bool IsBlank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

EncodedRow Leave(LeftOut reason, std::string why) {
  EncodedRow row;
  row.left_out = reason;
  row.why = std::move(why);
  return row;
}

bool IsLearned(const TrainingAnswer& answer, std::size_t turn) {
  return !std::binary_search(answer.masked.begin(), answer.masked.end(), turn);
}

bool HasEmptyTurn(const TrainingAnswer& answer) {
  for (std::size_t i = 0; i < answer.turns.size(); ++i) {
    const Message& turn = answer.turns[i];
    if (turn.role == Role::kAssistant && IsLearned(answer, i) && IsBlank(turn.content)) return true;
  }
  return false;
}

bool IsEmptyPrompt(const Conversation& prompt) {
  return prompt.empty() || (prompt.back().role == Role::kUser && IsBlank(prompt.back().content));
}

}  // namespace

struct TrainingEncoder::Parts {
  ModelConfig config;
  std::unique_ptr<Tokenizer> tokenizer;
  std::optional<ChatTemplate> chat_template;  // none: texts stand as they are
  std::string template_source;
  Stops stops;
  std::optional<TokenId> end_of_text;
  std::int64_t max_tokens = 0;
  TooLong too_long = TooLong::kSkip;
  std::string version;
  std::vector<std::string> warnings;

  Status LoadTemplate(const Options& options);
  void FindEnds();
  Result<EncodedRow> Encode(TrainingTask task, const TrainingRow& row) const;
  Result<EncodedSequence> EncodeAnswer(const TrainingRow& row, const TrainingAnswer& answer) const;
  Result<EncodedSequence> EncodePlain(const Conversation& prompt,
                                      const TrainingAnswer& answer) const;
  Result<EncodedSequence> EncodeConversation(const TrainingRow& row,
                                             const TrainingAnswer& answer) const;
  Result<EncodedSequence> EncodePrompt(const TrainingRow& row) const;
  Result<TokenId> EndOfText() const;
  std::string TooManyTokens(std::size_t tokens) const;
  Result<EncodedRow> Shorten(EncodedRow row) const;
  Result<EncodedRow> EncodePromptRow(const TrainingRow& row) const;
  Result<EncodedRow> EncodeAnswers(const TrainingRow& row,
                                   std::span<const TrainingAnswer* const> answers) const;
};

namespace {

/// The answers within one rendered conversation.
class AnswerWriter {
 public:
  AnswerWriter(const Tokenizer& tokenizer, const Stops& stops, const RenderedPrompt& text)
      : stops_(stops), text_(text), writer_(tokenizer, text) {}

  /// What the model reads, up to byte `end`.
  void Read(std::size_t end) { TakeTurn(end, writer_.Peek(end), 0, false); }

  /// A turn that the model writes and that ends at byte `end` at the latest: learned up to the
  /// token that ends it, where there is one.
  void Write(std::size_t end, bool is_learned) {
    const std::vector<TokenId> tokens = writer_.Peek(end);
    TakeTurn(end, tokens, FindStop(tokens).value_or(tokens.size()), is_learned);
  }

  /// The last turn, which begins at byte `begin`. Where the template writes no token at its end,
  /// `end_of_text` stands in place of the template's text. A cut one ends with its own text.
  Status WriteLast(std::size_t begin, bool is_learned, bool is_cut,
                   FunctionRef<Result<TokenId>()> end_of_text) {
    const std::size_t end = text_.text.size();
    const std::size_t own_end = UntrustedEnd(text_, begin, end);
    std::vector<TokenId> tokens = writer_.Peek(is_cut ? own_end : end);
    if (is_cut) {
      TakeTurn(own_end, tokens, tokens.size(), is_learned);
      return {};
    }
    if (const auto stop = FindStop(tokens)) {
      TakeTurn(end, tokens, *stop, is_learned);
      return {};
    }
    if (own_end < end) tokens = writer_.Peek(own_end);
    ARENA_ASSIGN_OR_RETURN(const TokenId last, end_of_text());
    tokens.push_back(last);
    TakeTurn(own_end, tokens, tokens.size(), is_learned);
    return {};
  }

  /// All of it up to the last token that is learned.
  EncodedSequence Finish() && {
    EncodedSequence sequence{writer_.tokens(), std::move(loss_)};
    // Nothing predicts the first token.
    if (!sequence.loss.empty()) sequence.loss.front() = 0;
    const auto last = std::find(sequence.loss.rbegin(), sequence.loss.rend(), 1);
    const auto size = static_cast<std::size_t>(sequence.loss.rend() - last);
    sequence.tokens.resize(size);
    sequence.loss.resize(size);
    return sequence;
  }

 private:
  // The number of tokens up to the first that ends an answer.
  std::optional<std::size_t> FindStop(const std::vector<TokenId>& tokens) const {
    const auto found = std::find_if(tokens.begin(), tokens.end(),
                                    [this](TokenId token) { return stops_.Contains(token); });
    if (found == tokens.end()) return std::nullopt;
    return static_cast<std::size_t>(found - tokens.begin()) + 1;
  }

  // Of the tokens the first `written` are the model's.
  void TakeTurn(std::size_t end, const std::vector<TokenId>& tokens, std::size_t written,
                bool is_learned) {
    writer_.Take(end, tokens);
    loss_.resize(loss_.size() + written, is_learned ? 1 : 0);
    loss_.resize(writer_.tokens().size(), 0);
  }

  const Stops& stops_;
  const RenderedPrompt& text_;
  SequenceWriter writer_;
  std::vector<std::uint8_t> loss_;
};

Error AtRow(const TrainingRow& row, Error error) {
  error.message = fmt::format("{}: {}", row.place, error.message);
  return error;
}

/// Where an assistant's turn stands in a rendered conversation.
struct Turn {
  std::size_t message = 0;
  std::size_t begin = 0;  ///< the first byte that the model writes
  std::size_t end = 0;    ///< behind the turn, if the template can tell, else where the next begins
};

Result<RenderedPrompt> RenderBeginning(const ChatTemplate& chat_template,
                                       const Conversation& conversation, std::size_t messages,
                                       bool opens_turn) {
  RenderOptions options;
  options.add_generation_prompt = opens_turn;
  const auto end = conversation.begin() + static_cast<std::ptrdiff_t>(messages);
  return chat_template.Render(Conversation(conversation.begin(), end), options);
}

/// The assistant's turns from message `first` on; the last message is one.
Result<std::vector<Turn>> FindTurns(const ChatTemplate& chat_template,
                                    const Conversation& conversation, std::size_t first,
                                    const std::string& whole) {
  std::vector<Turn> turns;
  for (std::size_t i = first; i < conversation.size(); ++i) {
    if (conversation[i].role != Role::kAssistant) continue;
    ARENA_ASSIGN_OR_RETURN(const RenderedPrompt prompt,
                           RenderBeginning(chat_template, conversation, i, true));
    if (!whole.starts_with(prompt.text)) {
      return InvalidInput(
          fmt::format("the chat template writes what comes before message {} otherwise when more "
                      "follows; give each answer a row of its own",
                      i + 1));
    }
    turns.push_back({i, prompt.text.size(), whole.size()});
  }
  for (std::size_t k = 0; k + 1 < turns.size(); ++k) {
    ARENA_ASSIGN_OR_RETURN(const RenderedPrompt turn, RenderBeginning(chat_template, conversation,
                                                                      turns[k].message + 1, false));
    turns[k].end = whole.starts_with(turn.text) ? turn.text.size() : turns[k + 1].begin;
  }
  return turns;
}

}  // namespace

Status TrainingEncoder::Parts::LoadTemplate(const Options& options) {
  if (options.chat_template == "none") return {};
  ARENA_ASSIGN_OR_RETURN(ChatTemplate found, FindTemplate(options.model, options.chat_template));
  template_source = found.source();
  std::vector<TokenId> model_eos;
  for (const std::int64_t id : config.eos_ids) model_eos.push_back(static_cast<TokenId>(id));
  stops = FindStops(found, *tokenizer, model_eos);
  chat_template = std::move(found);
  return {};
}

void TrainingEncoder::Parts::FindEnds() {
  end_of_text = tokenizer->eos_id();
  if (!end_of_text && !config.eos_ids.empty()) {
    end_of_text = static_cast<TokenId>(config.eos_ids.front());
  }
  if (end_of_text && std::find(config.eos_ids.begin(), config.eos_ids.end(), *end_of_text) ==
                         config.eos_ids.end()) {
    warnings.push_back(fmt::format(
        "the tokenizer's end of text, {} ({}), is not in eos_token_id of config.json or "
        "generation_config.json: programs that read only those will not stop there",
        tokenizer->TokenText(*end_of_text), *end_of_text));
  }
}

Result<TokenId> TrainingEncoder::Parts::EndOfText() const {
  if (end_of_text) return *end_of_text;
  return InvalidInput(
      "the model has no token that ends a text: set eos_token in its tokenizer_config.json");
}

// A prompt and its answer without anything between them.
Result<EncodedSequence> TrainingEncoder::Parts::EncodePlain(const Conversation& prompt,
                                                            const TrainingAnswer& answer) const {
  if (prompt.size() > 1 || answer.turns.size() != 1) {
    return InvalidInput("a conversation needs a chat template, and none is to be used");
  }
  RenderedPrompt text;
  if (!prompt.empty()) text.text = prompt.front().content;
  const std::size_t begin = text.text.size();
  text.text += answer.turns.front().content;
  AnswerWriter writer(*tokenizer, stops, text);
  writer.Read(begin);
  ARENA_RETURN_IF_ERROR(writer.WriteLast(begin, answer.masked.empty(), answer.is_cut,
                                         [this] { return EndOfText(); }));
  return std::move(writer).Finish();
}

Result<EncodedSequence> TrainingEncoder::Parts::EncodeConversation(
    const TrainingRow& row, const TrainingAnswer& answer) const {
  Conversation conversation = row.prompt;
  conversation.insert(conversation.end(), answer.turns.begin(), answer.turns.end());
  while (!conversation.empty() && conversation.back().role != Role::kAssistant) {
    conversation.pop_back();
  }
  if (conversation.size() <= row.prompt.size()) return EncodedSequence();
  ARENA_ASSIGN_OR_RETURN(const RenderedPrompt whole,
                         RenderBeginning(*chat_template, conversation, conversation.size(), false));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Turn> turns,
                         FindTurns(*chat_template, conversation, row.prompt.size(), whole.text));
  AnswerWriter writer(*tokenizer, stops, whole);
  for (std::size_t k = 0; k + 1 < turns.size(); ++k) {
    writer.Read(turns[k].begin);
    writer.Write(turns[k].end, IsLearned(answer, turns[k].message - row.prompt.size()));
  }
  const Turn& last = turns.back();
  writer.Read(last.begin);
  const bool is_cut = answer.is_cut && answer.turns.back().role == Role::kAssistant;
  ARENA_RETURN_IF_ERROR(writer.WriteLast(last.begin,
                                         IsLearned(answer, last.message - row.prompt.size()),
                                         is_cut, [this] { return EndOfText(); }));
  return std::move(writer).Finish();
}

Result<EncodedSequence> TrainingEncoder::Parts::EncodeAnswer(const TrainingRow& row,
                                                             const TrainingAnswer& answer) const {
  if (row.is_plain || !chat_template) return EncodePlain(row.prompt, answer);
  return EncodeConversation(row, answer);
}

Result<EncodedSequence> TrainingEncoder::Parts::EncodePrompt(const TrainingRow& row) const {
  RenderedPrompt prompt;
  if (chat_template) {
    ARENA_ASSIGN_OR_RETURN(prompt, chat_template->Render(row.prompt));
  } else if (row.prompt.size() == 1) {
    prompt.text = row.prompt.front().content;
  } else {
    return InvalidInput("a conversation needs a chat template, and none is to be used");
  }
  EncodedSequence sequence;
  sequence.tokens = tokenizer->EncodePrompt(prompt);
  PutBosFirst(*tokenizer, sequence.tokens);
  sequence.loss.assign(sequence.tokens.size(), 0);
  return sequence;
}

std::string TrainingEncoder::Parts::TooManyTokens(std::size_t tokens) const {
  return fmt::format("{} tokens, and at most {} are allowed", tokens, max_tokens);
}

// Deals with sequences that are too long.
Result<EncodedRow> TrainingEncoder::Parts::Shorten(EncodedRow row) const {
  const auto limit = static_cast<std::size_t>(max_tokens);
  for (EncodedSequence& sequence : row.sequences) {
    if (sequence.tokens.size() <= limit) continue;
    std::string why = TooManyTokens(sequence.tokens.size());
    if (too_long == TooLong::kError) return InvalidInput(std::move(why));
    const auto kept_end = sequence.loss.begin() + static_cast<std::ptrdiff_t>(limit);
    const bool has_answer = std::find(sequence.loss.begin(), kept_end, 1) != kept_end;
    if (too_long == TooLong::kSkip || !has_answer) {
      return Leave(LeftOut::kTooLong, std::move(why));
    }
    sequence.tokens.resize(limit);
    sequence.loss.resize(limit);
    row.is_cut = true;
  }
  return row;
}

Result<EncodedRow> TrainingEncoder::Parts::EncodePromptRow(const TrainingRow& row) const {
  if (IsEmptyPrompt(row.prompt)) return Leave(LeftOut::kEmpty, "the prompt is empty");
  EncodedRow encoded;
  ARENA_ASSIGN_OR_RETURN(encoded.sequences.emplace_back(), EncodePrompt(row));
  const std::size_t tokens = encoded.sequences.front().tokens.size();
  // The answer needs room for one token at least.
  if (tokens < static_cast<std::size_t>(max_tokens)) return encoded;
  std::string why = TooManyTokens(tokens + 1);
  if (too_long == TooLong::kError) return InvalidInput(std::move(why));
  return Leave(LeftOut::kTooLong, std::move(why));
}

Result<EncodedRow> TrainingEncoder::Parts::EncodeAnswers(
    const TrainingRow& row, std::span<const TrainingAnswer* const> answers) const {
  EncodedRow encoded;
  for (const TrainingAnswer* answer : answers) {
    if (HasEmptyTurn(*answer)) return Leave(LeftOut::kEmpty, "an answer is empty");
    ARENA_ASSIGN_OR_RETURN(EncodedSequence sequence, EncodeAnswer(row, *answer));
    if (sequence.tokens.empty()) return Leave(LeftOut::kMasked, "nothing of it is to be learned");
    encoded.sequences.push_back(std::move(sequence));
  }
  ARENA_ASSIGN_OR_RETURN(encoded, Shorten(std::move(encoded)));
  if (encoded.sequences.size() == 2 && encoded.sequences[0].tokens == encoded.sequences[1].tokens) {
    return Leave(LeftOut::kIdentical, "the chosen and the rejected answer are the same");
  }
  return encoded;
}

Result<EncodedRow> TrainingEncoder::Parts::Encode(TrainingTask task, const TrainingRow& row) const {
  switch (task) {
    case TrainingTask::kPrompts:
      return EncodePromptRow(row);
    case TrainingTask::kFineTuning:
      return EncodeAnswers(row, std::array{&row.answer});
    case TrainingTask::kPreferences:
      return EncodeAnswers(row, std::array{&row.answer, &row.rejected});
  }
  return InternalError("an unknown task");
}

TrainingEncoder::TrainingEncoder(std::unique_ptr<const Parts> parts) : parts_(std::move(parts)) {}
TrainingEncoder::TrainingEncoder(TrainingEncoder&&) noexcept = default;
TrainingEncoder::~TrainingEncoder() = default;

Result<TrainingEncoder> TrainingEncoder::Load(const Options& options) {
  auto parts = std::make_unique<Parts>();
  ARENA_ASSIGN_OR_RETURN(parts->config, LoadConfig(options.model));
  ARENA_ASSIGN_OR_RETURN(parts->tokenizer, LoadTokenizer(options.model));
  const ModelConfig& config = parts->config;
  if (static_cast<std::int64_t>(parts->tokenizer->vocabulary_size()) > config.vocab_size) {
    return InvalidInput(fmt::format("{}: the tokenizer has {} tokens and the model only {}",
                                    options.model.string(), parts->tokenizer->vocabulary_size(),
                                    config.vocab_size));
  }
  ARENA_RETURN_IF_ERROR(parts->LoadTemplate(options));
  parts->FindEnds();
  parts->max_tokens = config.max_position_embeddings;
  if (options.max_tokens > 0) {
    parts->max_tokens = std::min(parts->max_tokens, options.max_tokens);
  }
  parts->too_long = options.too_long;
  ARENA_ASSIGN_OR_RETURN(parts->version, HashDirectory(options.model, parts->template_source));
  return TrainingEncoder(std::move(parts));
}

Result<EncodedRow> TrainingEncoder::Encode(TrainingTask task, const TrainingRow& row) const {
  auto encoded = parts_->Encode(task, row);
  if (!encoded.ok()) return AtRow(row, encoded.error());
  return encoded;
}

std::int64_t TrainingEncoder::max_tokens() const { return parts_->max_tokens; }
const Tokenizer& TrainingEncoder::tokenizer() const { return *parts_->tokenizer; }
const std::string& TrainingEncoder::template_source() const { return parts_->template_source; }
const std::string& TrainingEncoder::version() const { return parts_->version; }
const std::vector<std::string>& TrainingEncoder::warnings() const { return parts_->warnings; }

}  // namespace arena
