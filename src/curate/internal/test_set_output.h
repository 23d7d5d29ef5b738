// The files of a test set.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/pool_item.h"
#include "curate/test_set_build.h"

namespace arena {

/// A chosen item with all that its row says.
struct ChosenItem {
  const PoolItem* item = nullptr;
  bool is_hard = false;
  std::uint32_t cluster = 0;
  std::string label;  ///< of its cluster
  std::optional<double> rating;
};

/// The category that the item's row gets.
std::string CategoryOf(const ChosenItem& chosen, TestCategory category);

/// diverse.jsonl, hard.jsonl and mix.jsonl; each appears whole. `chosen`: diverse items first.
Status WriteTestSets(const TestSetInputs& inputs, const TestSetSettings& settings,
                     const std::vector<ChosenItem>& chosen, const std::filesystem::path& out);

/// manifest.json, last of all.
Status WriteTestSetManifest(const TestSetInputs& inputs, const TestSetSettings& settings,
                            const TestSetReport& report, const std::filesystem::path& out);

}  // namespace arena
