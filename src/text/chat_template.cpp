#include "text/chat_template.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "text/builtin_templates.h"
#include "text/jinja/interpreter.h"
#include "text/jinja/parser.h"

namespace arena {
namespace {

using jinja::MarkedText;
using jinja::Value;

// Roles are from a closed list, so they are as trusted as the template: some formats make a special
// token of them. Content never is.
Result<Value> MessagesValue(const Conversation& conversation) {
  std::vector<Value> messages;
  for (const Message& message : conversation) {
    ARENA_ASSIGN_OR_RETURN(
        Value value,
        Value::Dict(
            {{MarkedText("role", true), Value::Trusted(RoleName(message.role))},
             {MarkedText("content", true), Value::String(MarkedText(message.content, false))}}));
    messages.push_back(std::move(value));
  }
  return Value::List(std::move(messages));
}

Value VariableValue(const std::variant<bool, std::int64_t, std::string>& variable) {
  if (const auto* flag = std::get_if<bool>(&variable)) return Value::Bool(*flag);
  if (const auto* number = std::get_if<std::int64_t>(&variable)) return Value::Int(*number);
  return Value::String(MarkedText(std::get<std::string>(variable), false));
}

Result<jinja::Environment> MakeEnvironment(const Conversation& conversation,
                                           const RenderOptions& options,
                                           const TemplateTokens& tokens) {
  jinja::Environment environment;
  auto& variables = environment.variables;
  for (const auto& [name, text] : tokens.others) variables[name] = Value::Trusted(text);
  variables["bos_token"] = Value::Trusted(options.bos_token.value_or(tokens.bos));
  variables["eos_token"] = Value::Trusted(options.eos_token.value_or(tokens.eos));
  for (const auto& [name, variable] : options.variables) variables[name] = VariableValue(variable);
  ARENA_ASSIGN_OR_RETURN(variables["messages"], MessagesValue(conversation));
  variables["tools"] = Value::MakeNone();
  variables["documents"] = Value::MakeNone();
  variables["add_generation_prompt"] = Value::Bool(options.add_generation_prompt);
  environment.now = options.now;
  if (options.max_work > 0) environment.max_work = options.max_work;
  return environment;
}

}  // namespace

struct ChatTemplate::Content {
  std::string name;
  std::string source;
  TemplateTokens tokens;
  std::vector<std::string> stop;
  jinja::Body body;
};

Result<ChatTemplate> ChatTemplate::Named(std::string_view name) {
  for (const BuiltinTemplate& builtin : BuiltinTemplates()) {
    if (builtin.name != name) continue;
    ARENA_ASSIGN_OR_RETURN(jinja::Body body, jinja::Parse(builtin.source, name));
    auto content = std::make_shared<Content>();
    content->name = name;
    content->source = builtin.source;
    content->tokens.bos = builtin.bos;
    content->tokens.eos = builtin.eos;
    for (const std::string_view stop : builtin.stop) {
      if (!stop.empty()) content->stop.emplace_back(stop);
    }
    content->body = std::move(body);
    return ChatTemplate(std::move(content));
  }
  return InvalidInput(fmt::format("no chat template is called '{}'; there are {}", name,
                                  fmt::join(ChatTemplateNames(), ", ")));
}

Result<ChatTemplate> ChatTemplate::Parse(std::string_view source, std::string_view name,
                                         TemplateTokens tokens) {
  ARENA_ASSIGN_OR_RETURN(jinja::Body body, jinja::Parse(source, name));
  auto content = std::make_shared<Content>();
  content->name = name;
  content->source = source;
  content->tokens = std::move(tokens);
  if (!content->tokens.eos.empty()) content->stop.push_back(content->tokens.eos);
  content->body = std::move(body);
  return ChatTemplate(std::move(content));
}

Result<RenderedPrompt> ChatTemplate::Render(const Conversation& conversation,
                                            const RenderOptions& options) const {
  ARENA_ASSIGN_OR_RETURN(const jinja::Environment environment,
                         MakeEnvironment(conversation, options, content_->tokens));
  jinja::Interpreter interpreter(environment);
  ARENA_ASSIGN_OR_RETURN(const MarkedText text, interpreter.Render(content_->body, content_->name));
  return RenderedPrompt{text.bytes(), text.trusted()};
}

const std::string& ChatTemplate::source() const { return content_->source; }
const TemplateTokens& ChatTemplate::tokens() const { return content_->tokens; }
const std::vector<std::string>& ChatTemplate::stop() const { return content_->stop; }

std::vector<std::string_view> ChatTemplateNames() {
  std::vector<std::string_view> names;
  for (const BuiltinTemplate& builtin : BuiltinTemplates()) names.push_back(builtin.name);
  return names;
}

}  // namespace arena
