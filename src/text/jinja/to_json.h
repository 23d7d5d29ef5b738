// Values as JSON.
#pragma once

#include "base/result.h"
#include "text/jinja/arguments.h"

namespace arena::jinja {

/// The filter `tojson` as transformers defines it: Python's json.dumps with ensure_ascii off, its
/// arguments `indent` and `separators`. What comes out is not trusted.
Result<Value> ToJson(const Value& value, const CallArguments& arguments, Budget& budget);

}  // namespace arena::jinja
