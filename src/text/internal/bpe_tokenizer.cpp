#include "text/internal/bpe_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace arena {
namespace {

bool InRange(TokenId id, std::size_t size) {
  return id >= 0 && static_cast<std::size_t>(id) < size;
}

/// Calls token(id) for each match and text(piece, begin) for what lies between them, in order.
template <typename OnToken, typename OnText>
void ForEachSegment(std::string_view text, const std::vector<TokenMatcher::Match>& matches,
                    OnToken on_token, OnText on_text) {
  std::size_t done = 0;
  for (const TokenMatcher::Match& match : matches) {
    if (done < match.span.begin) on_text(text.substr(done, match.span.begin - done), done);
    on_token(match.id);
    done = match.span.end;
  }
  if (done < text.size()) on_text(text.substr(done), done);
}

}  // namespace

BpeTokenizer::BpeTokenizer(BpeParts parts) : parts_(std::move(parts)) {
  const BpeSpec& spec = parts_.model->spec();
  texts_ = spec.tokens;
  for (const AddedToken& token : parts_.added) {
    const auto id = static_cast<std::size_t>(token.id);
    if (id >= texts_.size()) texts_.resize(id + 1);
  }
  types_.assign(texts_.size(), TokenType::kNormal);
  bytes_.resize(texts_.size());
  for (std::size_t i = 0; i < texts_.size(); ++i) {
    bytes_[i] = parts_.decoder.BytesOf(texts_[i]);
    if (spec.byte_fallback && ByteOfToken(texts_[i]) >= 0) types_[i] = TokenType::kByte;
    if (texts_[i].empty()) types_[i] = TokenType::kUnused;
  }
  std::vector<AddedToken> raw, normalized;
  std::vector<std::string> raw_forms, normalized_forms;
  for (const AddedToken& token : parts_.added) {
    const auto id = static_cast<std::size_t>(token.id);
    texts_[id] = token.content;
    bytes_[id] = parts_.decoder.BytesOfAdded(token.content);
    types_[id] = token.special ? TokenType::kControl : TokenType::kUserDefined;
    added_ids_.emplace(token.content, token.id);
    // Where a special token stands is known in the text as it was given only.
    const bool is_raw = token.special || !token.normalized || parts_.normalizer.empty();
    (is_raw ? raw : normalized).push_back(token);
    (is_raw ? raw_forms : normalized_forms)
        .push_back(is_raw ? token.content : parts_.normalizer.Apply(token.content));
  }
  if (const auto unk = parts_.model->unk_id(); unk && !spec.byte_level) {
    types_[static_cast<std::size_t>(*unk)] = TokenType::kUnknown;
  }
  before_normalizing_ = TokenMatcher(std::move(raw), raw_forms);
  after_normalizing_ = TokenMatcher(std::move(normalized), normalized_forms);
}

std::vector<TokenId> BpeTokenizer::Encode(std::string_view text) const {
  return EncodeAllowing(text, [](std::size_t, std::size_t) { return false; });
}

std::vector<TokenId> BpeTokenizer::EncodePrompt(const RenderedPrompt& prompt) const {
  const TrustedRanges trusted(prompt.trusted);
  return EncodeAllowing(prompt.text, [&](std::size_t begin, std::size_t end) {
    return trusted.Contains(begin, end);
  });
}

std::vector<TokenId> BpeTokenizer::EncodeAllowing(std::string_view text,
                                                  Allowed allow_special) const {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 3);
  ForEachSegment(
      text, before_normalizing_.FindAll(text, allow_special),
      [&](TokenId id) { ids.push_back(id); },
      [&](std::string_view piece, std::size_t begin) { EncodeUnmatched(piece, begin == 0, ids); });
  return ids;
}

void BpeTokenizer::EncodeUnmatched(std::string_view text, bool at_start,
                                   std::vector<TokenId>& out) const {
  std::string normalized = parts_.normalizer.Apply(text);
  if (after_normalizing_.empty()) {
    EncodeNormalized(std::move(normalized), at_start, out);
    return;
  }
  const auto never = [](std::size_t, std::size_t) { return false; };
  ForEachSegment(
      normalized, after_normalizing_.FindAll(normalized, never),
      [&](TokenId id) { out.push_back(id); },
      [&](std::string_view piece, std::size_t begin) {
        EncodeNormalized(std::string(piece), at_start && begin == 0, out);
      });
}

void BpeTokenizer::EncodeNormalized(std::string text, bool at_start,
                                    std::vector<TokenId>& out) const {
  const PieceList list = parts_.pre_tokenizer.Split(std::move(text), at_start);
  const std::string_view whole = list.text;
  for (const Span& piece : list.pieces) {
    parts_.model->Encode(whole.substr(piece.begin, piece.end - piece.begin), out);
  }
}

std::optional<TokenId> BpeTokenizer::Find(std::string_view token) const {
  const auto added = added_ids_.find(std::string(token));
  if (added != added_ids_.end()) return added->second;
  return parts_.model->Find(token);
}

bool BpeTokenizer::IsSpecial(TokenId id) const {
  if (!InRange(id, types_.size())) return false;
  const TokenType type = types_[static_cast<std::size_t>(id)];
  return type == TokenType::kControl || type == TokenType::kUnknown;
}

std::string_view BpeTokenizer::TokenText(TokenId id) const {
  return InRange(id, texts_.size()) ? texts_[static_cast<std::size_t>(id)] : std::string_view();
}

std::string_view BpeTokenizer::TokenBytes(TokenId id) const {
  return InRange(id, bytes_.size()) ? bytes_[static_cast<std::size_t>(id)] : std::string_view();
}

std::vector<float> BpeTokenizer::Scores() const {
  std::vector<float> scores(texts_.size(), 0);
  const auto& merges = parts_.model->spec().merges;
  for (std::size_t rank = merges.size(); rank-- > 0;) {  // the first merge into a token counts
    const auto id = parts_.model->Find(merges[rank].first + merges[rank].second);
    if (id) scores[static_cast<std::size_t>(*id)] = -static_cast<float>(rank);
  }
  return scores;
}

VocabularyView BpeTokenizer::Vocabulary() const {
  const BpeSpec& spec = parts_.model->spec();
  VocabularyView view;
  view.kind = spec.byte_level ? TokenizerKind::kByteLevelBpe : TokenizerKind::kSentencePieceBpe;
  view.tokens = texts_;
  for (std::size_t i = 0; i < view.tokens.size(); ++i) {
    if (view.tokens[i].empty()) view.tokens[i] = fmt::format("[PAD{}]", i);
  }
  view.types = types_;
  view.scores = Scores();
  view.merges.reserve(spec.merges.size());
  for (const auto& [left, right] : spec.merges) view.merges.push_back(left + " " + right);
  view.pre_tokenizer = parts_.pre_tokenizer.GgufName();
  view.add_space_prefix = strips_leading_space() || parts_.pre_tokenizer.adds_space();
  return view;
}

}  // namespace arena
