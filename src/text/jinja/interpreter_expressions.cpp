#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "text/jinja/filters.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/methods.h"
#include "text/jinja/operators.h"

namespace arena::jinja {
Result<Value> Interpreter::Evaluate(const Expression& expression) {
  auto value = [&]() -> Result<Value> {
    ARENA_RETURN_IF_ERROR(budget_.Charge(kStepCost));
    if (depth_ >= kMaxEvaluationDepth)
      return InvalidInput("macros and expressions are nested too deeply");
    ++depth_;
    auto result = std::visit([this](const auto& node) { return Visit(node); }, expression.node);
    --depth_;
    return result;
  }();
  if (!value.ok() && error_line_ == 0) error_line_ = expression.line;
  return value;
}

Result<Value> Interpreter::EvaluateOr(const ExpressionPtr& expression) {
  if (expression == nullptr) return Value();
  return Evaluate(*expression);
}

Value Interpreter::Look(std::string_view name) const {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    const auto found = scope->names.find(name);
    if (found != scope->names.end()) return found->second;
  }
  if (IsFunctionName(name, environment_)) return Value::MakeFunction({name, nullptr});
  return Value::MakeUndefined(fmt::format("'{}'", name));
}

Result<Value> Interpreter::Visit(const LiteralNode& node) { return node.value; }

Result<Value> Interpreter::Visit(const NameNode& node) { return Look(node.name); }

Result<Value> Interpreter::Visit(const ListNode& node) {
  std::vector<Value> items;
  for (const ExpressionPtr& item : node.items) {
    ARENA_ASSIGN_OR_RETURN(Value value, Evaluate(*item));
    items.push_back(std::move(value));
  }
  return Value::List(std::move(items));
}

Result<Value> Interpreter::Visit(const DictNode& node) {
  std::vector<std::pair<MarkedText, Value>> pairs;
  for (const auto& [key_node, value_node] : node.members) {
    ARENA_ASSIGN_OR_RETURN(const Value key, Evaluate(*key_node));
    ARENA_ASSIGN_OR_RETURN(const MarkedText* name, NeedText("the key of a dictionary", key));
    ARENA_ASSIGN_OR_RETURN(Value value, Evaluate(*value_node));
    ARENA_RETURN_IF_ERROR(budget_.Charge(pairs.size() + name->size()));
    const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) {
      return pair.first.bytes() == name->bytes();
    });
    if (found == pairs.end()) {
      pairs.emplace_back(*name, std::move(value));
    } else {
      found->second = std::move(value);
    }
  }
  return Value::Dict(std::move(pairs));
}

Result<Value> Interpreter::Visit(const LoopNode& node) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    if (scope->loop != nullptr) return LoopMember(*scope->loop, node.name);
  }
  return InvalidInput(fmt::format("'loop.{}' is outside a loop", node.name));
}

Result<Value> Interpreter::LoopMember(const Loop& loop, std::string_view name) {
  const auto index = static_cast<std::int64_t>(loop.index);
  const auto length = static_cast<std::int64_t>(loop.items->size());
  if (name == "index") return Value::Int(index + 1);
  if (name == "index0") return Value::Int(index);
  if (name == "revindex") return Value::Int(length - index);
  if (name == "revindex0") return Value::Int(length - index - 1);
  if (name == "first") return Value::Bool(index == 0);
  if (name == "last") return Value::Bool(index + 1 == length);
  if (name == "length") return Value::Int(length);
  if (name == "previtem") {
    return index > 0 ? (*loop.items)[loop.index - 1] : Value::MakeUndefined("'loop.previtem'");
  }
  if (name == "nextitem") {
    return index + 1 < length ? (*loop.items)[loop.index + 1]
                              : Value::MakeUndefined("'loop.nextitem'");
  }
  return InvalidInput(fmt::format("'loop.{}' is not supported", name));
}

Result<Value> Interpreter::Visit(const MemberNode& node) {
  ARENA_ASSIGN_OR_RETURN(const Value object, Evaluate(*node.object));
  return GetMember(object, node.name, budget_);
}

Result<Value> Interpreter::Visit(const IndexNode& node) {
  ARENA_ASSIGN_OR_RETURN(const Value object, Evaluate(*node.object));
  ARENA_ASSIGN_OR_RETURN(const Value index, Evaluate(*node.index));
  return GetIndex(object, index, budget_);
}

Result<Value> Interpreter::Visit(const SliceNode& node) {
  ARENA_ASSIGN_OR_RETURN(const Value object, Evaluate(*node.object));
  ARENA_ASSIGN_OR_RETURN(const Value start, EvaluateOr(node.start));
  ARENA_ASSIGN_OR_RETURN(const Value stop, EvaluateOr(node.stop));
  ARENA_ASSIGN_OR_RETURN(const Value step, EvaluateOr(node.step));
  return GetSlice(object, start, stop, step, budget_);
}

Result<CallArguments> Interpreter::EvaluateArguments(const Arguments& arguments) {
  CallArguments values;
  for (const ExpressionPtr& argument : arguments.positional) {
    ARENA_ASSIGN_OR_RETURN(Value value, Evaluate(*argument));
    values.positional.push_back(std::move(value));
  }
  for (const auto& [name, argument] : arguments.named) {
    ARENA_ASSIGN_OR_RETURN(Value value, Evaluate(*argument));
    values.named.emplace_back(name, std::move(value));
  }
  return values;
}

Result<Value> Interpreter::Visit(const CallNode& node) {
  if (const auto* member = std::get_if<MemberNode>(&node.callee->node)) {
    ARENA_ASSIGN_OR_RETURN(const Value object, Evaluate(*member->object));
    ARENA_ASSIGN_OR_RETURN(const CallArguments arguments, EvaluateArguments(node.arguments));
    return CallMethod(object, member->name, arguments, budget_);
  }
  ARENA_ASSIGN_OR_RETURN(const Value callee, Evaluate(*node.callee));
  if (callee.IsUndefined()) return UndefinedError(callee);
  if (!callee.IsFunction()) {
    return InvalidInput(fmt::format("{} cannot be called", callee.KindName()));
  }
  ARENA_ASSIGN_OR_RETURN(const CallArguments arguments, EvaluateArguments(node.arguments));
  const Function& function = callee.function();
  return function.macro != nullptr ? CallMacro(*function.macro, arguments)
                                   : CallFunction(function.name, arguments);
}

Result<Value> Interpreter::Visit(const FilterNode& node) {
  ARENA_ASSIGN_OR_RETURN(const Value input, Evaluate(*node.input));
  ARENA_ASSIGN_OR_RETURN(const CallArguments arguments, EvaluateArguments(node.arguments));
  return ApplyFilter(node.name, input, arguments, budget_);
}

Result<Value> Interpreter::Visit(const TestNode& node) {
  ARENA_ASSIGN_OR_RETURN(const Value input, Evaluate(*node.input));
  ARENA_ASSIGN_OR_RETURN(const CallArguments arguments, EvaluateArguments(node.arguments));
  ARENA_ASSIGN_OR_RETURN(const bool holds, ApplyTest(node.name, input, arguments, budget_));
  return Value::Bool(holds != node.is_negated);
}

Result<Value> Interpreter::Visit(const UnaryNode& node) {
  ARENA_ASSIGN_OR_RETURN(const Value operand, Evaluate(*node.operand));
  if (node.op == UnaryOperator::kNot) return Value::Bool(!operand.IsTrue());
  return ApplySign(node.op, operand);
}

Result<Value> Interpreter::Visit(const BinaryNode& node) {
  ARENA_ASSIGN_OR_RETURN(Value left, Evaluate(*node.left));
  if (node.op == BinaryOperator::kAnd && !left.IsTrue()) return left;
  if (node.op == BinaryOperator::kOr && left.IsTrue()) return left;
  ARENA_ASSIGN_OR_RETURN(Value right, Evaluate(*node.right));
  if (node.op == BinaryOperator::kAnd || node.op == BinaryOperator::kOr) return right;
  return ApplyBinary(node.op, left, right, budget_);
}

Result<Value> Interpreter::Visit(const ConditionalNode& node) {
  ARENA_ASSIGN_OR_RETURN(const Value condition, Evaluate(*node.condition));
  return condition.IsTrue() ? Evaluate(*node.then) : EvaluateOr(node.otherwise);
}

}  // namespace arena::jinja
