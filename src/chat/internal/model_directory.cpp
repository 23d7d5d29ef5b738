#include "chat/internal/model_directory.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "base/file.h"
#include "base/hash.h"

namespace arena {
namespace {

constexpr std::size_t kHashedBytes = std::size_t{1} << 20;  // of each large file's start and end

/// Whether a file of a Hugging Face directory can change an answer. Others may come and go: what a
/// training run or `arena generate` itself leaves there.
bool IsOfTheModel(const std::filesystem::path& file) {
  constexpr std::array<std::string_view, 7> kNames = {"config.json",
                                                      "generation_config.json",
                                                      "tokenizer.json",
                                                      "tokenizer_config.json",
                                                      "special_tokens_map.json",
                                                      "added_tokens.json",
                                                      "vocab.json"};
  const std::string name = file.filename().string();
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") ||
         name.ends_with(".model");
}

}  // namespace

Result<ChatTemplate> FindTemplate(const std::filesystem::path& directory, std::string_view name) {
  if (!name.empty()) return ChatTemplate::Named(name);
  auto own = LoadChatTemplate(directory);
  if (!own.ok() && own.error().code == ErrorCode::kNotFound) return ChatTemplate::Named("chatml");
  return own;
}

bool Stops::Contains(TokenId token) const {
  return std::binary_search(tokens.begin(), tokens.end(), token);
}

Stops FindStops(const ChatTemplate& chat_template, const Tokenizer& tokenizer,
                std::span<const TokenId> model_eos) {
  Stops stops;
  stops.tokens.assign(model_eos.begin(), model_eos.end());
  if (const auto eos = tokenizer.eos_id()) stops.tokens.push_back(*eos);
  for (const std::string& text : chat_template.stop()) {
    const auto token = tokenizer.Find(text);
    if (token && tokenizer.IsSpecial(*token)) {
      stops.tokens.push_back(*token);
    } else if (!text.empty()) {
      stops.texts.push_back(text);
    }
  }
  std::sort(stops.tokens.begin(), stops.tokens.end());
  stops.tokens.erase(std::unique(stops.tokens.begin(), stops.tokens.end()), stops.tokens.end());
  return stops;
}

std::optional<TokenId> FindEndOfText(const Tokenizer& tokenizer,
                                     std::span<const TokenId> model_eos) {
  if (const auto eos = tokenizer.eos_id()) return eos;
  if (model_eos.empty()) return std::nullopt;
  return model_eos.front();
}

void PutBosFirst(const Tokenizer& tokenizer, std::vector<TokenId>& tokens) {
  const auto bos = tokenizer.bos_id();
  const bool has_bos = bos && !tokens.empty() && tokens.front() == *bos;
  if (bos && tokenizer.add_bos() && !has_bos) tokens.insert(tokens.begin(), *bos);
}

// Small files whole; of large ones (weights) the size, the start, which has the header, the end and
// samples between them.
Result<std::string> HashDirectory(const std::filesystem::path& directory,
                                  std::string_view template_source) {
  std::error_code error;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.is_regular_file() && IsOfTheModel(entry.path())) files.push_back(entry.path());
  }
  if (error) return IoError(fmt::format("{}: {}", directory.string(), error.message()));
  std::sort(files.begin(), files.end());
  KeyBuilder builder("local model");
  for (const auto& file : files) {
    ARENA_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::Open(file));
    const std::string_view bytes = mapped.bytes();
    builder.Add(file.filename().string()).Add(static_cast<std::int64_t>(bytes.size()));
    if (bytes.size() <= 2 * kHashedBytes) {
      builder.Add(bytes);
      continue;
    }
    builder.Add(bytes.substr(0, kHashedBytes)).Add(bytes.substr(bytes.size() - kHashedBytes));
    // 64 bytes of every MiB between them: training changes all of it.
    for (std::size_t at = kHashedBytes; at < bytes.size() - kHashedBytes; at += kHashedBytes) {
      builder.Add(bytes.substr(at, 64));
    }
  }
  builder.Add(template_source);
  return builder.Build().Hex();
}

}  // namespace arena
