#include "judge/judge_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "judge/ascii.h"

namespace arena {
namespace {

constexpr std::size_t kLargestFile = std::size_t{4} << 20;  // bytes

/// A part of a template's file.
struct Section {
  std::string text;
  int line = 0;  ///< of its first line; 0: the file has no such part
  bool is_in_one_line = false;
};

struct TemplateFile {
  std::optional<VerdictForm> form;
  std::string category;
  Section system;
  Section prompt;
  Section repair;
};

Section* SectionOf(TemplateFile& file, std::string_view name) {
  if (name == "system") return &file.system;
  if (name == "prompt") return &file.prompt;
  if (name == "repair") return &file.repair;
  return nullptr;
}

Status ReadHeader(std::string_view line, TemplateFile& parsed) {
  line = TrimSpace(line);
  if (line.empty() || line.front() == '#') return {};
  const std::size_t colon = line.find(':');
  const std::string_view key = TrimSpace(line.substr(0, colon));
  const std::string_view value =
      colon == std::string_view::npos ? "" : TrimSpace(line.substr(colon + 1));
  if (key == "form") {
    parsed.form = ParseVerdictForm(value);
    if (parsed.form) return {};
    return InvalidInput(fmt::format(
        "form: \"{}\" is unknown; known: pair-scores, pair-verdict, pair-grades, single-score",
        value));
  }
  if (key == "category") {
    parsed.category = value;
    return {};
  }
  return InvalidInput(
      fmt::format("\"{}\" is no line of a template's head; known: form: and category:, then "
                  "--- system ---, --- prompt --- and --- repair ---",
                  line));
}

Result<TemplateFile> SplitTemplate(std::string_view text, const std::string& file) {
  TemplateFile parsed;
  Section* section = nullptr;
  for (int line = 1; !text.empty(); ++line) {
    const std::string_view row = TakeLine(text);
    const std::string_view trimmed = TrimSpace(row);
    if (trimmed.size() > 8 && trimmed.starts_with("--- ") && trimmed.ends_with(" ---")) {
      section = SectionOf(parsed, trimmed.substr(4, trimmed.size() - 8));
      if (section == nullptr || section->line > 0) {
        return InvalidLine(file, line,
                           fmt::format("\"{}\" is no part of a template, or is there already; its "
                                       "parts are system, prompt and repair",
                                       trimmed));
      }
      section->line = line + 1;
    } else if (section != nullptr) {
      section->text += row;
    } else if (const Status head = ReadHeader(row, parsed); !head.ok()) {
      return InvalidLine(file, line, head.error().message);
    }
  }
  if (!parsed.form) return InvalidLine(file, 1, "the head needs a line such as form: pair-scores");
  if (parsed.prompt.line == 0) return InvalidLine(file, 1, "the part --- prompt --- is missing");
  return parsed;
}

std::string_view WithoutLastNewline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

const BuiltinPrompt* FindBuiltin(std::string_view name) {
  for (const BuiltinPrompt& prompt : BuiltinPrompts()) {
    if (prompt.name.size() == name.size() + 4 && prompt.name.starts_with(name)) return &prompt;
  }
  return nullptr;
}

/// A form's built-in template asks for the same verdicts, so its repair fits.
Section BuiltinRepair(VerdictForm form) {
  const BuiltinPrompt* const builtin = FindBuiltin(VerdictFormName(form));
  if (builtin == nullptr) return {};
  auto split = SplitTemplate(builtin->content, std::string(builtin->name));
  return split.ok() ? std::move(split->repair) : Section{};
}

/// The game must be seen: both answers of a pair, or the one of a single score.
Status CheckShowsAnswers(const JudgeTemplate& made) {
  const auto shows = [&made](PromptValue answer, PromptValue dialogue) {
    return made.prompt.Uses(answer) || made.prompt.Uses(dialogue);
  };
  const bool shows_a = shows(PromptValue::kAnswerA, PromptValue::kDialogueA);
  const bool shows_b = shows(PromptValue::kAnswerB, PromptValue::kDialogueB);
  const bool shows_one = shows(PromptValue::kAnswer, PromptValue::kDialogue);
  if (made.form == VerdictForm::kSingleScore) {
    if (shows_one && !shows_a && !shows_b) return {};
    return InvalidInput(
        "a single-score prompt shows {answer}, and neither {answer_a} nor {answer_b}");
  }
  if (shows_a && shows_b && !shows_one) return {};
  return InvalidInput(
      fmt::format("a {} prompt shows {{answer_a}} and {{answer_b}}, and no {{answer}}",
                  VerdictFormName(made.form)));
}

Result<JudgeTemplate> MakeTemplate(std::string name, TemplateFile parsed, const std::string& file) {
  if (parsed.repair.line == 0) parsed.repair = BuiltinRepair(*parsed.form);
  JudgeTemplate made;
  made.name = std::move(name);
  made.form = *parsed.form;
  made.category = std::move(parsed.category);
  KeyBuilder hash("judge template");
  hash.Add(VerdictFormName(made.form)).Add(made.category);
  const std::array<std::pair<const Section*, TemplateText*>, 3> parts = {
      {{&parsed.system, &made.system},
       {&parsed.prompt, &made.prompt},
       {&parsed.repair, &made.repair}}};
  for (const auto& [section, target] : parts) {
    const std::string_view text = WithoutLastNewline(section->text);
    ARENA_ASSIGN_OR_RETURN(
        *target, TemplateText::Parse(text, {file, section->line, section->is_in_one_line}));
    hash.Add(text);
  }
  made.hash = hash.Build();
  if (const Status shows = CheckShowsAnswers(made); !shows.ok()) {
    return InvalidLine(file, parsed.prompt.line, shows.error().message);
  }
  return made;
}

std::optional<VerdictForm> FastChatForm(std::string_view output_format) {
  if (output_format == "[[A]]") return VerdictForm::kPairVerdict;
  if (output_format == "[[rating]]") return VerdictForm::kSingleScore;
  if (output_format == "[[rating_a,rating_b]]") return VerdictForm::kPairScores;
  return std::nullopt;
}

/// Text of a row's field; nothing where it has none.
std::optional<std::string> TextField(const Json& row, const char* name) {
  const auto found = row.find(name);
  if (found == row.end() || !found->is_string()) return std::nullopt;
  return found->get<std::string>();
}

/// Nothing: a row of another type.
Result<std::optional<JudgeTemplate>> FastChatRow(std::string_view line, const std::string& file,
                                                 int number, std::string_view wanted) {
  const auto row = ParseJson(line);
  if (!row.ok()) return InvalidLine(file, number, row.error().message);
  for (const char* name : {"name", "type", "prompt_template", "output_format"}) {
    if (row->is_object() && TextField(*row, name)) continue;
    return InvalidLine(file, number, fmt::format("a row needs the text \"{}\"", name));
  }
  const std::string type = *TextField(*row, "type");
  if (type != "pairwise" && type != "single") {
    return InvalidLine(file, number,
                       fmt::format("type \"{}\" is unknown; known: pairwise, single", type));
  }
  if (type != wanted) return std::optional<JudgeTemplate>();
  TemplateFile parsed;
  const std::string format = *TextField(*row, "output_format");
  parsed.form = FastChatForm(format);
  if (!parsed.form || (*parsed.form == VerdictForm::kSingleScore) != (type == "single")) {
    return InvalidLine(file, number,
                       fmt::format("output_format \"{}\" is unknown for type {}; known: [[A]] and "
                                   "[[rating_a,rating_b]] (pairwise), [[rating]] (single)",
                                   format, type));
  }
  parsed.category = TextField(*row, "category").value_or("");
  parsed.system = {TextField(*row, "system_prompt").value_or(""), number, true};
  parsed.prompt = {*TextField(*row, "prompt_template"), number, true};
  ARENA_ASSIGN_OR_RETURN(auto made,
                         MakeTemplate(*TextField(*row, "name"), std::move(parsed), file));
  return std::optional(std::move(made));
}

int UserTurns(const Instruction& instruction) {
  return static_cast<int>(
      std::count_if(instruction.conversation.begin(), instruction.conversation.end(),
                    [](const Message& message) { return message.role == Role::kUser; }));
}

/// Whether every turn of the instruction would be seen, and everything that is shown exists.
bool Fits(const JudgeTemplate& candidate, const Instruction& instruction) {
  const TemplateText& prompt = candidate.prompt;
  if (prompt.Needs(PromptValue::kReference) && !instruction.reference) return false;
  const int turns = UserTurns(instruction);
  if (prompt.last_turn() > turns) return false;
  if (turns <= 1 || prompt.last_turn() == turns) return true;
  const bool shows_dialogue =
      prompt.Uses(PromptValue::kDialogue) || prompt.Uses(PromptValue::kDialogueA);
  const bool shows_history = prompt.Uses(PromptValue::kHistory);
  const auto open = static_cast<int>(OpenTurns(instruction));
  return (open <= 1 || shows_dialogue) && (open == turns || shows_history);
}

}  // namespace

Result<JudgeTemplate> ParseJudgeTemplate(std::string_view text, const std::string& file) {
  ARENA_ASSIGN_OR_RETURN(TemplateFile parsed, SplitTemplate(text, file));
  return MakeTemplate(std::filesystem::path(file).stem().string(), std::move(parsed), file);
}

Result<std::vector<JudgeTemplate>> ParseFastChatTemplates(std::string_view text,
                                                          const std::string& file,
                                                          std::string_view type) {
  std::vector<JudgeTemplate> templates;
  for (int line = 1; !text.empty(); ++line) {
    const std::string_view row = TrimSpace(TakeLine(text));
    if (row.empty()) continue;
    ARENA_ASSIGN_OR_RETURN(auto made, FastChatRow(row, file, line, type));
    if (!made) continue;
    if (!templates.empty() && templates.front().form != made->form) {
      return InvalidLine(
          file, line,
          fmt::format("\"{}\" asks for {} and \"{}\" for {}; put them into two files", made->name,
                      VerdictFormName(made->form), templates.front().name,
                      VerdictFormName(templates.front().form)));
    }
    templates.push_back(std::move(*made));
  }
  if (templates.empty()) {
    return NotFound(fmt::format("{} has no template of type \"{}\"", file, type));
  }
  return templates;
}

Result<std::vector<JudgeTemplate>> LoadJudgeTemplates(const std::string& where,
                                                      std::string_view fastchat_type) {
  std::vector<JudgeTemplate> templates;
  if (const BuiltinPrompt* const builtin = FindBuiltin(where)) {
    ARENA_ASSIGN_OR_RETURN(auto made,
                           ParseJudgeTemplate(builtin->content, std::string(builtin->name)));
    templates.push_back(std::move(made));
    return templates;
  }
  auto text = ReadFile(where);
  if (!text.ok()) {
    return Error{text.error().code,
                 fmt::format("{}; a judge's template is a file, or one of pair-scores, "
                             "pair-verdict, pair-grades, single-score",
                             text.error().message)};
  }
  if (text->size() > kLargestFile) {
    return InvalidInput(fmt::format("{}: a judge's templates may have 4 MiB", where));
  }
  if (where.ends_with(".jsonl")) return ParseFastChatTemplates(*text, where, fastchat_type);
  ARENA_ASSIGN_OR_RETURN(auto made, ParseJudgeTemplate(*text, where));
  templates.push_back(std::move(made));
  return templates;
}

Result<const JudgeTemplate*> ChooseTemplate(std::span<const JudgeTemplate> templates,
                                            const Instruction& instruction) {
  const JudgeTemplate* best = nullptr;
  int best_worth = -1;
  for (const JudgeTemplate& candidate : templates) {
    if (!Fits(candidate, instruction)) continue;
    const bool uses_reference =
        instruction.reference && candidate.prompt.Uses(PromptValue::kReference);
    const bool is_own = !candidate.category.empty() && candidate.category == instruction.category;
    const int worth = 2 * (uses_reference ? 1 : 0) + (is_own ? 1 : 0);
    if (worth <= best_worth) continue;
    best = &candidate;
    best_worth = worth;
  }
  if (best != nullptr) return best;
  return NotFound(fmt::format(
      "no template of the judge fits an instruction of {} turns {} a reference; add one, or use a "
      "built-in template",
      UserTurns(instruction), instruction.reference ? "with" : "without"));
}

}  // namespace arena
