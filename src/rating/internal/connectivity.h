// Who can be compared with whom: connected components, and separation within them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rating/internal/board_building.h"

namespace arena::rating_internal {

struct Connectivity {
  /// Contestants of different components never met, not even through others. Numbered from 0 in
  /// canonical order of their first contestant.
  std::vector<std::uint32_t> component;
  std::uint32_t components = 0;
  /// Strong components of the graph "took a share from"; within a component the maximum of the
  /// likelihood is finite if and only if there is one of them (Ford 1957).
  std::vector<std::uint32_t> strong;
  std::uint32_t strong_components = 0;
  /// Per contestant: took everything from everyone, or nothing from anyone.
  std::vector<bool> one_sided;
};

Connectivity FindConnectivity(const Canonical& canonical);

/// One warning per trouble: groups that never met, contestants that won or lost everything, groups
/// that never lost to the rest.
std::vector<std::string> ConnectivityWarnings(const Canonical& canonical,
                                              const Connectivity& connectivity);

}  // namespace arena::rating_internal
