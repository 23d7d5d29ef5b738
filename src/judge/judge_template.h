// The prompts of LLM judges: built in, read from a user's file, or FastChat's.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "core/conversation.h"
#include "core/game.h"
#include "judge/template_text.h"
#include "judge/verdict_form.h"

namespace arena {

/// One prompt. Immutable once made.
struct JudgeTemplate {
  std::string name;
  VerdictForm form = VerdictForm::kPairScores;
  std::string category;  ///< FastChat's; preferred for instructions of the same one
  TemplateText system;
  TemplateText prompt;
  TemplateText repair;  ///< asks for the verdict alone, after a reply without one
  Key hash;             ///< of all that decides what a judge reads
};

/// A file built into the program.
struct BuiltinPrompt {
  std::string_view name;  ///< "pair-scores.txt"
  std::string_view content;
};
std::span<const BuiltinPrompt> BuiltinPrompts();

/// Reads a template as under prompts/; docs/judges.md has the syntax. Where `text` has no repair,
/// that of the built-in template of its form is taken. Errors name `file` and the line.
Result<JudgeTemplate> ParseJudgeTemplate(std::string_view text, const std::string& file);

/// The templates of FastChat's judge_prompts.jsonl whose type is `type` ("pairwise" or "single").
/// Errors: a row that is not valid, with file and line; no such template.
Result<std::vector<JudgeTemplate>> ParseFastChatTemplates(std::string_view text,
                                                          const std::string& file,
                                                          std::string_view type);

/// `where`: the name of a built-in template, or a file: one that ends in .jsonl is FastChat's. All
/// templates have one form.
Result<std::vector<JudgeTemplate>> LoadJudgeTemplates(const std::string& where,
                                                      std::string_view fastchat_type);

/// The template that fits a game: it shows all of its turns, has what it needs, and rather uses the
/// reference and is of the category than not; the first of equals. Error (kNotFound): none fits.
Result<const JudgeTemplate*> ChooseTemplate(std::span<const JudgeTemplate> templates,
                                            const Instruction& instruction);

/// What a judge is asked about a game. `single`: the answer to rate, of a single score; else null.
struct PromptGame {
  const GameView& view;
  const std::vector<std::string>* single = nullptr;
  bool json = false;
};

/// The messages for the judge. The boundary is a hash of all texts that are judged and occurs in
/// none of them, so that no answer can close its own tags. It is the same with the seats swapped.
Conversation RenderPrompt(const JudgeTemplate& from, const PromptGame& game);
/// The messages that ask for the verdict of a reply that has none.
Conversation RenderRepair(const JudgeTemplate& from, const PromptGame& game, Conversation asked,
                          const std::string& reply);

}  // namespace arena
