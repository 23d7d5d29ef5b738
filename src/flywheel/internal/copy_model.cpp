#include "flywheel/internal/copy_model.h"

#include <fmt/format.h>

#include <string>
#include <system_error>

#include "base/file.h"

namespace arena::flywheel_internal {

namespace fs = std::filesystem;

Status CopyModel(const fs::path& from, const fs::path& to) {
  const fs::path beside = to.string() + ".tmp";
  std::error_code error;
  fs::remove_all(beside, error);
  ARENA_RETURN_IF_ERROR(MakeFolder(beside));
  for (const fs::directory_entry& entry : fs::directory_iterator(from, error)) {
    if (!entry.is_regular_file()) continue;
    fs::copy_file(entry.path(), beside / entry.path().filename(), error);
    if (error) return IoError(fmt::format("{}: {}", entry.path().string(), error.message()));
  }
  fs::remove_all(to, error);
  fs::rename(beside, to, error);
  if (error) return IoError(fmt::format("{}: {}", to.string(), error.message()));
  return {};
}

}  // namespace arena::flywheel_internal
