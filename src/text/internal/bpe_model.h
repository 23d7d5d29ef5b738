// Byte pair encoding: the tokens of one piece of text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "text/internal/pair_table.h"
#include "text/internal/word_cache.h"
#include "text/tokenizer.h"

namespace arena {

/// What a file says of the model.
struct BpeSpec {
  std::vector<std::string> tokens;  ///< by id, as written; empty: none of this id
  std::vector<std::pair<std::string, std::string>> merges;  ///< in order of rank
  std::vector<bool> special;  ///< by id; such tokens never come of text, but as the unknown one
  std::optional<std::string> unk_token;
  bool byte_level = false;     ///< tokens are in GPT-2's alphabet; pieces are bytes
  bool byte_fallback = false;  ///< an unknown character becomes its bytes' tokens "<0x41>"
  bool fuse_unk = false;       ///< unknown characters in a row are one token
  bool ignore_merges = false;  ///< a piece that is a token is that token, whatever the merges give
};

/// Constant after construction but for a cache of words; thread-safe.
class BpeModel {
 public:
  /// Errors: a merge of or into what is not in the vocabulary, an unknown token that is not there.
  static Result<std::unique_ptr<BpeModel>> Make(BpeSpec spec);

  /// Appends the tokens of a piece. A character that is neither a token nor has byte tokens becomes
  /// the unknown token, or nothing where there is none.
  void Encode(std::string_view piece, std::vector<TokenId>& out) const;

  const BpeSpec& spec() const { return spec_; }
  std::optional<TokenId> Find(std::string_view token) const;
  std::optional<TokenId> unk_id() const { return unk_id_; }

 private:
  explicit BpeModel(BpeSpec spec) : spec_(std::move(spec)) {}
  Status IndexTokens();
  Status IndexMerges();
  TokenId SymbolOf(std::string_view character) const;
  void AppendSymbols(std::string_view piece, std::vector<TokenId>& symbols) const;
  bool AppendByteTokens(std::string_view character, std::vector<TokenId>& symbols) const;
  void MergeShort(std::vector<TokenId>& symbols) const;
  void MergeLong(std::vector<TokenId>& symbols) const;

  BpeSpec spec_;
  std::unordered_map<std::string_view, TokenId> ids_;  ///< views into spec_.tokens
  std::unordered_map<std::string, TokenId> whole_;     ///< ignore_merges: by the bytes of a piece
  std::array<TokenId, 256> byte_symbols_{};            ///< byte_level: -1: none
  std::array<TokenId, 256> byte_tokens_{};             ///< "<0x41>"; -1: none
  std::optional<TokenId> unk_id_;
  PairTable merges_;
  WordCache cache_;
};

}  // namespace arena
