// The rules of DESIGN's layers and of the house style, as functions from a file's text to what is
// wrong with it. Pure, so that style_test.cpp can show that each of them can fail.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace arena::style {

struct SourceFile {
  std::string path;  ///< relative to the root of the repository, with '/'
  std::string text;
};

/// Each problem says where it is, what is wrong and why it matters.
using Problems = std::vector<std::string>;

struct Include {
  std::string path;
  bool quoted = false;  ///< "x", and not <x>
  int line = 0;
};
std::vector<Include> Includes(std::string_view text);

/// Files under src/: includes go to lower layers only, are named from src/, leave other folders'
/// internal/ alone, and bring in outside libraries only where they belong.
Problems IncludeProblems(const SourceFile& file);

/// Sources: length, `#pragma once` in headers.
Problems ShapeProblems(const SourceFile& file);

/// Any text: marks of unfinished work, paths of one person's machine, tabs.
Problems WordingProblems(const SourceFile& file);

/// Whether the style rules read this file at all, and as C++.
bool IsText(std::string_view path);
bool IsCpp(std::string_view path);

}  // namespace arena::style
