// The tokens of a prompt with its answer, as models are trained on them.
#pragma once

#include <cstddef>
#include <optional>

#include "base/result.h"
#include "chat/internal/model_directory.h"
#include "chat/training_encoder.h"
#include "core/conversation.h"
#include "formats/training_rows.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace arena {

/// Whether an assistant's turn of an answer is to be learned.
bool IsLearned(const TrainingAnswer& answer, std::size_t turn);

/// Makes the sequence of a prompt with its answer, up to the last token to be learned. What it
/// refers to must outlive it. Thread-safe. Errors, besides those named: a model without an end of
/// text where the template writes none.
struct AnswerEncoder {
  const Tokenizer& tokenizer;
  const Stops& stops;
  std::optional<TokenId> end_of_text;  ///< FindEndOfText

  /// Without anything between the two. Error: a prompt or an answer of several messages.
  Result<EncodedSequence> EncodePlain(const Conversation& prompt,
                                      const TrainingAnswer& answer) const;
  /// As the template writes them; nothing where the answer has no assistant's turn. Errors: what
  /// the template does not allow, or one that leaves open where a turn begins or ends.
  Result<EncodedSequence> EncodeConversation(const ChatTemplate& chat_template,
                                             const Conversation& prompt,
                                             const TrainingAnswer& answer) const;

 private:
  Result<TokenId> EndOfText() const;
};

}  // namespace arena
