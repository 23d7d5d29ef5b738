// Reading a raw pool of instructions: any mix of files that people keep conversations in.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/pool_item.h"
#include "formats/byte_stream.h"
#include "formats/reading.h"

namespace arena {

/// The files behind `inputs`: a file stands for itself, a directory for all files of known kinds
/// below it, sorted by path. The kind follows from the name, a .gz or .zst at its end aside:
/// .jsonl, .ndjson and .json; .csv and .tsv; .txt. Errors: NotFound; a file of another kind that
/// was named itself; a directory without any.
Result<std::vector<std::filesystem::path>> ListPoolFiles(
    std::span<const std::filesystem::path> inputs);

struct PoolReadOptions {
  ReadOptions rows;
  std::string score_column = "score";  ///< the member or column that becomes PoolItem::score
};

/// Streams the items of the files, in order, to `sink`. Rows of JSON and CSV are told apart one by
/// one, as docs/formats/pools.md says; in plain text every line that is not blank is an item.
/// Errors: a row that is not valid (skipped and counted with skip_bad_rows), what `sink` returns,
/// those of the files. Thread-safe.
Result<ReadReport> ReadPool(std::span<const std::filesystem::path> files,
                            const PoolReadOptions& options, PoolSink sink);

/// The same for one file or bytes in memory; the kind follows from the source's name.
Result<ReadReport> ReadPoolSource(const InputSource& source, std::uint32_t file,
                                  const PoolReadOptions& options, PoolSink sink);

}  // namespace arena
