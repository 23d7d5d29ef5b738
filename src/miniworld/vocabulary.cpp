#include "miniworld/vocabulary.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include "checkpoint/new_model.h"
#include "miniworld/internal/tables.h"
#include "miniworld/task.h"
#include "text/listed_tokenizer.h"

namespace arena::mini {
namespace {

constexpr std::string_view kChatTemplate =
    "{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '<|user|> ' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ '<|assistant|>' + message['content'] + '<|end|>' }}"
    "{% else %}{{ raise_exception('the mini world knows user and assistant only') }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/// Collects tokens, each once, in the order of their first appearance.
class TokenList {
 public:
  void Add(std::string token) {
    if (seen_.insert(token).second) tokens_.push_back(std::move(token));
  }
  void AddWord(std::string_view word) { Add(" " + std::string(word)); }

  std::vector<std::string> Take() { return std::move(tokens_); }

 private:
  std::vector<std::string> tokens_;
  std::unordered_set<std::string> seen_;
};

void AddCharacters(TokenList& list) {
  for (char c = 'a'; c <= 'z'; ++c) list.Add(std::string(1, c));
  for (char c = 'A'; c <= 'Z'; ++c) list.Add(std::string(1, c));
  for (char c = '0'; c <= '9'; ++c) list.Add(std::string(1, c));
  for (const char c : {' ', ',', '-', '.'}) list.Add(std::string(1, c));
}

void AddWordings(TokenList& list) {
  for (const Family family : AllFamilies()) {
    for (const std::string_view wording : Wordings(family)) {
      for (std::size_t begin = 0; begin < wording.size();) {
        const std::size_t end = std::min(wording.find(' ', begin), wording.size());
        if (wording[begin] != '{') list.AddWord(wording.substr(begin, end - begin));
        begin = end + 1;
      }
    }
  }
}

void AddTables(TokenList& list) {
  for (const std::string_view word : internal::kOrdinals) list.AddWord(word);
  for (const std::string_view word : internal::kSizes) list.AddWord(word);
  for (const std::string_view word : internal::kDirections) list.AddWord(word);
  for (const std::string_view word : internal::kOperations) list.AddWord(word);
  for (const std::string_view word : internal::kManners) list.AddWord(word);
  for (const internal::Separator& separator : internal::kSeparators) list.AddWord(separator.name);
  for (const internal::Greeting& greeting : internal::kGreetings) {
    list.AddWord(greeting.manner);
    list.Add(std::string(greeting.word));
  }
  for (const internal::Conversion& unit : internal::kConversions) {
    list.AddWord(unit.from);
    list.AddWord(unit.to);
  }
  for (const internal::Fact& fact : internal::kFacts) {
    list.AddWord(fact.country);
    list.Add(std::string(fact.capital));
  }
  for (const std::string_view day : internal::kDays) {
    list.AddWord(day);
    list.Add(std::string(day));
  }
  for (const std::string_view noun : internal::kNouns) {
    list.AddWord(noun);
    list.Add(std::string(noun));
  }
}

std::vector<std::string> MakeVocabulary() {
  TokenList list;
  AddCharacters(list);
  AddWordings(list);
  AddTables(list);
  return list.Take();
}

}  // namespace

std::span<const std::string> Vocabulary() {
  static const std::vector<std::string> tokens = MakeVocabulary();
  return tokens;
}

bool IsWholeWord(std::string_view word) {
  static const std::unordered_set<std::string> words(Vocabulary().begin(), Vocabulary().end());
  return words.contains(" " + std::string(word));
}

Status WriteTokenizer(const std::filesystem::path& directory) {
  ListedTokenizer tokenizer;
  tokenizer.special = {"<|end|>", "<|unknown|>", "<|user|>", "<|assistant|>"};
  tokenizer.tokens.assign(Vocabulary().begin(), Vocabulary().end());
  tokenizer.whole_words = true;
  tokenizer.eos = tokenizer.pad = "<|end|>";
  tokenizer.unknown = "<|unknown|>";
  tokenizer.chat_template = kChatTemplate;
  return WriteListedTokenizer(directory, tokenizer);
}

Status WriteModel(const std::filesystem::path& directory, std::uint64_t seed) {
  constexpr std::int64_t kSpecialTokens = 4;
  // With the usual 0.02 so narrow a model needs about twice the steps to the same loss.
  constexpr double kDeviation = 0.06;
  ModelConfig config = ShapeConfig(ModelShape::kMini,
                                   kSpecialTokens + static_cast<std::int64_t>(Vocabulary().size()));
  config.eos_ids = {kEndId};
  config.pad_id = kEndId;
  config.dtype = DType::kF32;
  ARENA_RETURN_IF_ERROR(NewModel(config, seed, directory, kDeviation));
  return WriteTokenizer(directory);
}

}  // namespace arena::mini
