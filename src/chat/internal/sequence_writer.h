// The tokens of one text, made piece by piece.
#pragma once

#include <cstddef>
#include <vector>

#include "text/rendered_prompt.h"
#include "text/tokenizer.h"

namespace arena {

/// Cuts a text into tokens so that they part at given places, as they do between a prompt and the
/// answer that a model writes to it. Not thread-safe; tokenizer and text must outlive it.
class SequenceWriter {
 public:
  /// Special tokens are recognised where the text is trusted. BOS is put first where the
  /// tokenizer's files ask for it.
  SequenceWriter(const Tokenizer& tokenizer, const RenderedPrompt& text)
      : tokenizer_(tokenizer), text_(text) {}

  /// The tokens behind those taken, up to byte `end`. They are the ones that the text up to `end`
  /// has as a whole, unless one of them would cross the last place that was taken.
  std::vector<TokenId> Peek(std::size_t end) const;
  /// Takes tokens that Peek(end) gave.
  void Take(std::size_t end, const std::vector<TokenId>& tokens);

  const std::vector<TokenId>& tokens() const { return tokens_; }

 private:
  std::vector<TokenId> EncodePiece(std::size_t end) const;

  const Tokenizer& tokenizer_;
  const RenderedPrompt& text_;
  std::vector<TokenId> tokens_;
  std::size_t done_ = 0;
};

/// Bytes [begin, end) of a text with the trusted spans within them.
RenderedPrompt Piece(const RenderedPrompt& text, std::size_t begin, std::size_t end);

/// The end of the first run of bytes within [begin, end) that the template did not write itself, or
/// `begin` where there is none.
std::size_t FirstUntrustedEnd(const RenderedPrompt& text, std::size_t begin, std::size_t end);

/// The end of the last such run, or `begin`.
std::size_t LastUntrustedEnd(const RenderedPrompt& text, std::size_t begin, std::size_t end);

}  // namespace arena
