#include "chat/internal/answer_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/function_ref.h"
#include "chat/internal/sequence_writer.h"
#include "text/rendered_prompt.h"

namespace arena {
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

bool IsLearned(const TrainingAnswer& answer, std::size_t turn) {
  return !std::binary_search(answer.masked.begin(), answer.masked.end(), turn);
}

Result<TokenId> AnswerEncoder::EndOfText() const {
  if (end_of_text) return *end_of_text;
  return InvalidInput(
      "the model has no token that ends a text: set eos_token in its tokenizer_config.json");
}

Result<EncodedSequence> AnswerEncoder::EncodePlain(const Conversation& prompt,
                                                   const TrainingAnswer& answer) const {
  if (prompt.size() > 1 || answer.turns.size() != 1) {
    return InvalidInput("a conversation needs a chat template, and none is to be used");
  }
  RenderedPrompt text;
  if (!prompt.empty()) text.text = prompt.front().content;
  const std::size_t begin = text.text.size();
  text.text += answer.turns.front().content;
  AnswerWriter writer(tokenizer, stops, text);
  ARENA_RETURN_IF_ERROR(writer.WriteLast({.begin = begin, .end = text.text.size()},
                                         answer.masked.empty(), answer.is_cut,
                                         [this] { return EndOfText(); }));
  return std::move(writer).Finish();
}

Result<EncodedSequence> AnswerEncoder::EncodeConversation(const ChatTemplate& chat_template,
                                                          const Conversation& prompt,
                                                          const TrainingAnswer& answer) const {
  Conversation conversation = prompt;
  conversation.insert(conversation.end(), answer.turns.begin(), answer.turns.end());
  while (!conversation.empty() && conversation.back().role != Role::kAssistant) {
    conversation.pop_back();
  }
  if (conversation.size() <= prompt.size()) return EncodedSequence();
  ARENA_ASSIGN_OR_RETURN(const RenderedPrompt whole,
                         RenderBeginning(chat_template, conversation, conversation.size(), false));
  ARENA_ASSIGN_OR_RETURN(const std::vector<Turn> turns,
                         FindTurns(chat_template, conversation, prompt.size(), whole.text));
  AnswerWriter writer(tokenizer, stops, whole);
  for (std::size_t k = 0; k + 1 < turns.size(); ++k) {
    ARENA_RETURN_IF_ERROR(
        writer.Write(turns[k], IsLearned(answer, turns[k].message - prompt.size())));
  }
  const Turn& last = turns.back();
  const bool is_cut = answer.is_cut && answer.turns.back().role == Role::kAssistant;
  ARENA_RETURN_IF_ERROR(writer.WriteLast(last, IsLearned(answer, last.message - prompt.size()),
                                         is_cut, [this] { return EndOfText(); }));
  return std::move(writer).Finish();
}

}  // namespace arena
