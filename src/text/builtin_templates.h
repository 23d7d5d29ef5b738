// The chat templates that need no file.
#pragma once

#include <span>
#include <string_view>

namespace arena {

struct BuiltinTemplate {
  std::string_view name;
  std::string_view bos, eos;
  std::string_view stop[2];  ///< empty: none
  std::string_view source;   ///< Jinja
};

/// In the order of their names.
std::span<const BuiltinTemplate> BuiltinTemplates();

}  // namespace arena
