// What the operators of a template do, as Python does it. Errors are without a line.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/jinja/ast.h"
#include "text/jinja/budget.h"
#include "text/jinja/value.h"

namespace arena::jinja {

/// The value as `{{ }}` prints it: undefined is empty, none is "None". A list or a dictionary is an
/// error: `join` and `tojson` say what is meant.
Result<MarkedText> ToText(const Value& value, Budget& budget);

/// What a loop runs over: elements, keys, characters; nothing for undefined.
Result<std::vector<Value>> ToItems(const Value& value, Budget& budget);

/// Every operator but `and` and `or`, which do not always evaluate both sides.
Result<Value> ApplyBinary(BinaryOperator op, const Value& left, const Value& right, Budget& budget);
Result<Value> ApplySign(UnaryOperator op, const Value& operand);

/// `object.name`; undefined where there is no such member.
Result<Value> GetMember(const Value& object, std::string_view name, Budget& budget);
/// `object[index]`; undefined where there is no such element.
Result<Value> GetIndex(const Value& object, const Value& index, Budget& budget);
/// `object[start:stop:step]`; undefined or none: left out.
Result<Value> GetSlice(const Value& object, const Value& start, const Value& stop,
                       const Value& step, Budget& budget);

/// Whether `a` sorts before `b`: numbers or strings.
Result<bool> IsLess(const Value& a, const Value& b, Budget& budget);
/// `item in container`.
Result<bool> Contains(const Value& container, const Value& item, Budget& budget);

/// What a list, a dictionary or a text has; none for anything else.
Result<std::size_t> LengthOf(const Value& value, Budget& budget);

/// "'x' is undefined", for what needs a value.
Error UndefinedError(const Value& value);

}  // namespace arena::jinja
