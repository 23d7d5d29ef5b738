#include "text/byte_tokenizer.h"

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "text/listed_tokenizer.h"

namespace arena {
namespace {

constexpr std::size_t kLargestByteVocabulary = std::size_t{1} << 20;
constexpr std::string_view kChatTemplate =
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] "
    "+ '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ "
    "'<|im_start|>assistant\\n' }}{% endif %}";

}  // namespace

Status WriteByteTokenizer(const std::filesystem::path& directory, std::size_t vocabulary_size) {
  if (vocabulary_size < kSmallestByteVocabulary || vocabulary_size > kLargestByteVocabulary) {
    return InvalidInput(fmt::format("a byte tokenizer has from {} to {} tokens, and not {}",
                                    kSmallestByteVocabulary, kLargestByteVocabulary,
                                    vocabulary_size));
  }
  ListedTokenizer tokenizer;
  tokenizer.special = {"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  for (int byte = 0; byte < 256; ++byte) {
    tokenizer.tokens.emplace_back(1, static_cast<char>(byte));
  }
  for (std::size_t id = kSmallestByteVocabulary; id < vocabulary_size; ++id) {
    tokenizer.tokens.push_back(fmt::format("<|filler_{}|>", id));
  }
  tokenizer.bos = tokenizer.unknown = "<|endoftext|>";
  tokenizer.eos = tokenizer.pad = "<|im_end|>";
  tokenizer.chat_template = kChatTemplate;
  return WriteListedTokenizer(directory, tokenizer);
}

}  // namespace arena
