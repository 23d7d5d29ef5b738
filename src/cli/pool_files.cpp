#include "cli/pool_files.h"

#include <fmt/format.h>

#include <utility>

#include "base/file.h"
#include "base/interrupt.h"

namespace arena {

Result<PoolFiles> PoolFiles::Find(const std::vector<std::filesystem::path>& inputs,
                                  const PoolReadOptions& options) {
  ARENA_ASSIGN_OR_RETURN(std::vector<std::filesystem::path> files, ListPoolFiles(inputs));
  return PoolFiles(std::move(files), options);
}

Status PoolFiles::Read(PoolSink sink) {
  auto report = ReadPool(files_, options_, [&](const PoolItem& item) -> Status {
    if (Interrupted()) {
      return Cancelled("interrupted; run the same command again to finish it");
    }
    return sink(item);
  });
  if (!report.ok()) return report.error();
  report_ = *std::move(report);
  return {};
}

PoolSource PoolFiles::Source() {
  return [this](PoolSink sink) { return Read(sink); };
}

Result<std::vector<InputFile>> PoolFiles::Hashes() const {
  std::vector<InputFile> hashed;
  for (const std::filesystem::path& file : files_) {
    ARENA_ASSIGN_OR_RETURN(const Key hash, HashFile(file));
    hashed.push_back({file.string(), hash});
  }
  return hashed;
}

std::string PoolFiles::PlaceOf(const PoolItem& item) const {
  return fmt::format("{}:{}", files_[item.file].string(), item.line);
}

void PrintProblems(const ReadReport& report) {
  for (const std::string& problem : report.problems) fmt::print(stderr, "{}\n", problem);
}

}  // namespace arena
