// What a model's directory says about conversations, for answering and for training alike.
#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace arena {

/// The built-in template `name`; empty: the model's own, and chatml where it has none.
Result<ChatTemplate> FindTemplate(const std::filesystem::path& directory, std::string_view name);

/// What ends an answer: tokens where the vocabulary has them, else text.
struct Stops {
  std::vector<TokenId> tokens;  ///< ascending
  std::vector<std::string> texts;

  bool Contains(TokenId token) const;
};

/// Of the model (`model_eos`), the tokenizer and the template.
Stops FindStops(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                std::span<const TokenId> model_eos);

/// What ends a text: the tokenizer's, else the model's first; none where neither has one.
std::optional<TokenId> FindEndOfText(const Tokenizer& tokenizer,
                                     std::span<const TokenId> model_eos);

/// Puts BOS before a prompt that does not begin with it, where the tokenizer's files ask for it.
void PutBosFirst(const Tokenizer& tokenizer, std::vector<TokenId>& tokens);

/// A hash of the configuration, the tokenizer's files, the template's source, and of the weights'
/// files names, sizes, starts, ends and samples between.
Result<std::string> HashDirectory(const std::filesystem::path& directory,
                                  std::string_view template_source);

}  // namespace arena
