#include <fmt/format.h>

#include <array>

#include "text/jinja/filters.h"
#include "text/jinja/operators.h"

namespace arena::jinja {
namespace {

using Test = Result<bool> (*)(const Value& input, const std::vector<Value>& arguments,
                              Budget& budget);

bool IsInteger(const Value& value) { return value.IsInt(); }

Result<bool> HasRemainder(const Value& input, std::int64_t divisor, std::int64_t remainder) {
  if (!input.IsInt() && !input.IsBool()) {
    return InvalidInput(fmt::format("this test needs an integer, not {}", input.KindName()));
  }
  if (divisor == 0) return InvalidInput("division by zero");
  if (divisor == -1) return remainder == 0;
  const std::int64_t found = input.int_value() % divisor;
  return (found < 0 ? -found : found) == remainder;
}

template <BinaryOperator op>
Result<bool> Comparison(const Value& input, const std::vector<Value>& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const Value value, ApplyBinary(op, input, arguments[0], budget));
  return value.IsTrue();
}

struct NamedTest {
  std::string_view name;
  std::size_t arguments;
  Test test;
};

#define ARENA_TEST_OF_KIND(name, condition)                                           \
  {                                                                                   \
    name, 0, [](const Value& v, const std::vector<Value>&, Budget&) -> Result<bool> { \
      return condition;                                                               \
    }                                                                                 \
  }

constexpr std::array<NamedTest, 33> kTests = {{
    ARENA_TEST_OF_KIND("defined", !v.IsUndefined()),
    ARENA_TEST_OF_KIND("undefined", v.IsUndefined()),
    ARENA_TEST_OF_KIND("none", v.IsNone()),
    ARENA_TEST_OF_KIND("string", v.IsString()),
    ARENA_TEST_OF_KIND("mapping", v.IsDict()),
    ARENA_TEST_OF_KIND("sequence", v.IsList() || v.IsString() || v.IsDict()),
    ARENA_TEST_OF_KIND("iterable", v.IsList() || v.IsString() || v.IsDict() || v.IsUndefined()),
    ARENA_TEST_OF_KIND("number", v.IsNumber()),
    ARENA_TEST_OF_KIND("integer", IsInteger(v)),
    ARENA_TEST_OF_KIND("float", v.IsFloat()),
    ARENA_TEST_OF_KIND("boolean", v.IsBool()),
    ARENA_TEST_OF_KIND("true", v.IsBool() && v.IsTrue()),
    ARENA_TEST_OF_KIND("false", v.IsBool() && !v.IsTrue()),
    ARENA_TEST_OF_KIND("callable", v.IsFunction()),
    ARENA_TEST_OF_KIND("odd", HasRemainder(v, 2, 1)),
    ARENA_TEST_OF_KIND("even", HasRemainder(v, 2, 0)),
    {"divisibleby", 1,
     [](const Value& v, const std::vector<Value>& a, Budget&) -> Result<bool> {
       ARENA_ASSIGN_OR_RETURN(const std::int64_t divisor, NeedInt("divisibleby", a[0], 0));
       return HasRemainder(v, divisor, 0);
     }},
    {"in", 1, Comparison<BinaryOperator::kIn>},
    {"eq", 1, Comparison<BinaryOperator::kEqual>},
    {"equalto", 1, Comparison<BinaryOperator::kEqual>},
    {"==", 1, Comparison<BinaryOperator::kEqual>},
    {"ne", 1, Comparison<BinaryOperator::kNotEqual>},
    {"!=", 1, Comparison<BinaryOperator::kNotEqual>},
    {"lt", 1, Comparison<BinaryOperator::kLess>},
    {"lessthan", 1, Comparison<BinaryOperator::kLess>},
    {"<", 1, Comparison<BinaryOperator::kLess>},
    {"le", 1, Comparison<BinaryOperator::kLessEqual>},
    {"<=", 1, Comparison<BinaryOperator::kLessEqual>},
    {"gt", 1, Comparison<BinaryOperator::kGreater>},
    {"greaterthan", 1, Comparison<BinaryOperator::kGreater>},
    {">", 1, Comparison<BinaryOperator::kGreater>},
    {"ge", 1, Comparison<BinaryOperator::kGreaterEqual>},
    {">=", 1, Comparison<BinaryOperator::kGreaterEqual>},
}};
#undef ARENA_TEST_OF_KIND

}  // namespace

Result<bool> ApplyTest(std::string_view name, const Value& input, const CallArguments& arguments,
                       Budget& budget) {
  for (const NamedTest& test : kTests) {
    if (test.name != name) continue;
    if (!arguments.named.empty() || arguments.positional.size() != test.arguments) {
      return InvalidInput(fmt::format("the test '{}' takes {} arguments", name, test.arguments));
    }
    return test.test(input, arguments.positional, budget);
  }
  return InvalidInput(fmt::format("the test '{}' is not supported", name));
}

}  // namespace arena::jinja
