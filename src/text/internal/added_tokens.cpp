#include "text/internal/added_tokens.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "text/internal/utf8.h"

namespace arena {
namespace {

/// Whether no letter or digit stands beside [begin, end).
bool IsSingleWord(std::string_view text, std::size_t begin, std::size_t end) {
  const bool word_before = begin > 0 && IsWord(CharacterBefore(text, begin));
  const bool word_after = end < text.size() && IsWord(CharacterAt(text, end));
  return !word_before && !word_after;
}

std::size_t SpaceBefore(std::string_view text, std::size_t end, std::size_t earliest) {
  while (end > earliest) {
    const Utf8Character c = CharacterBefore(text, end);
    if (!IsWhiteSpace(c) || end - c.size < earliest) break;
    end -= c.size;
  }
  return end;
}

std::size_t SpaceAfter(std::string_view text, std::size_t begin) {
  while (begin < text.size()) {
    const Utf8Character c = CharacterAt(text, begin);
    if (!IsWhiteSpace(c)) break;
    begin += c.size;
  }
  return begin;
}

}  // namespace

TokenMatcher::TokenMatcher(std::vector<AddedToken> tokens, const std::vector<std::string>& forms)
    : tokens_(std::move(tokens)) {
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    if (forms[i].empty()) continue;
    by_form_.emplace(forms[i], i);
    auto& lengths = lengths_[static_cast<unsigned char>(forms[i].front())];
    if (std::find(lengths.begin(), lengths.end(), forms[i].size()) == lengths.end()) {
      lengths.push_back(forms[i].size());
    }
  }
  for (auto& lengths : lengths_) std::sort(lengths.begin(), lengths.end(), std::greater<>());
}

TokenMatcher::Candidate TokenMatcher::LongestAt(
    std::string_view text, std::size_t at,
    FunctionRef<bool(std::size_t, std::size_t)> allow_special) const {
  for (const std::size_t length : lengths_[static_cast<unsigned char>(text[at])]) {
    if (length > text.size() - at) continue;
    const auto found = by_form_.find(std::string(text.substr(at, length)));
    if (found == by_form_.end()) continue;
    const AddedToken& token = tokens_[found->second];
    if (token.special && !allow_special(at, at + length)) continue;
    return {&token, length};
  }
  return {};
}

std::vector<TokenMatcher::Match> TokenMatcher::FindAll(
    std::string_view text, FunctionRef<bool(std::size_t, std::size_t)> allow_special) const {
  std::vector<Match> matches;
  std::size_t done = 0;
  for (std::size_t at = 0; !tokens_.empty() && at < text.size();) {
    const Candidate candidate = LongestAt(text, at, allow_special);
    if (candidate.token == nullptr) {
      ++at;
      continue;
    }
    std::size_t begin = at, end = at + candidate.size;
    at = end;
    const AddedToken& token = *candidate.token;
    if (token.single_word && !IsSingleWord(text, begin, end)) continue;
    if (token.lstrip) begin = SpaceBefore(text, begin, done);
    if (token.rstrip) end = SpaceAfter(text, end);
    matches.push_back({{begin, end}, token.id});
    done = at = end;
  }
  return matches;
}

TrustedRanges::TrustedRanges(std::vector<Span> spans) {
  std::sort(spans.begin(), spans.end(),
            [](const Span& a, const Span& b) { return a.begin < b.begin; });
  for (const Span& span : spans) {
    if (span.begin >= span.end) continue;
    if (!spans_.empty() && span.begin <= spans_.back().end) {
      spans_.back().end = std::max(spans_.back().end, span.end);
    } else {
      spans_.push_back(span);
    }
  }
}

bool TrustedRanges::Contains(std::size_t begin, std::size_t end) const {
  const auto after =
      std::upper_bound(spans_.begin(), spans_.end(), begin,
                       [](std::size_t at, const Span& span) { return at < span.begin; });
  return after != spans_.begin() && end <= std::prev(after)->end;
}

}  // namespace arena
