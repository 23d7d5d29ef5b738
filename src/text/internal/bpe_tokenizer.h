// The tokenizer that a tokenizer.json describes.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "text/internal/added_tokens.h"
#include "text/internal/bpe_model.h"
#include "text/internal/normalizer.h"
#include "text/internal/pre_tokenizer.h"
#include "text/internal/token_decoder.h"
#include "text/tokenizer.h"

namespace arena {

/// Everything that a BpeTokenizer is made of.
struct BpeParts {
  std::unique_ptr<BpeModel> model;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  TokenDecoder decoder;
  std::vector<AddedToken> added;  ///< ids agree with the model's where it has the token
  std::optional<TokenId> bos_id, eos_id, unk_id;
  bool add_bos = false;
  bool add_eos = false;
};

/// Byte pair encoding with added tokens. Constant after construction but for the model's cache.
class BpeTokenizer final : public Tokenizer {
 public:
  explicit BpeTokenizer(BpeParts parts);

  std::vector<TokenId> Encode(std::string_view text) const override;
  std::vector<TokenId> EncodePrompt(const RenderedPrompt& prompt) const override;
  std::size_t vocabulary_size() const override { return texts_.size(); }
  std::optional<TokenId> Find(std::string_view token) const override;
  std::optional<TokenId> bos_id() const override { return parts_.bos_id; }
  std::optional<TokenId> eos_id() const override { return parts_.eos_id; }
  std::optional<TokenId> unk_id() const override { return parts_.unk_id; }
  bool add_bos() const override { return parts_.add_bos; }
  bool add_eos() const override { return parts_.add_eos; }
  bool IsSpecial(TokenId id) const override;
  std::string_view TokenText(TokenId id) const override;
  std::string_view TokenBytes(TokenId id) const override;
  bool strips_leading_space() const override { return parts_.decoder.strips_leading_space(); }
  VocabularyView Vocabulary() const override;

 private:
  using Allowed = FunctionRef<bool(std::size_t, std::size_t)>;
  std::vector<TokenId> EncodeAllowing(std::string_view text, Allowed allow_special) const;
  void EncodeUnmatched(std::string_view text, bool at_start, std::vector<TokenId>& out) const;
  void EncodeNormalized(std::string text, bool at_start, std::vector<TokenId>& out) const;
  std::vector<float> Scores() const;

  BpeParts parts_;
  std::vector<std::string> texts_;  ///< by id, as in the file
  std::vector<std::string> bytes_;  ///< by id
  std::vector<TokenType> types_;    ///< by id
  std::unordered_map<std::string, TokenId> added_ids_;
  TokenMatcher before_normalizing_;
  TokenMatcher after_normalizing_;
};

}  // namespace arena
