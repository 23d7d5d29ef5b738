#include "text/train_sentencepiece.h"

#include <fmt/format.h>
#include <sentencepiece_trainer.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "base/file.h"
#include "text/internal/utf8.h"

namespace arena {
namespace {

// The library skips longer sentences.
constexpr std::size_t kMaxSentenceBytes = 4000;
constexpr std::size_t kSmallest = 300;
constexpr std::size_t kLargestVocabulary = 1'000'000;

/// Cuts texts into lines of valid UTF-8 and long lines into parts. Borrows the texts.
std::vector<std::string> Sentences(std::span<const std::string> texts) {
  std::vector<std::string> sentences;
  std::string sentence;
  const auto finish = [&] {
    if (!sentence.empty()) sentences.push_back(std::move(sentence));
    sentence.clear();
  };
  for (const std::string& text : texts) {
    for (std::size_t at = 0; at < text.size();) {
      const Utf8Character c = CharacterAt(text, at);
      const bool kept = c.valid && c.code_point != 0;
      if (!kept || c.code_point == '\n' || sentence.size() + c.size > kMaxSentenceBytes) finish();
      if (kept && c.code_point != '\n') sentence.append(text, at, c.size);
      at += c.size;
    }
    finish();
  }
  return sentences;
}

class SentenceList final : public sentencepiece::SentenceIterator {
 public:
  explicit SentenceList(const std::vector<std::string>& sentences) : sentences_(sentences) {}
  bool done() const override { return at_ == sentences_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return sentences_[at_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& sentences_;
  std::size_t at_ = 0;
};

Result<std::string> JoinControl(const std::vector<std::string>& control) {
  std::string joined;
  for (const std::string& piece : control) {
    if (piece.empty() || piece.find_first_of(",\n\t ") != std::string::npos) {
      return InvalidInput(fmt::format(
          "a control piece must be text without white space and commas, and \"{}\" is not", piece));
    }
    if (!joined.empty()) joined += ',';
    joined += piece;
  }
  return joined;
}

}  // namespace

Status TrainSentencePiece(const SentencePieceOptions& options, std::span<const std::string> texts,
                          const std::filesystem::path& path) {
  if (options.vocabulary_size < kSmallest || options.vocabulary_size > kLargestVocabulary) {
    return InvalidInput(fmt::format("the vocabulary's size must be from {} to {}, and {} is not",
                                    kSmallest, kLargestVocabulary, options.vocabulary_size));
  }
  const std::vector<std::string> sentences = Sentences(texts);
  if (sentences.empty()) return InvalidInput("there is no text to train a tokenizer on");
  ARENA_ASSIGN_OR_RETURN(const std::string control, JoinControl(options.control));
  const std::unordered_map<std::string, std::string> settings = {
      {"model_type", options.unigram ? "unigram" : "bpe"},
      {"vocab_size", std::to_string(options.vocabulary_size)},
      {"control_symbols", control},
      {"byte_fallback", "true"},
      {"normalization_rule_name", "identity"},
      {"remove_extra_whitespaces", "false"},
      {"add_dummy_prefix", "false"},
      {"hard_vocab_limit", "false"},
      {"split_digits", "true"},
      {"allow_whitespace_only_pieces", "true"},
      {"num_threads", "1"},  // the same result every time
      {"minloglevel", "2"},
  };
  SentenceList list(sentences);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(settings, &list, &model);
  if (!status.ok()) {
    return InvalidInput(fmt::format("the tokenizer cannot be trained: {}", status.ToString()));
  }
  return WriteFileAtomic(path, model);
}

}  // namespace arena
