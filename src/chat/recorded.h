// A contestant whose answers were recorded earlier, by whatever tool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "core/contestant.h"
#include "core/conversation.h"
#include "formats/answers.h"

namespace arena {

/// How well a file of answers fits a set of instructions.
struct Coverage {
  std::int64_t instructions = 0;
  std::int64_t missing = 0;  ///< without a complete answer
  /// Found by id although the file has another prompt for that id: perhaps another question.
  std::int64_t prompt_differs = 0;
  std::vector<std::string> examples;  ///< the first five of both kinds, each with what is wrong
};

/// Answers from a file. An answer is found by the instruction's id where both have one, else by the
/// instruction's first user turn. Answers of the file to the same instruction are its samples, in
/// the order of the file (AlpacaEval, whose files repeat a baseline's answers: equal ones are one).
/// Immutable after Load: all calls are thread-safe. The answers of this one model are kept in
/// memory, about the size of their texts; other models of the file are not.
class RecordedContestant final : public ChatModel {
 public:
  struct Options {
    std::string name;    ///< in boards
    std::string family;  ///< empty: none
    AnswerFormat format = AnswerFormat::kJsonl;
    std::filesystem::path file;
    /// `answers.model` empty: the file must have the answers of one model only.
    AnswerOptions answers;
  };

  /// Reads the file. Errors: those of ReadAnswers, a file of several models without the name of
  /// one, a file without answers.
  static Result<std::unique_ptr<RecordedContestant>> Load(const Options& options);

  /// Its behaviour is {"kind":"recorded","model":...,"version":...}; the version hashes every
  /// answer with what it answers, whatever their order, so an edited file is another version.
  const Contestant& contestant() const override { return contestant_; }

  /// The answer is kFailed with kMissing where the file has none, or too few turns or samples, and
  /// with kLength where its reasoning was cut off. Where the recorded answer has more turns than
  /// the instruction asks for, the first ones count. A leading `<think>` block goes to reasoning.
  Result<Answer> Respond(const Instruction& instruction, int sample) override;

  /// Which of the instructions have no first sample.
  Coverage CheckCovers(std::span<const Instruction> instructions) const;

  /// What reading the file said.
  const ReadReport& report() const { return report_; }

 private:
  using Samples = std::vector<RecordedAnswer>;
  using Index = std::unordered_map<Key, std::size_t, KeyHash>;

  explicit RecordedContestant(const Options& options);
  Status Take(RecordedAnswer&& answer);
  void SetBehaviour();
  /// The samples for an instruction; nullptr: none.
  const Samples* Find(const Instruction& instruction) const;
  std::string Name(const Instruction& instruction) const;
  Answer Missing(Answer answer, std::string error) const;

  // Constant after Load.
  Options options_;
  std::string model_;
  Contestant contestant_;
  Key contestant_key_;
  ReadReport report_;
  std::vector<Samples> answers_;
  Index by_id_;
  Index by_prompt_;
};

}  // namespace arena
