#include "chat/internal/sequence_writer.h"

#include <algorithm>

#include "chat/internal/model_directory.h"

namespace arena {

RenderedPrompt Piece(const RenderedPrompt& text, std::size_t begin, std::size_t end) {
  RenderedPrompt piece{text.text.substr(begin, end - begin), {}};
  for (const Span& span : text.trusted) {
    const std::size_t from = std::max(span.begin, begin);
    const std::size_t to = std::min(span.end, end);
    if (from < to) piece.trusted.push_back({from - begin, to - begin});
  }
  return piece;
}

std::size_t FirstUntrustedEnd(const RenderedPrompt& text, std::size_t begin, std::size_t end) {
  std::size_t run = begin;
  for (const Span& span : text.trusted) {
    if (span.end <= run) continue;
    if (span.begin > run) return std::min(span.begin, end);
    run = span.end;
  }
  return run < end ? end : begin;
}

std::size_t LastUntrustedEnd(const RenderedPrompt& text, std::size_t begin, std::size_t end) {
  for (auto span = text.trusted.rbegin(); span != text.trusted.rend(); ++span) {
    if (span->begin < end && span->end >= end) end = span->begin;
  }
  return std::max(begin, end);
}

std::vector<TokenId> SequenceWriter::Peek(std::size_t end) const {
  std::vector<TokenId> whole = tokenizer_.EncodePrompt(Piece(text_, 0, end));
  PutBosFirst(tokenizer_, whole);
  const bool continues =
      whole.size() >= tokens_.size() && std::equal(tokens_.begin(), tokens_.end(), whole.begin());
  if (!continues) return EncodePiece(end);
  whole.erase(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(tokens_.size()));
  return whole;
}

std::vector<TokenId> SequenceWriter::EncodePiece(std::size_t end) const {
  // A tokenizer that puts a space before text would write this one twice.
  const bool doubles = tokenizer_.strips_leading_space() && done_ < end && text_.text[done_] == ' ';
  return tokenizer_.EncodePrompt(Piece(text_, done_ + (doubles ? 1 : 0), end));
}

void SequenceWriter::Take(std::size_t end, const std::vector<TokenId>& tokens) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  done_ = end;
}

}  // namespace arena
