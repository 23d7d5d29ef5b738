#include "base/json.h"

#include <nlohmann/json.hpp>

namespace arena {

Result<Json> ParseJson(std::string_view text) {
  try {
    return Json::parse(text);
  } catch (const Json::exception& e) {
    return InvalidInput(std::string("not valid JSON: ") + e.what());
  }
}

std::string DumpJson(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace arena
