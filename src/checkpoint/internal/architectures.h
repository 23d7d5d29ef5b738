// The facts of each architecture that its configuration does not state.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/config.h"

namespace arena::internal {

struct ArchitectureFact {
  Architecture architecture;
  std::string_view name;        ///< in `architectures`
  std::string_view model_type;  ///< in `model_type`
  /// What transformers takes where config.json is silent.
  std::int64_t default_max_position_embeddings;
};

std::span<const ArchitectureFact> Architectures();
const ArchitectureFact& FactOf(Architecture architecture);

struct RopeKindFact {
  RopeKind kind;
  std::string_view name;
};

std::span<const RopeKindFact> RopeKinds();

}  // namespace arena::internal
