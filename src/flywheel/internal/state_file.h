// What of a stage is finished, as a file.
#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace arena::flywheel_internal {

/// FOLDER/STAGE.json: {"stage": NAME, "parts": {PART: FACTS, ...}}, parts in the order in which
/// they were finished. Thread-safe.
class StateFile {
 public:
  /// Reads what is there; a file that is not is a stage without parts. Error: a damaged file.
  static Result<std::unique_ptr<StateFile>> Open(const std::filesystem::path& folder,
                                                 const std::string& stage);

  bool IsDone(const std::string& part) const;
  /// What Finish was given; null where the part is not done.
  Json Facts(const std::string& part) const;
  /// All parts: an object.
  Json Parts() const;
  /// Durable when it returns.
  Status Finish(const std::string& part, Json facts);

 private:
  StateFile(std::filesystem::path path, std::string stage)
      : path_(std::move(path)), stage_(std::move(stage)) {}

  const std::filesystem::path path_;
  const std::string stage_;
  mutable std::mutex mutex_;
  Json parts_ = Json::object();  // guarded by mutex_
};

}  // namespace arena::flywheel_internal
