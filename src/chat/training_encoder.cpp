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
  void FindEndOfText();
  void CheckEnd();
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

/// Where an assistant's turn stands in a rendered conversation.
struct Turn {
  std::size_t message = 0;
  std::size_t begin = 0;     ///< the first byte that the model writes
  std::size_t end = 0;       ///< the turn ends there or before
  bool is_end_exact = true;  ///< false: messages of others may stand before `end`
};

/// The answers within one rendered conversation.
class AnswerWriter {
 public:
  AnswerWriter(const Tokenizer& tokenizer, const Stops& stops, const RenderedPrompt& text)
      : tokenizer_(tokenizer), stops_(stops), text_(text), writer_(tokenizer, text) {}

  /// A turn that others follow: learned up to the token that ends it or, where the template writes
  /// none, to its end. Error: there is no telling where that is.
  Status Write(const Turn& turn, bool is_learned) {
    Take(turn.begin, writer_.Peek(turn.begin), 0, false);
    const std::vector<TokenId> tokens = writer_.Peek(turn.end);
    const auto written = FindEnd(turn, tokens);
    if (!written && !turn.is_end_exact) {
      return InvalidInput(
          fmt::format("there is no telling where the chat template ends message {}; give each "
                      "answer a row of its own",
                      turn.message + 1));
    }
    Take(turn.end, tokens, written.value_or(tokens.size()), is_learned);
    return {};
  }

  /// The last turn. Where the template writes no token at its end, `end_of_text` stands in place of
  /// the template's text. A cut one ends with its own text.
  Status WriteLast(const Turn& turn, bool is_learned, bool is_cut,
                   FunctionRef<Result<TokenId>()> end_of_text) {
    Take(turn.begin, writer_.Peek(turn.begin), 0, false);
    const std::size_t own_end = LastUntrustedEnd(text_, turn.begin, turn.end);
    std::vector<TokenId> tokens = writer_.Peek(is_cut ? own_end : turn.end);
    if (is_cut) {
      Take(own_end, tokens, tokens.size(), is_learned);
      return {};
    }
    if (const auto written = FindEnd(turn, tokens)) {
      Take(turn.end, tokens, *written, is_learned);
      return {};
    }
    if (own_end < turn.end) tokens = writer_.Peek(own_end);
    ARENA_ASSIGN_OR_RETURN(const TokenId last, end_of_text());
    tokens.push_back(last);
    Take(own_end, tokens, tokens.size(), is_learned);
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
  // The number of `tokens`, which reach to the turn's end, up to the first that the template writes
  // behind the answer's text and that is special or a stop; that one ends the turn.
  std::optional<std::size_t> FindEnd(const Turn& turn, const std::vector<TokenId>& tokens) const {
    const std::size_t text_end = FirstUntrustedEnd(text_, turn.begin, turn.end);
    const std::vector<TokenId> rest = tokenizer_.EncodePrompt(Piece(text_, text_end, turn.end));
    const auto found = std::find_if(rest.begin(), rest.end(), [this](TokenId token) {
      return stops_.Contains(token) ||
             (tokenizer_.IsSpecial(token) && token != tokenizer_.unk_id());
    });
    // Special tokens part the text, so that what follows has the same tokens in both.
    const auto behind = static_cast<std::size_t>(rest.end() - found);
    if (behind == 0 || behind > tokens.size()) return std::nullopt;
    return tokens.size() - behind + 1;
  }

  // Of the tokens the first `written` are the model's.
  void Take(std::size_t end, const std::vector<TokenId>& tokens, std::size_t written,
            bool is_learned) {
    writer_.Take(end, tokens);
    loss_.resize(loss_.size() + written, is_learned ? 1 : 0);
    loss_.resize(writer_.tokens().size(), 0);
  }

  const Tokenizer& tokenizer_;
  const Stops& stops_;
  const RenderedPrompt& text_;
  SequenceWriter writer_;
  std::vector<std::uint8_t> loss_;
};

Error AtRow(const TrainingRow& row, Error error) {
  error.message = fmt::format("{}: {}", row.place, error.message);
  return error;
}

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
    turns.push_back({.message = i, .begin = prompt.text.size(), .end = whole.size()});
  }
  for (std::size_t k = 0; k + 1 < turns.size(); ++k) {
    ARENA_ASSIGN_OR_RETURN(const RenderedPrompt turn, RenderBeginning(chat_template, conversation,
                                                                      turns[k].message + 1, false));
    turns[k].is_end_exact = whole.starts_with(turn.text);
    turns[k].end = turns[k].is_end_exact ? turn.text.size() : turns[k + 1].begin;
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

void TrainingEncoder::Parts::FindEndOfText() {
  end_of_text = tokenizer->eos_id();
  if (!end_of_text && !config.eos_ids.empty()) {
    end_of_text = static_cast<TokenId>(config.eos_ids.front());
  }
}

// Looks at how an answer ends.
void TrainingEncoder::Parts::CheckEnd() {
  TrainingRow row;
  row.prompt = {{Role::kUser, "a"}};
  row.answer.turns = {{Role::kAssistant, "b"}};
  const auto encoded = EncodeAnswer(row, row.answer);
  if (!encoded.ok() || encoded->tokens.empty()) return;
  const TokenId last = encoded->tokens.back();
  if (std::find(config.eos_ids.begin(), config.eos_ids.end(), last) != config.eos_ids.end()) return;
  warnings.push_back(
      fmt::format("answers end with {} ({}), which is not in eos_token_id of config.json or "
                  "generation_config.json: programs that read only those will not stop there",
                  tokenizer->TokenText(last), last));
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
  ARENA_RETURN_IF_ERROR(writer.WriteLast({.begin = begin, .end = text.text.size()},
                                         answer.masked.empty(), answer.is_cut,
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
    ARENA_RETURN_IF_ERROR(
        writer.Write(turns[k], IsLearned(answer, turns[k].message - row.prompt.size())));
  }
  const Turn& last = turns.back();
  const bool is_cut = answer.is_cut && answer.turns.back().role == Role::kAssistant;
  ARENA_RETURN_IF_ERROR(writer.WriteLast(last, IsLearned(answer, last.message - row.prompt.size()),
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
  parts->FindEndOfText();
  parts->CheckEnd();
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
