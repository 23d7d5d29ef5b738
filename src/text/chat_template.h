// A conversation as the text that a model was trained to read.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "core/conversation.h"
#include "text/rendered_prompt.h"

namespace arena {

/// What a template sees besides the messages.
struct RenderOptions {
  /// Ends with what opens the assistant's next turn.
  bool add_generation_prompt = true;
  /// In place of those that the template was loaded with.
  std::optional<std::string> bos_token, eos_token;
  /// Further variables, such as enable_thinking or date_string. Their text is not trusted.
  std::map<std::string, std::variant<bool, std::int64_t, std::string>> variables;
  /// What `strftime_now` tells, in UTC. None: the function is not defined, and templates that ask
  /// first fall back to a fixed date, so that the same conversation gives the same text.
  std::optional<std::chrono::system_clock::time_point> now;
  /// Units of work: about one per byte that is touched and 64 per step. 0: 256 Mi.
  std::size_t max_work = 0;
};

/// Tokens by their text; empty: the model has none.
struct TemplateTokens {
  std::string bos, eos;
  /// Others that templates may name: unk_token, pad_token, ...
  std::map<std::string, std::string> others;
};

/// A chat template. Copies are cheap and share it. Thread-safe.
class ChatTemplate {
 public:
  /// A built-in: one of ChatTemplateNames().
  static Result<ChatTemplate> Named(std::string_view name);

  /// Jinja as docs/formats/chat-templates.md describes it. `name` is what errors call the source:
  /// "NAME:LINE: ...".
  static Result<ChatTemplate> Parse(std::string_view source, std::string_view name,
                                    TemplateTokens tokens);

  /// The conversation as text. `tools` and `documents` are none for the template. Errors: what the
  /// template does not allow, uses but is not supported, or too much work.
  Result<RenderedPrompt> Render(const Conversation& conversation,
                                const RenderOptions& options = {}) const;

  /// The Jinja source.
  const std::string& source() const;
  const TemplateTokens& tokens() const;
  /// Text that ends an answer: special tokens, and for `plain` and `vicuna` what opens a turn.
  const std::vector<std::string>& stop() const;

 private:
  struct Content;
  explicit ChatTemplate(std::shared_ptr<const Content> content) : content_(std::move(content)) {}

  std::shared_ptr<const Content> content_;
};

/// chatml, llama-2, llama-3, mistral, plain, vicuna, zephyr.
std::vector<std::string_view> ChatTemplateNames();

/// The template of a model's directory: chat_template.jinja, or else `chat_template` of
/// tokenizer_config.json, which is one template or a list of named ones (`name`; empty: "default").
/// The tokens come from tokenizer_config.json, where they are strings or objects with `content`.
/// NotFound where the directory has no template; other errors name the file.
Result<ChatTemplate> LoadChatTemplate(const std::filesystem::path& directory,
                                      std::string_view name = {});

}  // namespace arena
