#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/json.h"
#include "text/chat_template.h"
#include "text/jinja/parser.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

// Real ones have up to about 10 MB, most of it added tokens.
constexpr std::uintmax_t kMaxConfigBytes = std::uintmax_t{64} << 20;

Result<std::string> ReadBounded(const fs::path& path, std::uintmax_t max_bytes) {
  std::error_code failed;
  const std::uintmax_t size = fs::file_size(path, failed);
  if (failed) return NotFound(fmt::format("{}: {}", path.string(), failed.message()));
  if (size > max_bytes) {
    return InvalidInput(
        fmt::format("{}: {} bytes; at most {} are read", path.string(), size, max_bytes));
  }
  return ReadFile(path);
}

// A token is a string, or an object with its text in `content`; null and absent: none.
Result<std::string> TokenText(const Json& config, const std::string& key, const fs::path& path) {
  const auto found = config.find(key);
  if (found == config.end() || found->is_null()) return std::string();
  if (found->is_string()) return found->get<std::string>();
  if (found->is_object()) {
    const auto content = found->find("content");
    if (content != found->end() && content->is_string()) return content->get<std::string>();
  }
  return InvalidInput(fmt::format("{}: \"{}\" is neither a string nor an object with \"content\"",
                                  path.string(), key));
}

Result<TemplateTokens> ReadTokens(const Json& config, const fs::path& path) {
  TemplateTokens tokens;
  ARENA_ASSIGN_OR_RETURN(tokens.bos, TokenText(config, "bos_token", path));
  ARENA_ASSIGN_OR_RETURN(tokens.eos, TokenText(config, "eos_token", path));
  for (const char* key : {"unk_token", "pad_token", "sep_token", "cls_token", "mask_token"}) {
    ARENA_ASSIGN_OR_RETURN(std::string text, TokenText(config, key, path));
    if (!text.empty()) tokens.others[key] = std::move(text);
  }
  return tokens;
}

// The source in `chat_template`, which is one or a list of {"name", "template"}.
Result<std::string> PickTemplate(const Json& config, std::string_view wanted,
                                 const fs::path& path) {
  const auto found = config.find("chat_template");
  if (found == config.end() || found->is_null()) {
    return NotFound(fmt::format("{}: there is no \"chat_template\"", path.string()));
  }
  if (found->is_string()) {
    if (wanted.empty() || wanted == "default") return found->get<std::string>();
    return NotFound(fmt::format("{}: no chat template is called '{}'", path.string(), wanted));
  }
  if (!found->is_array()) {
    return InvalidInput(
        fmt::format("{}: \"chat_template\" is neither a string nor a list", path.string()));
  }
  std::vector<std::string> names;
  for (const Json& entry : *found) {
    const bool is_named = entry.is_object() && entry.contains("name") &&
                          entry["name"].is_string() && entry.contains("template") &&
                          entry["template"].is_string();
    if (!is_named) {
      return InvalidInput(
          fmt::format("{}: an entry of \"chat_template\" has no \"name\" and "
                      "\"template\" that are strings",
                      path.string()));
    }
    names.push_back(entry["name"].get<std::string>());
    if (names.back() == (wanted.empty() ? "default" : wanted)) {
      return entry["template"].get<std::string>();
    }
  }
  return NotFound(fmt::format("{}: no chat template is called '{}'; there are: {}", path.string(),
                              wanted.empty() ? "default" : wanted, fmt::join(names, ", ")));
}

}  // namespace

Result<ChatTemplate> LoadChatTemplate(const fs::path& directory, std::string_view name) {
  const fs::path config_path = directory / "tokenizer_config.json";
  const fs::path jinja_path = directory / "chat_template.jinja";
  const bool has_jinja = fs::exists(jinja_path) && (name.empty() || name == "default");
  Json config = Json::object();
  if (fs::exists(config_path)) {
    ARENA_ASSIGN_OR_RETURN(const std::string text, ReadBounded(config_path, kMaxConfigBytes));
    auto parsed = ParseJson(text);
    if (!parsed.ok() || !parsed->is_object()) {
      return InvalidInput(fmt::format("{}: {}", config_path.string(),
                                      parsed.ok() ? "not a JSON object" : parsed.error().message));
    }
    config = std::move(*parsed);
  } else if (!has_jinja) {
    return NotFound(fmt::format("{}: has neither chat_template.jinja nor tokenizer_config.json",
                                directory.string()));
  }
  ARENA_ASSIGN_OR_RETURN(TemplateTokens tokens, ReadTokens(config, config_path));
  if (has_jinja) {
    ARENA_ASSIGN_OR_RETURN(const std::string source,
                           ReadBounded(jinja_path, jinja::kMaxSourceBytes));
    return ChatTemplate::Parse(source, jinja_path.string(), std::move(tokens));
  }
  ARENA_ASSIGN_OR_RETURN(const std::string source, PickTemplate(config, name, config_path));
  return ChatTemplate::Parse(source, config_path.string() + " (chat_template)", std::move(tokens));
}

}  // namespace arena
