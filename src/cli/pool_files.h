// The files of a pool, for the commands that work on one.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/pool_item.h"
#include "curate/input_file.h"
#include "formats/pool.h"

namespace arena {

/// A pool of files, read again for every pass. Not thread-safe.
class PoolFiles {
 public:
  /// Finds the files. Errors: those of ListPoolFiles.
  static Result<PoolFiles> Find(const std::vector<std::filesystem::path>& inputs,
                                const PoolReadOptions& options);

  /// Streams all items. Ctrl-C ends it with kCancelled.
  Status Read(PoolSink sink);
  /// The same as a source that is valid as long as this object.
  PoolSource Source();

  /// Names and hashes. Error: a file that cannot be read.
  Result<std::vector<InputFile>> Hashes() const;
  /// "FILE:LINE"
  std::string PlaceOf(const PoolItem& item) const;
  const std::vector<std::filesystem::path>& files() const { return files_; }
  /// Of the last reading.
  const ReadReport& report() const { return report_; }

 private:
  PoolFiles(std::vector<std::filesystem::path> files, PoolReadOptions options)
      : files_(std::move(files)), options_(std::move(options)) {}

  std::vector<std::filesystem::path> files_;
  PoolReadOptions options_;
  ReadReport report_;
};

/// Prints what is wrong with rows that were left out.
void PrintProblems(const ReadReport& report);

}  // namespace arena
