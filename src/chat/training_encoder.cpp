#include "chat/training_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "chat/internal/answer_encoder.h"
#include "chat/internal/model_directory.h"
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

std::vector<TokenId> ModelEos(const ModelConfig& config) {
  std::vector<TokenId> tokens;
  for (const std::int64_t id : config.eos_ids) tokens.push_back(static_cast<TokenId>(id));
  return tokens;
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
  void CheckEnd();
  Result<EncodedRow> Encode(TrainingTask task, const TrainingRow& row) const;
  Result<EncodedSequence> EncodeAnswer(const TrainingRow& row, const TrainingAnswer& answer) const;
  Result<EncodedSequence> EncodePrompt(const TrainingRow& row) const;
  std::string TooManyTokens(std::size_t tokens) const;
  Result<EncodedRow> Shorten(EncodedRow row) const;
  Result<EncodedRow> EncodePromptRow(const TrainingRow& row) const;
  Result<EncodedRow> EncodeAnswers(const TrainingRow& row,
                                   std::span<const TrainingAnswer* const> answers) const;
};

namespace {

Error AtRow(const TrainingRow& row, Error error) {
  error.message = fmt::format("{}: {}", row.place, error.message);
  return error;
}

}  // namespace

Status TrainingEncoder::Parts::LoadTemplate(const Options& options) {
  if (options.chat_template == "none") return {};
  ARENA_ASSIGN_OR_RETURN(ChatTemplate found, FindTemplate(options.model, options.chat_template));
  template_source = found.source();
  stops = FindStops(found, *tokenizer, ModelEos(config));
  chat_template = std::move(found);
  return {};
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

Result<EncodedSequence> TrainingEncoder::Parts::EncodeAnswer(const TrainingRow& row,
                                                             const TrainingAnswer& answer) const {
  const AnswerEncoder encoder{*tokenizer, stops, end_of_text};
  if (row.is_plain || !chat_template) return encoder.EncodePlain(row.prompt, answer);
  return encoder.EncodeConversation(*chat_template, row.prompt, answer);
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
  parts->end_of_text = FindEndOfText(*parts->tokenizer, ModelEos(config));
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
