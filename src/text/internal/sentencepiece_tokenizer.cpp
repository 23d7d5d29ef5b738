#include "text/internal/sentencepiece_tokenizer.h"

#include <fmt/format.h>
#include <sentencepiece_processor.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "text/internal/added_tokens.h"
#include "text/internal/sentencepiece_spec.h"
#include "text/internal/token_decoder.h"
#include "text/internal/utf8.h"

namespace arena {
namespace {

using sentencepiece::SentencePieceProcessor;

constexpr std::string_view kMetaspace = "\u2581";

/// Constant after construction.
class SentencePieceTokenizer final : public Tokenizer {
 public:
  /// `names` and the ids of its tokens have been checked.
  static Result<std::unique_ptr<Tokenizer>> Make(std::string_view content, const TokenNames& names);

  std::vector<TokenId> Encode(std::string_view text) const override {
    return EncodeAllowing(text, [](std::size_t, std::size_t) { return false; });
  }
  std::vector<TokenId> EncodePrompt(const RenderedPrompt& prompt) const override {
    const TrustedRanges trusted(prompt.trusted);
    return EncodeAllowing(prompt.text, [&](std::size_t begin, std::size_t end) {
      return trusted.Contains(begin, end);
    });
  }
  std::size_t vocabulary_size() const override { return view_.tokens.size(); }
  std::optional<TokenId> Find(std::string_view token) const override;
  std::optional<TokenId> bos_id() const override { return bos_id_; }
  std::optional<TokenId> eos_id() const override { return eos_id_; }
  std::optional<TokenId> unk_id() const override { return unk_id_; }
  bool add_bos() const override { return add_bos_; }
  bool add_eos() const override { return add_eos_; }
  bool IsSpecial(TokenId id) const override;
  std::string_view TokenText(TokenId id) const override;
  std::string_view TokenBytes(TokenId id) const override;
  bool strips_leading_space() const override { return view_.add_space_prefix; }
  VocabularyView Vocabulary() const override { return view_; }

 private:
  bool InRange(TokenId id) const {
    return id >= 0 && static_cast<std::size_t>(id) < view_.tokens.size();
  }
  Status Load(std::string_view content);
  void ReadPieces();
  Status AddTokens(const TokenNames& names);
  Status Name(const TokenNames& names);
  Result<std::optional<TokenId>> IdOf(const std::optional<std::string>& name, std::string_view what,
                                      int otherwise) const;
  std::vector<TokenId> EncodeAllowing(std::string_view text,
                                      FunctionRef<bool(std::size_t, std::size_t)> allow) const;
  void EncodePiece(std::string_view text, bool prefix, std::vector<TokenId>& out) const;
  void EncodeValid(std::string_view text, bool prefix, std::vector<TokenId>& out) const;
  void EncodeBytes(std::string_view bytes, std::vector<TokenId>& out) const;

  std::unique_ptr<SentencePieceProcessor> plain_;      ///< puts no space in front
  std::unique_ptr<SentencePieceProcessor> prefixing_;  ///< none where the model puts none
  /// U+2581 in a text is given as bytes, so that it does not come back as a space.
  bool lossless_ = false;
  bool legacy_ = true;  ///< as TokenNames
  VocabularyView view_;
  std::vector<std::string> bytes_;  ///< by id
  std::unordered_map<std::string, TokenId> ids_;
  std::array<TokenId, 256> byte_tokens_{};  ///< -1: none
  TokenMatcher matcher_;
  std::optional<TokenId> bos_id_, eos_id_, unk_id_;
  bool add_bos_ = false;
  bool add_eos_ = false;
};

Result<std::unique_ptr<SentencePieceProcessor>> LoadProcessor(std::string_view content) {
  auto processor = std::make_unique<SentencePieceProcessor>();
  const auto status = processor->LoadFromSerializedProto({content.data(), content.size()});
  if (status.ok()) return processor;
  return InvalidInput(fmt::format("not a SentencePiece model: {}", status.ToString()));
}

Result<std::unique_ptr<Tokenizer>> SentencePieceTokenizer::Make(std::string_view content,
                                                                const TokenNames& names) {
  auto tokenizer = std::make_unique<SentencePieceTokenizer>();
  ARENA_RETURN_IF_ERROR(tokenizer->Load(content));
  tokenizer->ReadPieces();
  ARENA_RETURN_IF_ERROR(tokenizer->AddTokens(names));
  ARENA_RETURN_IF_ERROR(tokenizer->Name(names));
  return std::unique_ptr<Tokenizer>(std::move(tokenizer));
}

Status SentencePieceTokenizer::Load(std::string_view content) {
  const SentencePieceSpec spec = ReadSentencePieceSpec(content);
  if (spec.model_type != 1 && spec.model_type != 2) {
    return InvalidInput("a SentencePiece model of words or characters is not supported");
  }
  view_.kind = spec.model_type == 1 ? TokenizerKind::kSentencePieceUnigram
                                    : TokenizerKind::kSentencePieceBpe;
  view_.add_space_prefix = spec.add_dummy_prefix;
  if (!spec.add_dummy_prefix) {
    ARENA_ASSIGN_OR_RETURN(plain_, LoadProcessor(content));
    return {};
  }
  ARENA_ASSIGN_OR_RETURN(prefixing_, LoadProcessor(content));
  ARENA_ASSIGN_OR_RETURN(plain_, LoadProcessor(WithoutDummyPrefix(content)));
  return {};
}

void SentencePieceTokenizer::ReadPieces() {
  byte_tokens_.fill(-1);
  for (TokenId id = 0; id < plain_->GetPieceSize(); ++id) {
    const std::string& piece = plain_->IdToPiece(id);
    TokenType type = TokenType::kNormal;
    if (plain_->IsControl(id)) type = TokenType::kControl;
    if (plain_->IsUnknown(id)) type = TokenType::kUnknown;
    if (plain_->IsUnused(id)) type = TokenType::kUnused;
    std::string bytes = piece;
    if (plain_->IsByte(id)) {
      type = TokenType::kByte;
      const int byte = ByteOfToken(piece);
      bytes.assign(1, static_cast<char>(byte));
      byte_tokens_[static_cast<std::size_t>(byte & 0xFF)] = id;
    } else if (type == TokenType::kNormal) {
      for (std::size_t at = bytes.find(kMetaspace); at != std::string::npos;
           at = bytes.find(kMetaspace)) {
        bytes.replace(at, kMetaspace.size(), " ");
      }
    }
    view_.tokens.push_back(piece);
    view_.scores.push_back(plain_->GetScore(id));
    view_.types.push_back(type);
    bytes_.push_back(std::move(bytes));
    ids_.emplace(piece, id);
  }
  const bool all_bytes =
      std::all_of(byte_tokens_.begin(), byte_tokens_.end(), [](TokenId id) { return id >= 0; });
  lossless_ = all_bytes && prefixing_ == nullptr;
}

Status SentencePieceTokenizer::AddTokens(const TokenNames& names) {
  std::vector<AddedToken> tokens;
  const std::size_t pieces = view_.tokens.size();
  for (const AddedToken& token : names.added) {
    const auto index = static_cast<std::size_t>(token.id);
    if (token.id > LargestId(pieces + names.added.size())) {
      return InvalidInput(fmt::format("added token \"{}\" has the id {}, beyond the vocabulary's",
                                      token.content, token.id));
    }
    while (index >= view_.tokens.size()) {
      view_.tokens.push_back(fmt::format("[PAD{}]", view_.tokens.size()));
      view_.scores.push_back(0);
      view_.types.push_back(TokenType::kUnused);
      bytes_.emplace_back();
    }
    const bool taken = index < pieces || view_.types[index] != TokenType::kUnused;
    if (taken && view_.tokens[index] != token.content) {
      return InvalidInput(fmt::format("added token \"{}\" has the id {} of \"{}\"", token.content,
                                      token.id, view_.tokens[index]));
    }
    const auto known = ids_.emplace(token.content, token.id);
    if (known.first->second != token.id) {
      return InvalidInput(fmt::format("added token \"{}\" has id {}, and {} in the model",
                                      token.content, token.id, known.first->second));
    }
    view_.tokens[index] = token.content;
    if (index >= pieces) bytes_[index] = token.content;
    if (view_.types[index] != TokenType::kUnknown && (token.special || index >= pieces)) {
      view_.types[index] = token.special ? TokenType::kControl : TokenType::kUserDefined;
    }
    // The library finds its own pieces that are not special.
    if (token.special || index >= pieces) tokens.push_back(token);
  }
  std::vector<std::string> forms;
  for (std::size_t i = 0; i < pieces; ++i) {
    if (view_.types[i] != TokenType::kControl && view_.types[i] != TokenType::kUnknown) continue;
    const auto id = static_cast<TokenId>(i);
    const auto same = [id](const AddedToken& token) { return token.id == id; };
    if (std::any_of(tokens.begin(), tokens.end(), same)) continue;
    AddedToken token;
    token.id = id;
    token.content = view_.tokens[i];
    token.special = true;
    tokens.push_back(std::move(token));
  }
  for (const AddedToken& token : tokens) forms.push_back(token.content);
  matcher_ = TokenMatcher(std::move(tokens), forms);
  return {};
}

Result<std::optional<TokenId>> SentencePieceTokenizer::IdOf(const std::optional<std::string>& name,
                                                            std::string_view what,
                                                            int otherwise) const {
  if (!name) return otherwise < 0 ? std::nullopt : std::optional<TokenId>(otherwise);
  const auto id = Find(*name);
  if (id) return id;
  return InvalidInput(fmt::format("{} \"{}\" is not in the vocabulary", what, *name));
}

Status SentencePieceTokenizer::Name(const TokenNames& names) {
  ARENA_ASSIGN_OR_RETURN(bos_id_, IdOf(names.bos, "bos_token", plain_->bos_id()));
  ARENA_ASSIGN_OR_RETURN(eos_id_, IdOf(names.eos, "eos_token", plain_->eos_id()));
  ARENA_ASSIGN_OR_RETURN(unk_id_, IdOf(names.unk, "unk_token", plain_->unk_id()));
  add_bos_ = bos_id_ && names.add_bos.value_or(true);
  add_eos_ = eos_id_ && names.add_eos.value_or(false);
  legacy_ = names.legacy;
  return {};
}

std::vector<TokenId> SentencePieceTokenizer::EncodeAllowing(
    std::string_view text, FunctionRef<bool(std::size_t, std::size_t)> allow) const {
  std::vector<TokenId> ids;
  std::size_t done = 0;
  const auto encode_up_to = [&](std::size_t end) {
    if (done >= end) return;
    EncodePiece(text.substr(done, end - done), done == 0 || legacy_, ids);
  };
  for (const TokenMatcher::Match& match : matcher_.FindAll(text, allow)) {
    encode_up_to(match.span.begin);
    ids.push_back(match.id);
    done = match.span.end;
  }
  encode_up_to(text.size());
  return ids;
}

void SentencePieceTokenizer::EncodePiece(std::string_view text, bool prefix,
                                         std::vector<TokenId>& out) const {
  bool first = prefix && prefixing_ != nullptr;
  ForEachUtf8Run(text, [&](std::size_t begin, std::size_t end, bool valid) {
    const std::string_view run = text.substr(begin, end - begin);
    if (valid) {
      EncodeValid(run, first, out);
    } else {
      if (first) EncodeValid(" ", false, out);
      EncodeBytes(run, out);
    }
    first = false;
  });
}

void SentencePieceTokenizer::EncodeValid(std::string_view text, bool prefix,
                                         std::vector<TokenId>& out) const {
  const SentencePieceProcessor& processor = prefix ? *prefixing_ : *plain_;
  while (!text.empty()) {
    const std::size_t end = lossless_ ? std::min(text.find(kMetaspace), text.size()) : text.size();
    std::vector<int> ids;
    const std::string_view part = text.substr(0, end);
    const auto status = processor.Encode({part.data(), part.size()}, &ids);
    if (!status.ok()) EncodeBytes(part, out);
    out.insert(out.end(), ids.begin(), ids.end());
    if (end == text.size()) return;
    EncodeBytes(kMetaspace, out);
    text.remove_prefix(end + kMetaspace.size());
  }
}

void SentencePieceTokenizer::EncodeBytes(std::string_view bytes, std::vector<TokenId>& out) const {
  for (const char c : bytes) {
    const TokenId id = byte_tokens_[static_cast<unsigned char>(c)];
    out.push_back(id >= 0 ? id : plain_->unk_id());
  }
}

std::optional<TokenId> SentencePieceTokenizer::Find(std::string_view token) const {
  const auto found = ids_.find(std::string(token));
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

bool SentencePieceTokenizer::IsSpecial(TokenId id) const {
  if (!InRange(id)) return false;
  const TokenType type = view_.types[static_cast<std::size_t>(id)];
  return type == TokenType::kControl || type == TokenType::kUnknown;
}

std::string_view SentencePieceTokenizer::TokenText(TokenId id) const {
  return InRange(id) ? view_.tokens[static_cast<std::size_t>(id)] : std::string_view();
}

std::string_view SentencePieceTokenizer::TokenBytes(TokenId id) const {
  return InRange(id) ? bytes_[static_cast<std::size_t>(id)] : std::string_view();
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeSentencePieceTokenizer(std::string_view content,
                                                              const TokenNames& names) {
  return SentencePieceTokenizer::Make(content, names);
}

}  // namespace arena
