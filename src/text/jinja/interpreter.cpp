#include "text/jinja/interpreter.h"

#include <fmt/format.h>

#include <utility>

#include "text/jinja/filters.h"
#include "text/jinja/operators.h"

namespace arena::jinja {
Result<MarkedText> Interpreter::Render(const Body& body, std::string_view name) {
  for (const auto& [key, value] : environment_.variables) globals_.names.emplace(key, value);
  const auto flow = ExecuteBody(body);
  if (!flow.ok()) return InvalidLine(name, error_line_, flow.error().message);
  return std::move(output_);
}

Result<Interpreter::Flow> Interpreter::ExecuteBody(const Body& body) {
  for (const Statement& statement : body) {
    ARENA_ASSIGN_OR_RETURN(const Flow flow, Execute(statement));
    if (flow != Flow::kNext) return flow;
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::Execute(const Statement& statement) {
  auto flow = [&]() -> Result<Flow> {
    ARENA_RETURN_IF_ERROR(budget_.Charge(kStepCost));
    if (depth_ >= kMaxEvaluationDepth)
      return InvalidInput("macros and blocks are nested too deeply");
    ++depth_;
    auto result = std::visit([this](const auto& node) { return Run(node); }, statement.node);
    --depth_;
    return result;
  }();
  if (!flow.ok() && error_line_ == 0) error_line_ = statement.line;
  return flow;
}

Status Interpreter::Write(const MarkedText& text) {
  ARENA_RETURN_IF_ERROR(budget_.Charge(text.size()));
  if (output_.size() + text.size() > environment_.max_output_bytes) {
    return InvalidInput(
        fmt::format("the text has more than {} bytes", environment_.max_output_bytes));
  }
  output_.Append(text);
  return {};
}

Result<Interpreter::Flow> Interpreter::Run(const TextStatement& statement) {
  ARENA_RETURN_IF_ERROR(Write(statement.text));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::Run(const OutputStatement& statement) {
  ARENA_ASSIGN_OR_RETURN(const Value value, Evaluate(*statement.value));
  ARENA_ASSIGN_OR_RETURN(const MarkedText text, ToText(value, budget_));
  ARENA_RETURN_IF_ERROR(Write(text));
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::Run(const IfStatement& statement) {
  for (const auto& [condition, body] : statement.branches) {
    ARENA_ASSIGN_OR_RETURN(const Value value, Evaluate(*condition));
    if (value.IsTrue()) return ExecuteBody(body);
  }
  return ExecuteBody(statement.otherwise);
}

// The items that pass the loop's condition, which sees the names of the target.
Result<std::vector<Value>> Interpreter::LoopItems(const ForStatement& statement) {
  ARENA_ASSIGN_OR_RETURN(const Value value, Evaluate(*statement.items));
  ARENA_ASSIGN_OR_RETURN(std::vector<Value> items, ToItems(value, budget_));
  if (statement.condition == nullptr) return items;
  std::vector<Value> kept;
  Scope scope{scope_};
  scope_ = &scope;
  Status problem;
  for (Value& item : items) {
    problem = Assign(statement.target, item);
    if (!problem.ok()) break;
    auto holds = Evaluate(*statement.condition);
    if (!holds.ok()) {
      problem = holds.error();
      break;
    }
    if (holds->IsTrue()) kept.push_back(std::move(item));
  }
  scope_ = scope.parent;
  ARENA_RETURN_IF_ERROR(problem);
  return kept;
}

Result<Interpreter::Flow> Interpreter::Run(const ForStatement& statement) {
  ARENA_ASSIGN_OR_RETURN(const std::vector<Value> items, LoopItems(statement));
  if (items.empty()) return ExecuteBody(statement.otherwise);
  Loop loop{&items, 0};
  for (; loop.index < items.size(); ++loop.index) {
    // What an iteration sets ends with it.
    Scope scope{scope_, &loop};
    scope_ = &scope;
    const Status assigned = Assign(statement.target, items[loop.index]);
    auto flow = assigned.ok() ? ExecuteBody(statement.body) : Result<Flow>(assigned.error());
    scope_ = scope.parent;
    if (!flow.ok()) return flow;
    if (*flow == Flow::kBreak) break;
  }
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::Run(const SetStatement& statement) {
  ARENA_ASSIGN_OR_RETURN(Value value, Evaluate(*statement.value));
  ARENA_RETURN_IF_ERROR(Assign(statement.target, std::move(value)));
  return Flow::kNext;
}

Result<MarkedText> Interpreter::Capture(const Body& body, Flow& flow) {
  MarkedText outer = std::exchange(output_, MarkedText());
  auto ended = ExecuteBody(body);
  MarkedText inner = std::exchange(output_, std::move(outer));
  if (!ended.ok()) return ended.error();
  flow = *ended;
  return inner;
}

Result<Value> Interpreter::Filtered(MarkedText text, const std::vector<FilterNode>& filters) {
  Value value = Value::String(std::move(text));
  for (const FilterNode& filter : filters) {
    ARENA_ASSIGN_OR_RETURN(const CallArguments arguments, EvaluateArguments(filter.arguments));
    ARENA_ASSIGN_OR_RETURN(value, ApplyFilter(filter.name, value, arguments, budget_));
  }
  return value;
}

Result<Interpreter::Flow> Interpreter::Run(const SetBlockStatement& statement) {
  Flow flow = Flow::kNext;
  ARENA_ASSIGN_OR_RETURN(MarkedText text, Capture(statement.body, flow));
  ARENA_ASSIGN_OR_RETURN(Value value, Filtered(std::move(text), statement.filters));
  ARENA_RETURN_IF_ERROR(Assign(statement.target, std::move(value)));
  return flow;
}

Result<Interpreter::Flow> Interpreter::Run(const FilterStatement& statement) {
  Flow flow = Flow::kNext;
  ARENA_ASSIGN_OR_RETURN(MarkedText text, Capture(statement.body, flow));
  ARENA_ASSIGN_OR_RETURN(const Value value, Filtered(std::move(text), statement.filters));
  ARENA_ASSIGN_OR_RETURN(const MarkedText filtered, ToText(value, budget_));
  ARENA_RETURN_IF_ERROR(Write(filtered));
  return flow;
}

Result<Interpreter::Flow> Interpreter::Run(const MacroStatement& statement) {
  scope_->names[statement.name] = Value::MakeFunction({statement.name, &statement});
  return Flow::kNext;
}

Result<Interpreter::Flow> Interpreter::Run(const LoopControl& control) {
  return control == LoopControl::kBreak ? Flow::kBreak : Flow::kContinue;
}

Status Interpreter::Assign(const Target& target, Value value) {
  if (!target.member.empty()) {
    const Value object = Look(target.names[0]);
    if (!object.IsNamespace()) {
      return InvalidInput(
          fmt::format("'{}' is no namespace, so its members cannot be set", target.names[0]));
    }
    object.space().members[target.member] = std::move(value);
    return {};
  }
  if (target.names.size() == 1) {
    scope_->names[target.names[0]] = std::move(value);
    return {};
  }
  ARENA_ASSIGN_OR_RETURN(std::vector<Value> parts, ToItems(value, budget_));
  if (parts.size() != target.names.size()) {
    return InvalidInput(
        fmt::format("{} values for {} variables", parts.size(), target.names.size()));
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    scope_->names[target.names[i]] = std::move(parts[i]);
  }
  return {};
}

}  // namespace arena::jinja
