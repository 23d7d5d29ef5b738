#include "judge/verdict_schema.h"

#include <nlohmann/json.hpp>

namespace arena {
namespace {

Json Score() { return {{"type", "number"}, {"minimum", kLowestScore}, {"maximum", kHighestScore}}; }

Json OneOf(Json names) { return {{"type", "string"}, {"enum", std::move(names)}}; }

}  // namespace

Json VerdictSchema(VerdictForm form) {
  Json properties = {{"explanation", {{"type", "string"}}}};
  switch (form) {
    case VerdictForm::kPairScores:
      properties["score_a"] = Score();
      properties["score_b"] = Score();
      break;
    case VerdictForm::kPairVerdict:
      properties["verdict"] = OneOf({"A", "B", "C"});
      break;
    case VerdictForm::kPairGrades:
      properties["verdict"] = OneOf({"A>>B", "A>B", "A=B", "B>A", "B>>A"});
      break;
    case VerdictForm::kSingleScore:
      properties["score"] = Score();
      break;
  }
  Json required = Json::array();
  for (const auto& [name, ignored] : properties.items()) required.push_back(name);
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"required", std::move(required)},
          {"additionalProperties", false}};
}

}  // namespace arena
