#include "checkpoint/internal/architectures.h"

#include <array>

namespace arena {
namespace internal {
namespace {

// In the order of the enumerations.
constexpr std::array<ArchitectureFact, 5> kArchitectures = {{
    {Architecture::kLlama, "LlamaForCausalLM", "llama", 2048},
    {Architecture::kMistral, "MistralForCausalLM", "mistral", 131072},
    {Architecture::kQwen2, "Qwen2ForCausalLM", "qwen2", 32768},
    {Architecture::kQwen3, "Qwen3ForCausalLM", "qwen3", 32768},
    {Architecture::kLlamaSequenceClassification, "LlamaForSequenceClassification", "llama", 2048},
}};

constexpr std::array<RopeKindFact, 5> kRopeKinds = {{
    {RopeKind::kPlain, "default"},
    {RopeKind::kLinear, "linear"},
    {RopeKind::kDynamic, "dynamic"},
    {RopeKind::kYarn, "yarn"},
    {RopeKind::kLlama3, "llama3"},
}};

}  // namespace

std::span<const ArchitectureFact> Architectures() { return kArchitectures; }

const ArchitectureFact& FactOf(Architecture architecture) {
  return kArchitectures[static_cast<std::size_t>(architecture)];
}

std::span<const RopeKindFact> RopeKinds() { return kRopeKinds; }

}  // namespace internal

std::string_view ArchitectureName(Architecture architecture) {
  return internal::FactOf(architecture).name;
}

std::string_view RopeKindName(RopeKind kind) {
  return internal::RopeKinds()[static_cast<std::size_t>(kind)].name;
}

}  // namespace arena
