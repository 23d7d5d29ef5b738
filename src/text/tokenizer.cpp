#include "text/tokenizer.h"

#include <fmt/format.h>

#include "text/internal/sentencepiece_tokenizer.h"
#include "text/internal/token_names.h"
#include "text/internal/tokenizer_json.h"

namespace arena {

std::string Tokenizer::Decode(std::span<const TokenId> ids, bool skip_special) const {
  std::string text;
  for (const TokenId id : ids) {
    if (skip_special && IsSpecial(id)) continue;
    text += TokenBytes(id);
  }
  if (strips_leading_space() && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

Result<std::unique_ptr<Tokenizer>> LoadTokenizer(const std::filesystem::path& directory) {
  const auto in_file = [](const std::filesystem::path& path, const Error& error) {
    return Error{error.code, fmt::format("{}: {}", path.string(), error.message)};
  };
  const std::filesystem::path json = directory / "tokenizer.json";
  const std::filesystem::path model = directory / "tokenizer.model";
  std::error_code error;
  if (std::filesystem::exists(json, error)) {
    ARENA_ASSIGN_OR_RETURN(const TokenNames names, ReadTokenNames(directory));
    ARENA_ASSIGN_OR_RETURN(const std::string content, ReadTokenizerFile(json));
    auto tokenizer = MakeTokenizerFromJson(content, names);
    if (!tokenizer.ok()) return in_file(json, tokenizer.error());
    return tokenizer;
  }
  if (std::filesystem::exists(model, error)) {
    ARENA_ASSIGN_OR_RETURN(const TokenNames names, ReadTokenNames(directory));
    ARENA_ASSIGN_OR_RETURN(const std::string content, ReadTokenizerFile(model));
    auto tokenizer = MakeSentencePieceTokenizer(content, names);
    if (!tokenizer.ok()) return in_file(model, tokenizer.error());
    return tokenizer;
  }
  return NotFound(
      fmt::format("{} has neither tokenizer.json nor tokenizer.model", directory.string()));
}

}  // namespace arena
