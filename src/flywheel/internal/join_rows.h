// Files of JSON lines as one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace arena::flywheel_internal {

/// Writes the rows of the files, in their order, to `whole`; a last line without its end gets one.
inline Status JoinRows(const std::vector<std::filesystem::path>& parts,
                       const std::filesystem::path& whole) {
  std::string text;
  for (const std::filesystem::path& part : parts) {
    ARENA_ASSIGN_OR_RETURN(const std::string rows, ReadFile(part));
    text += rows;
    if (!text.empty() && text.back() != '\n') text += '\n';
  }
  return WriteFileAtomic(whole, text);
}

}  // namespace arena::flywheel_internal
