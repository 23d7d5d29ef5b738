// Texts that are usually JSON, within JSON.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "base/json.h"

namespace arena::judge_internal {

/// The document that the text is, which is better read as such than as a string; or the string.
inline Json JsonOrText(const std::string& text) {
  auto json = ParseJson(text);
  return json.ok() ? std::move(*json) : Json(text);
}

}  // namespace arena::judge_internal
