// The files behind a pool, as manifests name them.
#pragma once

#include <span>
#include <string>

#include "base/hash.h"
#include "base/json.h"

namespace arena {

/// A file that was read.
struct InputFile {
  std::string name;
  Key hash;  ///< of its bytes
};

/// [{"file", "xxh3_128"}, ...]
Json FilesJson(std::span<const InputFile> files);

}  // namespace arena
