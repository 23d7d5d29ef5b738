// Writing training data for other tools: one JSON object a line.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/conversation.h"

namespace arena {

/// What the data trains.
enum class TrainingKind {
  kSft,          ///< answers to learn
  kDpo,          ///< a chosen and a rejected answer to one prompt
  kRewardModel,  ///< the same, for a reward model
  kKto,          ///< single answers, each desirable or not
  kPpo,          ///< prompts only
};
/// "sft", "dpo", "rm", "kto", "ppo".
std::string_view TrainingKindName(TrainingKind kind);
std::optional<TrainingKind> ParseTrainingKind(std::string_view name);

/// Whether a row holds two answers.
bool IsPreference(TrainingKind kind);

/// Whose files the rows are. docs/formats/exports.md has the members of each.
enum class TrainerFormat {
  kMessages,      ///< OpenAI chat JSONL; kSft and kPpo only
  kShareGpt,      ///< `conversations` of `from` and `value`
  kAlpaca,        ///< `instruction`, `input`, `output`, `system`, `history`
  kTrl,           ///< TRL, conversational
  kTrlPlain,      ///< TRL, standard: plain text with "User:" and "Assistant:"
  kOpenRlhf,      ///< OpenRLHF with --apply_chat_template
  kLlamaFactory,  ///< LLaMA-Factory, beside a dataset_info.json
};
/// "messages", "sharegpt", "alpaca", "trl", "trl-plain", "openrlhf", "llama-factory".
std::string_view TrainerFormatName(TrainerFormat format);
std::optional<TrainerFormat> ParseTrainerFormat(std::string_view name);

/// What the native trainer and TRL both read: kMessages for kSft, kTrl for the others.
TrainerFormat DefaultTrainerFormat(TrainingKind kind);

/// An error where the format has no rows of the kind.
Status CheckTrainerFormat(TrainerFormat format, TrainingKind kind);

/// One row before it is written.
struct TrainingExample {
  Conversation prompt;   ///< ends with what the user asks
  std::string answer;    ///< to learn; of a preference the chosen one; kKto: the labelled one
  std::string rejected;  ///< of a preference
  /// The rejected answer reached its limit of tokens: no trainer may learn an end after it.
  bool is_rejected_cut = false;
  double margin = 0;         ///< of a preference: mean score of the chosen minus of the rejected
  bool is_desirable = true;  ///< kKto
};

/// Whether the format can say a conversation with this prompt. Alpaca, ShareGPT and LLaMA-Factory
/// take an optional system prompt first, then user and assistant in turns; the others take any.
bool CanHold(TrainerFormat format, const Conversation& prompt);

/// Whether rows of the format can say that an answer was cut off, as "cut": true in its message.
bool CanSayCut(TrainerFormat format);

/// The row as one line of JSON, without a line end. Bytes that are not UTF-8 become U+FFFD. The
/// format must have rows of the kind and be able to hold the prompt.
std::string TrainingLine(TrainerFormat format, TrainingKind kind, const TrainingExample& example);

/// The text of a dataset_info.json for LLaMA-Factory with the dataset `name` in the file
/// `file_name`; `existing` is the text of the file that is there already, whose other datasets
/// stay. Error: `existing` is not a JSON object.
Result<std::string> LlamaFactoryDatasetInfo(std::string_view existing, std::string_view name,
                                            std::string_view file_name, TrainingKind kind);

}  // namespace arena
