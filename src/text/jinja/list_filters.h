// Filters on lists.
#pragma once

#include "base/result.h"
#include "text/jinja/arguments.h"

namespace arena::jinja {

// Each as Jinja has it; errors are without a line.
Result<Value> JoinFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> FirstFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> LastFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> ListFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> ReverseFilter(const Value& input, const CallArguments& arguments, Budget& budget);
/// Strings by code points, upper and lower case as one unless `case_sensitive`.
Result<Value> SortFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> DictSortFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> UniqueFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> SumFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> MinFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> MaxFilter(const Value& input, const CallArguments& arguments, Budget& budget);
/// With the name of a filter and its arguments, or `attribute=` and `default=`.
Result<Value> MapFilter(const Value& input, const CallArguments& arguments, Budget& budget);
/// With the name of a test and its arguments; none: by truth.
Result<Value> SelectFilter(const Value& input, const CallArguments& arguments, Budget& budget);
Result<Value> RejectFilter(const Value& input, const CallArguments& arguments, Budget& budget);
/// The same on an attribute of each element, "a.b" being the member b of a.
Result<Value> SelectAttributeFilter(const Value& input, const CallArguments& arguments,
                                    Budget& budget);
Result<Value> RejectAttributeFilter(const Value& input, const CallArguments& arguments,
                                    Budget& budget);

}  // namespace arena::jinja
