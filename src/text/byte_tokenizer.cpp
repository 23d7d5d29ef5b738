#include "text/byte_tokenizer.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "text/internal/byte_alphabet.h"

namespace arena {
namespace {

constexpr std::size_t kLargestByteVocabulary = std::size_t{1} << 20;
constexpr std::array<std::string_view, 3> kSpecial = {"<|endoftext|>", "<|im_start|>",
                                                      "<|im_end|>"};
constexpr std::string_view kChatTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] "
    "+ '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ "
    "'<|im_start|>assistant\\n' }}{% endif %}";

Json AddedTokens() {
  Json added = Json::array();
  for (const std::string_view content : kSpecial) {
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

Json Vocabulary(std::size_t size) {
  // Json's own emplace looks at every member: quadratic in the size of a vocabulary.
  Json::object_t tokens;
  Json::object_t::Container& list = tokens;
  const auto add = [&list](std::string token) { list.emplace_back(std::move(token), list.size()); };
  for (const std::string_view content : kSpecial) add(std::string(content));
  for (unsigned byte = 0; byte < 256; ++byte) {
    add(std::string(AlphabetCharacter(static_cast<std::uint8_t>(byte))));
  }
  while (list.size() < size) add(fmt::format("<|filler_{}|>", list.size()));
  return tokens;
}

Json TokenizerJson(std::size_t size) {
  const Json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", false},
                           {"trim_offsets", true},
                           {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", AddedTokens()},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", nullptr},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", nullptr},
            {"end_of_word_suffix", nullptr},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", Vocabulary(size)},
            {"merges", Json::array()}}}};
}

}  // namespace

Status WriteByteTokenizer(const std::filesystem::path& directory, std::size_t vocabulary_size) {
  if (vocabulary_size < kSmallestByteVocabulary || vocabulary_size > kLargestByteVocabulary) {
    return InvalidInput(fmt::format("a byte tokenizer has from {} to {} tokens, and not {}",
                                    kSmallestByteVocabulary, kLargestByteVocabulary,
                                    vocabulary_size));
  }
  const Json names = {{"bos_token", kSpecial[0]},
                      {"eos_token", kSpecial[2]},
                      {"unk_token", kSpecial[0]},
                      {"pad_token", kSpecial[2]}};
  Json config = names;
  config["add_bos_token"] = false;
  config["add_prefix_space"] = false;
  config["clean_up_tokenization_spaces"] = false;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  config["chat_template"] = kChatTemplate;
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(directory / "special_tokens_map.json", DumpJson(names, 2)));
  ARENA_RETURN_IF_ERROR(WriteFileAtomic(directory / "tokenizer_config.json", DumpJson(config, 2)));
  return WriteFileAtomic(directory / "tokenizer.json", DumpJson(TokenizerJson(vocabulary_size), 0));
}

}  // namespace arena
