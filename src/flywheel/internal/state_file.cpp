#include "flywheel/internal/state_file.h"

#include <fmt/format.h>

#include <utility>

#include "base/file.h"

namespace arena::flywheel_internal {

Result<std::unique_ptr<StateFile>> StateFile::Open(const std::filesystem::path& folder,
                                                   const std::string& stage) {
  std::unique_ptr<StateFile> state(new StateFile(folder / (stage + ".json"), stage));
  if (!std::filesystem::exists(state->path_)) return state;
  ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(state->path_));
  auto json = ParseJson(text);
  if (!json.ok() || !json->is_object() || !json->contains("parts") ||
      !json->at("parts").is_object()) {
    return InvalidInput(
        fmt::format("{}: is damaged; remove it, and the stage goes through its parts again",
                    state->path_.string()));
  }
  state->parts_ = json->at("parts");
  return state;
}

bool StateFile::IsDone(const std::string& part) const {
  const std::lock_guard lock(mutex_);
  return parts_.contains(part);
}

Json StateFile::Facts(const std::string& part) const {
  const std::lock_guard lock(mutex_);
  return parts_.contains(part) ? parts_.at(part) : Json();
}

Json StateFile::Parts() const {
  const std::lock_guard lock(mutex_);
  return parts_;
}

Status StateFile::Finish(const std::string& part, Json facts) {
  const std::lock_guard lock(mutex_);
  parts_[part] = std::move(facts);
  const Json json = {{"stage", stage_}, {"parts", parts_}};
  return WriteFileAtomic(path_, DumpJson(json, 2) + "\n");
}

}  // namespace arena::flywheel_internal
