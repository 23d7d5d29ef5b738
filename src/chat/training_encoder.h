// Rows of training data as token ids, with what of them is to be learned.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "formats/training_rows.h"
#include "text/tokenizer.h"

namespace arena {

/// What happens to a sequence of more tokens than allowed.
enum class TooLong {
  kSkip,   ///< its row is left out
  kCut,    ///< its answer ends early, without the end of text; prompts are never cut
  kError,  ///< it ends the reading
};

/// Why a row gives nothing to learn.
enum class LeftOut {
  kNot,
  kTooLong,    ///< or its prompt alone is
  kEmpty,      ///< an answer, or the prompt, is empty or only space
  kMasked,     ///< nothing of it is to be learned
  kIdentical,  ///< the chosen and the rejected answer are the same
};

/// A sequence of TokenData.
struct EncodedSequence {
  std::vector<TokenId> tokens;
  std::vector<std::uint8_t> loss;
};

struct EncodedRow {
  LeftOut left_out = LeftOut::kNot;
  std::string why;                         ///< where it is left out, for people
  std::vector<EncodedSequence> sequences;  ///< one, or chosen and rejected; none where left out
  bool is_cut = false;                     ///< too long, and shortened
};

/// Turns rows into tokens as `arena generate` would: the prompt's tokens are those that it would
/// give the model, and what is learned is what the model should then write, up to the token by
/// which the template ends a turn. Text of a row never becomes a special token. Immutable:
/// thread-safe.
class TrainingEncoder {
 public:
  struct Options {
    std::filesystem::path model;  ///< its configuration, tokenizer and chat template
    /// A built-in chat template; empty: the model's own, and chatml where it has none; "none": no
    /// template, a prompt and its answer stand as they are.
    std::string chat_template = {};
    /// At most so many tokens in a sequence; 0: the model's context, which is always the limit.
    std::int64_t max_tokens = 0;
    TooLong too_long = TooLong::kSkip;
  };

  /// Errors: those of the model's files; a vocabulary that is larger than the model's.
  static Result<TrainingEncoder> Load(const Options& options);
  TrainingEncoder(TrainingEncoder&&) noexcept;
  ~TrainingEncoder();

  /// Errors, with the row's place: what the template does not allow; a conversation where it needs
  /// a template and has none; a model without an end of text; TooLong::kError.
  Result<EncodedRow> Encode(TrainingTask task, const TrainingRow& row) const;

  /// The limit in tokens.
  std::int64_t max_tokens() const;
  const Tokenizer& tokenizer() const;
  /// The template's source; empty: none.
  const std::string& template_source() const;
  /// Changes with everything of the model, tokenizer and template that can change the training.
  const std::string& version() const;
  /// What may be wrong with the model's files, for people.
  const std::vector<std::string>& warnings() const;

 private:
  struct Parts;
  explicit TrainingEncoder(std::unique_ptr<const Parts> parts);
  std::unique_ptr<const Parts> parts_;
};

}  // namespace arena
