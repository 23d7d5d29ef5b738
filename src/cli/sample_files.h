// The files of examples/small, built into the program for `arena init`.
#pragma once

#include <span>
#include <string_view>

namespace arena {

struct SampleFile {
  std::string_view name;  ///< relative path
  std::string_view content;
};

std::span<const SampleFile> SampleFiles();

}  // namespace arena
