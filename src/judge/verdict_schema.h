// What a judge's JSON reply must look like, for endpoints that hold a model to a schema.
#pragma once

#include "base/json.h"
#include "judge/verdict_form.h"

namespace arena {

/// A JSON schema of the object that the built-in templates ask for with `json`: an explanation
/// first, then "score_a" and "score_b", "verdict" or "score". Every member is required and no other
/// allowed, as strict modes want it.
Json VerdictSchema(VerdictForm form);

}  // namespace arena
