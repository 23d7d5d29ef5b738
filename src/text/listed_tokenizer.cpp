#include "text/listed_tokenizer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "text/internal/byte_alphabet.h"

namespace arena {
namespace {

Json AddedTokens(const ListedTokenizer& tokenizer) {
  Json added = Json::array();
  for (const std::string& content : tokenizer.special) {
    added.push_back({{"id", added.size()},
                     {"content", content},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  return added;
}

std::string InAlphabet(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += AlphabetCharacter(static_cast<std::uint8_t>(byte));
  return text;
}

Result<Json> VocabularyJson(const ListedTokenizer& tokenizer) {
  // Json's own emplace looks at every member: quadratic in the size of a vocabulary.
  Json::object_t tokens;
  Json::object_t::Container& list = tokens;
  for (const std::string& content : tokenizer.special) list.emplace_back(content, list.size());
  for (const std::string& bytes : tokenizer.tokens) {
    list.emplace_back(InAlphabet(bytes), list.size());
  }
  std::unordered_set<std::string_view> seen;
  for (const auto& [token, id] : list) {
    if (!seen.insert(token).second) {
      return InvalidInput(fmt::format("the token \"{}\" is listed twice", token));
    }
  }
  return Json(std::move(tokens));
}

Json TokenizerJson(const ListedTokenizer& tokenizer, Json vocabulary) {
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  const bool has_unknown = tokenizer.whole_words && !tokenizer.unknown.empty();
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", AddedTokens(tokenizer)},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", nullptr},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", has_unknown ? Json(tokenizer.unknown) : Json(nullptr)},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", tokenizer.whole_words},
            {"vocab", std::move(vocabulary)},
            {"merges", Json::array()}}}};
}

Json SpecialNames(const ListedTokenizer& tokenizer) {
  Json names = Json::object();
  const auto add = [&names](std::string_view key, const std::string& token) {
    if (!token.empty()) names[std::string(key)] = token;
  };
  add("bos_token", tokenizer.bos);
  add("eos_token", tokenizer.eos);
  add("unk_token", tokenizer.unknown);
  add("pad_token", tokenizer.pad);
  return names;
}

}  // namespace

Status WriteListedTokenizer(const std::filesystem::path& directory,
                            const ListedTokenizer& tokenizer) {
  ARENA_ASSIGN_OR_RETURN(Json vocabulary, VocabularyJson(tokenizer));
  const Json names = SpecialNames(tokenizer);
  Json config = names;
  config["add_bos_token"] = false;
  config["add_prefix_space"] = false;
  config["clean_up_tokenization_spaces"] = false;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  config["chat_template"] = tokenizer.chat_template;
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(directory / "special_tokens_map.json", DumpJson(names, 2)));
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(directory / "tokenizer_config.json", DumpJson(config, 2)));
  return WriteFileAtomic(directory / "tokenizer.json",
                         DumpJson(TokenizerJson(tokenizer, std::move(vocabulary)), 0));
}

}  // namespace arena
