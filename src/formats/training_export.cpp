#include "formats/training_export.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "formats/internal/training_writers.h"

namespace arena {
namespace {

constexpr std::array<std::pair<TrainingKind, std::string_view>, 5> kKinds = {{
    {TrainingKind::kSft, "sft"},
    {TrainingKind::kDpo, "dpo"},
    {TrainingKind::kRewardModel, "rm"},
    {TrainingKind::kKto, "kto"},
    {TrainingKind::kPpo, "ppo"},
}};

constexpr std::array<std::pair<TrainerFormat, std::string_view>, 7> kTrainerFormats = {{
    {TrainerFormat::kMessages, "messages"},
    {TrainerFormat::kShareGpt, "sharegpt"},
    {TrainerFormat::kAlpaca, "alpaca"},
    {TrainerFormat::kTrl, "trl"},
    {TrainerFormat::kTrlPlain, "trl-plain"},
    {TrainerFormat::kOpenRlhf, "openrlhf"},
    {TrainerFormat::kLlamaFactory, "llama-factory"},
}};

template <typename Table, typename Value>
std::string_view NameIn(const Table& table, Value wanted) {
  for (const auto& [value, name] : table) {
    if (value == wanted) return name;
  }
  return "";
}

template <typename Value, std::size_t N>
std::optional<Value> FindIn(const std::array<std::pair<Value, std::string_view>, N>& table,
                            std::string_view wanted) {
  for (const auto& [value, name] : table) {
    if (name == wanted) return value;
  }
  return std::nullopt;
}

bool HasSystemPrompt(const Conversation& prompt) {
  return !prompt.empty() && prompt.front().role == Role::kSystem;
}

Json RowOf(TrainerFormat format, TrainingKind kind, const TrainingExample& example) {
  switch (format) {
    case TrainerFormat::kMessages:
      return MessagesRow(kind, example);
    case TrainerFormat::kShareGpt:
      return ShareGptRow(kind, example);
    case TrainerFormat::kAlpaca:
      return AlpacaRow(kind, example);
    case TrainerFormat::kTrl:
      return TrlRow(kind, example);
    case TrainerFormat::kTrlPlain:
      return TrlPlainRow(kind, example);
    case TrainerFormat::kOpenRlhf:
      return OpenRlhfRow(kind, example);
    case TrainerFormat::kLlamaFactory:
      return LlamaFactoryRow(kind, example);
  }
  return {};
}

}  // namespace

std::string_view TrainingKindName(TrainingKind kind) { return NameIn(kKinds, kind); }
std::optional<TrainingKind> ParseTrainingKind(std::string_view name) {
  return FindIn(kKinds, name);
}

bool IsPreference(TrainingKind kind) {
  return kind == TrainingKind::kDpo || kind == TrainingKind::kRewardModel;
}

std::string_view TrainerFormatName(TrainerFormat format) { return NameIn(kTrainerFormats, format); }
std::optional<TrainerFormat> ParseTrainerFormat(std::string_view name) {
  return FindIn(kTrainerFormats, name);
}

TrainerFormat DefaultTrainerFormat(TrainingKind kind) {
  return kind == TrainingKind::kSft ? TrainerFormat::kMessages : TrainerFormat::kTrl;
}

Status CheckTrainerFormat(TrainerFormat format, TrainingKind kind) {
  const bool one_conversation = kind == TrainingKind::kSft || kind == TrainingKind::kPpo;
  if (format != TrainerFormat::kMessages || one_conversation) return {};
  return InvalidInput(
      fmt::format("the format messages has one conversation a row and cannot say {} data; use trl, "
                  "trl-plain, openrlhf, llama-factory, sharegpt or alpaca",
                  TrainingKindName(kind)));
}

bool CanHold(TrainerFormat format, const Conversation& prompt) {
  switch (format) {
    case TrainerFormat::kMessages:
    case TrainerFormat::kTrl:
    case TrainerFormat::kTrlPlain:
    case TrainerFormat::kOpenRlhf:
      return true;
    case TrainerFormat::kShareGpt:
    case TrainerFormat::kAlpaca:
    case TrainerFormat::kLlamaFactory:
      break;
  }
  Role expected = Role::kUser;
  for (const Message& message : WithoutSystemPrompt(prompt)) {
    if (message.role != expected) return false;
    expected = expected == Role::kUser ? Role::kAssistant : Role::kUser;
  }
  return expected == Role::kAssistant;  // the user spoke last
}

bool CanSayCut(TrainerFormat format) {
  return format == TrainerFormat::kTrl || format == TrainerFormat::kOpenRlhf;
}

std::string TrainingLine(TrainerFormat format, TrainingKind kind, const TrainingExample& example) {
  return DumpJson(RowOf(format, kind, example));
}

Json AssistantTurn(const std::string& text) {
  Json turn = Json::array();
  turn.push_back({{"role", "assistant"}, {"content", text}});
  return turn;
}

Json RejectedTurn(const TrainingExample& example) {
  Json turn = AssistantTurn(example.rejected);
  if (example.is_rejected_cut) turn.back()["cut"] = true;
  return turn;
}

Conversation Answered(const Conversation& prompt, const std::string& answer) {
  Conversation whole = prompt;
  whole.push_back({Role::kAssistant, answer});
  return whole;
}

std::string SystemPrompt(const Conversation& prompt) {
  return HasSystemPrompt(prompt) ? prompt.front().content : std::string();
}

Conversation WithoutSystemPrompt(const Conversation& prompt) {
  return {prompt.begin() + (HasSystemPrompt(prompt) ? 1 : 0), prompt.end()};
}

}  // namespace arena
