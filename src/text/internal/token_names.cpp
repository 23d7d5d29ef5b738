#include "text/internal/token_names.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/file.h"
#include "text/internal/json_fields.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kMaxFileBytes = std::uintmax_t{256} << 20;
constexpr std::size_t kMaxAddedTokens = 1 << 20;

/// A token's text: a string, or an object with "content".
Result<std::optional<std::string>> NameIn(const Json& object, const std::string& key,
                                          std::string_view what) {
  const auto found = object.find(key);
  if (found != object.end() && found->is_object()) {
    ARENA_ASSIGN_OR_RETURN(std::string content, RequiredString(*found, "content", key));
    return std::optional(std::move(content));
  }
  return OptionalString(object, key, what);
}

Status TakeNames(const Json& object, std::string_view what, TokenNames& names) {
  if (!object.is_object()) return InvalidInput("is not an object");
  const std::pair<std::string, std::optional<std::string>*> kNames[] = {
      {"bos_token", &names.bos}, {"eos_token", &names.eos}, {"unk_token", &names.unk}};
  for (const auto& [key, target] : kNames) {
    ARENA_ASSIGN_OR_RETURN(auto name, NameIn(object, key, what));
    if (name && !name->empty()) *target = std::move(name);
  }
  return {};
}

Status TakeFlag(const Json& object, std::string_view key, std::optional<bool>& target) {
  const auto found = object.find(std::string(key));
  if (found == object.end() || found->is_null()) return {};
  ARENA_ASSIGN_OR_RETURN(target, BoolOr(object, key, false, "tokenizer_config.json"));
  return {};
}

Status TakeAddedTokens(const Json& object, TokenNames& names) {
  const auto found = object.find("added_tokens_decoder");
  if (found == object.end() || found->is_null()) return {};
  if (!found->is_object() || found->size() > kMaxAddedTokens) {
    return InvalidInput("\"added_tokens_decoder\" is not an object of at most 2^20 tokens");
  }
  for (const auto& [key, token] : found->items()) {
    TokenId id = -1;
    const auto [end, error] = std::from_chars(key.data(), key.data() + key.size(), id);
    if (error != std::errc() || end != key.data() + key.size() || id < 0) {
      return InvalidInput(fmt::format("\"added_tokens_decoder\" has the id \"{}\"", key));
    }
    ARENA_ASSIGN_OR_RETURN(AddedToken added, ParseAddedToken(token, id));
    names.added.push_back(std::move(added));
  }
  return {};
}

Status TakeConfig(const Json& object, TokenNames& names) {
  ARENA_RETURN_IF_ERROR(TakeNames(object, "tokenizer_config.json", names));
  ARENA_RETURN_IF_ERROR(TakeFlag(object, "add_bos_token", names.add_bos));
  ARENA_RETURN_IF_ERROR(TakeFlag(object, "add_eos_token", names.add_eos));
  std::optional<bool> legacy;
  ARENA_RETURN_IF_ERROR(TakeFlag(object, "legacy", legacy));
  names.legacy = legacy.value_or(true);
  return TakeAddedTokens(object, names);
}

/// added_tokens.json: text to id. Not special; what is special stands in tokenizer_config.json too.
Status TakeAddedTokensFile(const Json& object, TokenNames& names) {
  if (!object.is_object() || object.size() > kMaxAddedTokens) {
    return InvalidInput("is not an object of at most 2^20 tokens");
  }
  for (const auto& [content, id] : object.items()) {
    if (!id.is_number_integer() || id < 0 || id > LargestId(kMaxAddedTokens)) {
      return InvalidInput(fmt::format("the id of \"{}\" is not a token id", content));
    }
    const auto same = [&](const AddedToken& token) { return token.content == content; };
    if (std::any_of(names.added.begin(), names.added.end(), same)) continue;
    AddedToken token;
    token.id = id.get<TokenId>();
    token.content = content;
    names.added.push_back(std::move(token));
  }
  return {};
}

Status ReadJson(const fs::path& path, FunctionRef<Status(const Json&)> take) {
  std::error_code error;
  if (!fs::exists(path, error)) return {};
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadTokenizerFile(path));
  auto json = ParseJson(text);
  if (!json.ok()) return InvalidInput(fmt::format("{}: {}", path.string(), json.error().message));
  const Status taken = take(*json);
  if (taken.ok()) return {};
  return Error{taken.error().code, fmt::format("{}: {}", path.string(), taken.error().message)};
}

}  // namespace

Result<TokenNames> ReadTokenNames(const fs::path& directory) {
  TokenNames names;
  ARENA_RETURN_IF_ERROR(ReadJson(directory / "special_tokens_map.json", [&](const Json& json) {
    return TakeNames(json, "special_tokens_map.json", names);
  }));
  ARENA_RETURN_IF_ERROR(ReadJson(directory / "tokenizer_config.json",
                                 [&](const Json& json) { return TakeConfig(json, names); }));
  ARENA_RETURN_IF_ERROR(ReadJson(directory / "added_tokens.json", [&](const Json& json) {
    return TakeAddedTokensFile(json, names);
  }));
  return names;
}

Result<std::string> ReadTokenizerFile(const fs::path& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) {
    return InvalidInput(fmt::format("{} is a directory", path.string()));
  }
  const std::uintmax_t size = fs::file_size(path, error);
  if (!error && size > kMaxFileBytes) {
    return InvalidInput(fmt::format("{} is larger than {} MiB: no tokenizer's file is",
                                    path.string(), kMaxFileBytes >> 20));
  }
  return ReadFile(path);
}

TokenId LargestId(std::size_t tokens) {
  constexpr std::size_t kRoom = 65536;
  constexpr std::size_t kLimit = 1 << 24;
  return static_cast<TokenId>(std::min(2 * tokens + kRoom, kLimit));
}

Result<AddedToken> ParseAddedToken(const Json& object, TokenId id) {
  const std::string what = fmt::format("the added token {}", id);
  AddedToken token;
  token.id = id;
  ARENA_ASSIGN_OR_RETURN(token.content, RequiredString(object, "content", what));
  if (token.content.empty()) return InvalidInput(fmt::format("{} has no text", what));
  ARENA_ASSIGN_OR_RETURN(token.special, BoolOr(object, "special", false, what));
  ARENA_ASSIGN_OR_RETURN(token.lstrip, BoolOr(object, "lstrip", false, what));
  ARENA_ASSIGN_OR_RETURN(token.rstrip, BoolOr(object, "rstrip", false, what));
  ARENA_ASSIGN_OR_RETURN(token.single_word, BoolOr(object, "single_word", false, what));
  ARENA_ASSIGN_OR_RETURN(token.normalized, BoolOr(object, "normalized", !token.special, what));
  return token;
}

}  // namespace arena
