#include "chat/recorded.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "base/json.h"
#include "text/reasoning.h"
#include "text/style_counts.h"

namespace arena {
namespace {

// The first user turn: what a file without ids names an instruction by.
std::string_view FirstPrompt(const Instruction& instruction) {
  for (const Message& message : instruction.conversation) {
    if (message.role == Role::kUser) return message.content;
  }
  return {};
}

// What the answer says and what it answers.
Key AnswerVersion(const RecordedAnswer& answer, std::size_t sample) {
  KeyBuilder builder("recorded answer");
  builder.Add(answer.instruction_id).Add(answer.prompt).Add(static_cast<std::int64_t>(sample));
  builder.Add(answer.reasoning);
  for (const std::string& turn : answer.turns) builder.Add(turn);
  return builder.Build();
}

void AppendReasoning(std::string& reasoning, std::string_view more) {
  if (!reasoning.empty() && !more.empty()) reasoning += "\n\n";
  reasoning += more;
}

std::string JoinTurns(const std::vector<std::string>& turns, std::size_t count) {
  std::string joined;
  for (std::size_t i = 0; i < count; ++i) {
    if (i > 0) joined += "\n\n";
    joined += turns[i];
  }
  return joined;
}

// Fills the texts of `answer` from the first `turns` turns of the record.
void FillTexts(const RecordedAnswer& recorded, std::size_t turns, Answer& answer) {
  answer.reasoning = recorded.reasoning;
  answer.finish_reason = recorded.finish_reason;
  answer.usage = recorded.usage;
  bool is_split = false;
  for (std::size_t i = 0; i < turns; ++i) {
    const SplitReply reply = SplitReasoning(recorded.turns[i]);
    is_split |= reply.answer.size() != recorded.turns[i].size();
    AppendReasoning(answer.reasoning, reply.reasoning);
    answer.turns.emplace_back(reply.answer);
    if (reply.is_cut) {
      answer.state = WorkState::kFailed;
      answer.failure = FailureKind::kLength;
      answer.error = "the recorded reply ends within its reasoning";
    }
  }
  if (is_split) answer.raw_reply = JoinTurns(recorded.turns, turns);
  answer.style = CountStyle(answer.text());
}

}  // namespace

RecordedContestant::RecordedContestant(const Options& options)
    : options_(options), model_(options.answers.model) {}

Result<std::unique_ptr<RecordedContestant>> RecordedContestant::Load(const Options& options) {
  std::unique_ptr<RecordedContestant> contestant(new RecordedContestant(options));
  std::set<std::string> models;
  auto report = ReadAnswers(options.format, options.file, options.answers,
                            [&](RecordedAnswer&& answer) -> Status {
                              constexpr std::size_t kNamed = 20;
                              if (models.size() < kNamed) models.insert(answer.model);
                              // With a second model this ends in an error: keep names only.
                              if (models.size() > 1) return {};
                              return contestant->Take(std::move(answer));
                            });
  if (!report.ok()) return Error(std::move(report).error());
  if (models.size() > 1) {
    return InvalidInput(fmt::format("{}: has answers of several models ({}); say whose with model",
                                    options.file.string(), fmt::join(models, ", ")));
  }
  if (models.empty()) {
    return InvalidInput(fmt::format("{}: has no answers", options.file.string()));
  }
  contestant->report_ = *std::move(report);
  contestant->model_ = *models.begin();
  contestant->SetBehaviour();
  return contestant;
}

Status RecordedContestant::Take(RecordedAnswer&& answer) {
  const Key id = HashBytes(answer.instruction_id);
  const Key prompt = HashBytes(answer.prompt);
  const bool has_id = !answer.instruction_id.empty();
  const auto found = has_id ? by_id_.find(id) : by_prompt_.find(prompt);
  if (found == (has_id ? by_id_.end() : by_prompt_.end())) {
    if (has_id) by_id_.emplace(id, answers_.size());
    // Where two ids share a prompt, whoever asks by prompt gets the first.
    if (!answer.prompt.empty()) by_prompt_.emplace(prompt, answers_.size());
    answers_.emplace_back().push_back(std::move(answer));
    return {};
  }
  Samples& samples = answers_[found->second];
  if (options_.format == AnswerFormat::kAlpacaEval) {
    const auto equal = [&](const RecordedAnswer& other) { return other.turns == answer.turns; };
    if (std::any_of(samples.begin(), samples.end(), equal)) return {};
  }
  samples.push_back(std::move(answer));
  return {};
}

void RecordedContestant::SetBehaviour() {
  std::vector<Key> versions;
  for (const Samples& samples : answers_) {
    for (std::size_t i = 0; i < samples.size(); ++i) {
      versions.push_back(AnswerVersion(samples[i], i));
    }
  }
  std::sort(versions.begin(), versions.end());
  KeyBuilder builder("recorded answers");
  for (const Key& version : versions) builder.Add(version);
  const Json behaviour = {
      {"kind", "recorded"}, {"model", model_}, {"version", builder.Build().Hex()}};
  contestant_ = {options_.name, options_.family, DumpJson(behaviour)};
  contestant_key_ = contestant_.key();
}

const RecordedContestant::Samples* RecordedContestant::Find(const Instruction& instruction) const {
  const bool by_id = !instruction.id.empty() && !by_id_.empty();
  const Index& index = by_id ? by_id_ : by_prompt_;
  const auto found =
      index.find(by_id ? HashBytes(instruction.id) : HashBytes(FirstPrompt(instruction)));
  return found == index.end() ? nullptr : &answers_[found->second];
}

std::string RecordedContestant::Name(const Instruction& instruction) const {
  if (!instruction.id.empty()) return fmt::format("instruction \"{}\"", instruction.id);
  if (!instruction.source.empty()) return fmt::format("the instruction at {}", instruction.source);
  return fmt::format("instruction {}", instruction.key.Hex());
}

Answer RecordedContestant::Missing(Answer answer, std::string error) const {
  answer.state = WorkState::kFailed;
  answer.failure = FailureKind::kMissing;
  answer.error = std::move(error);
  return answer;
}

Result<Answer> RecordedContestant::Respond(const Instruction& instruction, int sample) {
  Answer answer;
  answer.contestant = contestant_key_;
  answer.instruction = instruction.key;
  answer.sample = sample;
  answer.key = AnswerKey(contestant_key_, instruction.key, sample);
  const std::string file = options_.file.string();
  const Samples* samples = Find(instruction);
  if (samples == nullptr) {
    return Missing(std::move(answer), fmt::format("{}: has no answer of \"{}\" to {}", file, model_,
                                                  Name(instruction)));
  }
  if (sample < 0 || static_cast<std::size_t>(sample) >= samples->size()) {
    return Missing(std::move(answer),
                   fmt::format("{}: has {} answers of \"{}\" to {}, and number {} was asked for",
                               file, samples->size(), model_, Name(instruction), sample + 1));
  }
  const RecordedAnswer& recorded = (*samples)[static_cast<std::size_t>(sample)];
  const std::size_t turns = OpenTurns(instruction);
  if (recorded.turns.size() < turns) {
    return Missing(std::move(answer),
                   fmt::format("{}:{}: answers {} of the {} turns of {}", file, recorded.line,
                               recorded.turns.size(), turns, Name(instruction)));
  }
  FillTexts(recorded, turns, answer);
  return answer;
}

Coverage RecordedContestant::CheckCovers(std::span<const Instruction> instructions) const {
  constexpr std::size_t kExamples = 5;
  Coverage coverage;
  const auto note = [&](std::int64_t& count, std::string_view what, const Instruction& which) {
    ++count;
    if (coverage.examples.size() < kExamples) {
      coverage.examples.push_back(fmt::format("{}: {}", Name(which), what));
    }
  };
  for (const Instruction& instruction : instructions) {
    ++coverage.instructions;
    const Samples* samples = Find(instruction);
    if (samples == nullptr) {
      note(coverage.missing, "no answer", instruction);
    } else if (samples->front().turns.size() < OpenTurns(instruction)) {
      note(coverage.missing, "not all turns are answered", instruction);
    } else if (const std::string& prompt = samples->front().prompt;
               !prompt.empty() && prompt != FirstPrompt(instruction)) {
      note(coverage.prompt_differs, "the file has another prompt for this id", instruction);
    }
  }
  return coverage;
}

}  // namespace arena
