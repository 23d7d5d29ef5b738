// The mini world as files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "miniworld/task.h"

namespace arena::mini {

struct WorldOptions {
  std::uint64_t seed = 1;
  std::size_t train = 48400;  ///< instructions
  std::size_t dev = 1024;
  std::size_t test = 1024;
  std::vector<Family> families;  ///< not empty, none twice
  double scale = 1;              ///< of the training sets' numbers of examples; >= 0, 0: none
};

/// One file that was written.
struct WrittenFile {
  std::string name;  ///< relative to the directory
  std::size_t rows = 0;
  std::vector<std::pair<Family, std::size_t>> rows_by_family;
};

/// Writes into `directory`, which is made if need be and must hold none of it yet:
///   train.jsonl, dev.jsonl, test.jsonl   instructions (`prompt`, `reference`, `category`, `id`,
///                                        `tags`)
///   data/NAME.jsonl                      OpenAI messages, for each of TrainingSets()
///   model/                               random weights, tokenizer and chat template
///   mini.json                            seed, families and the files above
/// The same options give the same bytes. docs/formats/mini-world.md has the details. On an error
/// files may be left behind.
Result<std::vector<WrittenFile>> WriteWorld(const WorldOptions& options,
                                            const std::filesystem::path& directory);

}  // namespace arena::mini
