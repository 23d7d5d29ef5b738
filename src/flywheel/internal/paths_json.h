// Paths within JSON.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json.h"

namespace arena::flywheel_internal {

inline Json PathsJson(const std::vector<std::filesystem::path>& paths) {
  Json json = Json::array();
  for (const std::filesystem::path& path : paths) json.push_back(path.string());
  return json;
}

}  // namespace arena::flywheel_internal
