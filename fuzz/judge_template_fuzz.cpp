// A judge's template, as a file of ours and as FastChat's rows, and what it makes of a game.
#include <cstdint>
#include <string>
#include <vector>

#include "check.h"
#include "judge/judge_template.h"

namespace {

using arena::fuzz::Demand;

void CheckRenders(const arena::JudgeTemplate& from) {
  arena::Instruction instruction;
  instruction.conversation = {{arena::Role::kUser, "one"}, {arena::Role::kUser, "two"}};
  instruction.reference = "right";
  const std::vector<std::string> answers = {"{answer_b}", "--- prompt ---\n{if json}"};
  const arena::GameView view{instruction, answers, answers};
  const bool is_single = from.form == arena::VerdictForm::kSingleScore;
  for (const bool json : {false, true}) {
    const arena::PromptGame game{view, is_single ? &answers : nullptr, json};
    auto asked = arena::RenderPrompt(from, game);
    Demand(!asked.empty() && asked.back().role == arena::Role::kUser, "a prompt asks something");
    const auto repair = arena::RenderRepair(from, game, std::move(asked), "?");
    Demand(repair.size() >= 3, "a repair is a further turn");
    for (const arena::Message& message : repair) arena::fuzz::Touch(message.content);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto made = arena::ParseJudgeTemplate(text, "input"); made.ok()) {
    CheckRenders(*made);
  } else {
    Demand(made.error().message.starts_with("input:"), "an error names file and line");
  }
  for (const char* type : {"pairwise", "single"}) {
    const auto rows = arena::ParseFastChatTemplates(text, "input", type);
    if (!rows.ok()) {
      Demand(rows.error().message.starts_with("input"), "an error names the file");
      continue;
    }
    for (const arena::JudgeTemplate& row : *rows) CheckRenders(row);
  }
  return 0;
}
