#include "judge/template_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/nearest.h"
#include "judge/ascii.h"

namespace arena {
namespace {

constexpr int kLastTurn = 99;

struct ValueName {
  std::string_view name;
  PromptValue value;
  bool has_turns;  // may be followed by _N
};
constexpr std::array<ValueName, 11> kValueNames = {{{"question", PromptValue::kQuestion, true},
                                                    {"answer", PromptValue::kAnswer, true},
                                                    {"answer_a", PromptValue::kAnswerA, true},
                                                    {"answer_b", PromptValue::kAnswerB, true},
                                                    {"ref_answer", PromptValue::kReference, true},
                                                    {"reference", PromptValue::kReference, false},
                                                    {"history", PromptValue::kHistory, false},
                                                    {"dialogue", PromptValue::kDialogue, false},
                                                    {"dialogue_a", PromptValue::kDialogueA, false},
                                                    {"dialogue_b", PromptValue::kDialogueB, false},
                                                    {"boundary", PromptValue::kBoundary, false}}};

constexpr std::array<std::pair<std::string_view, PromptCondition>, 4> kConditionNames = {
    {{"reference", PromptCondition::kReference},
     {"history", PromptCondition::kHistory},
     {"dialogue", PromptCondition::kDialogue},
     {"json", PromptCondition::kJson}}};

std::string Hint(std::string_view name) {
  std::vector<std::string_view> names;
  for (const ValueName& known : kValueNames) names.push_back(known.name);
  const auto near = NearestName(name, names);
  return near ? fmt::format("; did you mean {{{}}}?", *near) : "";
}

/// "question_2" as "question" and 2; without a number 0.
std::pair<std::string_view, int> SplitTurn(std::string_view name) {
  const std::size_t underscore = name.rfind('_');
  if (underscore == std::string_view::npos) return {name, 0};
  const std::size_t digits = DigitsFrom(name, underscore + 1, 3);
  if (digits == 0 || digits > 2 || underscore + 1 + digits != name.size()) return {name, 0};
  int turn = 0;
  for (std::size_t i = underscore + 1; i < name.size(); ++i) turn = 10 * turn + (name[i] - '0');
  if (turn < 1 || turn > kLastTurn) return {name, 0};
  return {name.substr(0, underscore), turn};
}

/// The control of a line that holds nothing else: "if json", "else", "end".
std::optional<std::string_view> ControlOf(std::string_view line) {
  line = TrimSpace(line);
  if (line.size() < 3 || line.front() != '{' || line.back() != '}') return std::nullopt;
  const std::string_view inner = line.substr(1, line.size() - 2);
  if (inner == "else" || inner == "end" || inner.starts_with("if ")) return inner;
  return std::nullopt;
}

}  // namespace

Result<TemplateText> TemplateText::Parse(std::string_view text, const Place& place) {
  TemplateText prompt;
  int line = place.line;
  bool is_open = false;
  bool has_else = false;
  while (!text.empty()) {
    const std::string_view row = TakeLine(text);
    const auto control = ControlOf(row);
    const Status added = control ? prompt.AddControl(*control) : prompt.AddLine(row);
    if (!added.ok()) return InvalidLine(place.file, line, added.error().message);
    if (control) {
      const Kind kind = prompt.parts_.back().kind;
      if (kind == Kind::kIf ? is_open : !is_open || (kind == Kind::kElse && has_else)) {
        return InvalidLine(
            place.file, line,
            fmt::format("{{{}}} is out of place: write {{if ...}}, perhaps {{else}}, "
                        "and {{end}}, none inside another",
                        *control));
      }
      is_open = kind != Kind::kEnd;
      has_else = kind == Kind::kElse;
    }
    if (!place.is_in_one_line) ++line;
  }
  if (is_open) return InvalidLine(place.file, place.line, "an {if ...} has no {end}");
  return prompt;
}

Status TemplateText::AddControl(std::string_view control) {
  Part part;
  part.kind = control == "else" ? Kind::kElse : control == "end" ? Kind::kEnd : Kind::kIf;
  if (part.kind == Kind::kIf) {
    std::string_view name = control.substr(3);
    part.negated = name.starts_with("not ");
    if (part.negated) name.remove_prefix(4);
    const auto* const found =
        std::find_if(kConditionNames.begin(), kConditionNames.end(),
                     [name](const auto& known) { return known.first == name; });
    if (found == kConditionNames.end()) {
      return InvalidInput(fmt::format(
          "{{{}}} asks for something unknown; known: reference, history, dialogue, json", control));
    }
    part.condition = found->second;
  }
  parts_.push_back(std::move(part));
  return {};
}

Status TemplateText::AddLine(std::string_view line) {
  std::size_t begin = 0;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const char c = line[at];
    if (c != '{' && c != '}') continue;
    AddText(line.substr(begin, at - begin));
    if (CharAt(line, at + 1) == c) {  // "{{" is a brace
      AddText(line.substr(at, 1));
      ++at;
    } else if (c == '}') {
      return InvalidInput("a } stands alone; write }} for a brace");
    } else {
      const std::size_t end = line.find('}', at);
      if (end == std::string_view::npos) {
        return InvalidInput("a { stands alone; write {{ for a brace");
      }
      ARENA_RETURN_IF_ERROR(AddValue(line.substr(at + 1, end - at - 1)));
      at = end;
    }
    begin = at + 1;
  }
  if (begin < line.size()) AddText(line.substr(begin));
  return {};
}

void TemplateText::AddText(std::string_view text) {
  if (text.empty()) return;
  if (!parts_.empty() && parts_.back().kind == Kind::kText) {
    parts_.back().text += text;
    return;
  }
  Part part;
  part.text = text;
  parts_.push_back(std::move(part));
}

Status TemplateText::AddValue(std::string_view name) {
  const auto [base, turn] = SplitTurn(name);
  for (const ValueName& known : kValueNames) {
    if (known.name != base || (turn > 0 && !known.has_turns)) continue;
    if (known.name == "ref_answer" && turn == 0) break;
    Part part;
    part.kind = Kind::kValue;
    part.value = known.value;
    part.turn = turn;
    parts_.push_back(std::move(part));
    return {};
  }
  return InvalidInput(
      fmt::format("there is no placeholder {{{}}}{}; write {{{{ for a brace", name, Hint(base)));
}

std::string TemplateText::Render(FunctionRef<std::string(PromptValue, int)> value,
                                 FunctionRef<bool(PromptCondition)> holds) const {
  std::string text;
  bool shown = true;
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::kIf:
        shown = holds(part.condition) != part.negated;
        break;
      case Kind::kElse:
        shown = !shown;
        break;
      case Kind::kEnd:
        shown = true;
        break;
      case Kind::kText:
        if (shown) text += part.text;
        break;
      case Kind::kValue:
        if (shown) text += value(part.value, part.turn);
        break;
    }
  }
  // The line that {end} stands in is no line of the text.
  const bool ends_in_control = !parts_.empty() && parts_.back().kind == Kind::kEnd;
  if (ends_in_control && text.ends_with('\n')) text.pop_back();
  return text;
}

bool TemplateText::Uses(PromptValue value) const {
  return std::any_of(parts_.begin(), parts_.end(), [value](const Part& part) {
    return part.kind == Kind::kValue && part.value == value;
  });
}

bool TemplateText::Needs(PromptValue value) const {
  bool guarded = false;
  for (const Part& part : parts_) {
    if (part.kind == Kind::kIf) guarded = true;
    if (part.kind == Kind::kEnd) guarded = false;
    if (part.kind == Kind::kValue && part.value == value && !guarded) return true;
  }
  return false;
}

bool TemplateText::Asks(PromptCondition condition) const {
  return std::any_of(parts_.begin(), parts_.end(), [condition](const Part& part) {
    return part.kind == Kind::kIf && part.condition == condition;
  });
}

int TemplateText::last_turn() const {
  int last = 0;
  for (const Part& part : parts_) last = std::max(last, part.turn);
  return last;
}

}  // namespace arena
