// Text that knows which of its bytes the template itself wrote.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/rendered_prompt.h"

namespace arena::jinja {

/// Bytes with the ranges that are trusted: literals of the template, and what its author chose.
/// Everything that comes from a message is not trusted, whatever is done to it.
class MarkedText {
 public:
  MarkedText() = default;
  MarkedText(std::string bytes, bool is_trusted);

  const std::string& bytes() const { return bytes_; }
  /// Sorted, disjoint, not touching, not empty.
  const std::vector<Span>& trusted() const { return trusted_; }
  std::size_t size() const { return bytes_.size(); }
  bool empty() const { return bytes_.empty(); }
  /// Whether every byte is; true for the empty text.
  bool IsAllTrusted() const;

  void Append(const MarkedText& other);
  void Append(std::string_view bytes, bool is_trusted);

  /// The bytes [begin, end), which must lie within the text.
  MarkedText Slice(std::size_t begin, std::size_t end) const;

  /// The text as pieces that are wholly trusted or wholly not: visit(bytes, is_trusted).
  template <typename Visit>
  void ForEachPiece(Visit visit) const {
    std::size_t at = 0;
    const std::string_view all = bytes_;
    for (const Span& span : trusted_) {
      if (span.begin > at) visit(all.substr(at, span.begin - at), false);
      visit(all.substr(span.begin, span.end - span.begin), true);
      at = span.end;
    }
    if (at < all.size()) visit(all.substr(at), false);
  }

 private:
  void AddSpan(Span span);

  std::string bytes_;
  std::vector<Span> trusted_;
};

/// How many bytes the character at `pos` < text.size() has; a byte that starts no valid UTF-8
/// sequence is a character by itself.
std::size_t CharacterSize(std::string_view text, std::size_t pos);

/// Where the character that ends at `end` > 0 begins.
std::size_t CharacterBefore(std::string_view text, std::size_t end);

/// How many characters the text has.
std::size_t CountCharacters(std::string_view text);

}  // namespace arena::jinja
