// `arena model`: make, inspect and convert checkpoints.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "checkpoint/checkpoint.h"
#include "checkpoint/gguf.h"
#include "checkpoint/new_model.h"
#include "cli/command.h"
#include "text/byte_tokenizer.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace arena {
namespace {

struct ModelArguments {
  std::filesystem::path directory;
  std::string shape = "mini";
  std::int64_t vocabulary = 0;
  std::uint64_t seed = 1;
  std::string dtype = "bf16";
  std::filesystem::path gguf;
  std::string type = "bf16";
  bool check_weights = false;
  bool json = false;
};

constexpr std::int64_t kMiniVocabulary = 512;
constexpr std::int64_t kLargeVocabulary = 49152;

Result<Exit> RunNew(const ModelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const ModelShape shape, ParseModelShape(arguments.shape));
  const std::int64_t usual = shape == ModelShape::kMini ? kMiniVocabulary : kLargeVocabulary;
  const std::int64_t vocabulary = arguments.vocabulary > 0 ? arguments.vocabulary : usual;
  const auto least = static_cast<std::int64_t>(kSmallestByteVocabulary);
  if (vocabulary < least) {
    return InvalidInput(
        fmt::format("--vocabulary {}: a byte tokenizer has at least {} tokens", vocabulary, least));
  }
  ModelConfig config = ShapeConfig(shape, vocabulary);
  config.bos_id = 0;
  config.eos_ids = {2};
  config.pad_id = 0;
  config.dtype = arguments.dtype == "f32" ? DType::kF32 : DType::kBf16;
  ARENA_RETURN_IF_ERROR(NewModel(config, arguments.seed, arguments.directory));
  ARENA_RETURN_IF_ERROR(
      WriteByteTokenizer(arguments.directory, static_cast<std::size_t>(vocabulary)));
  PrintText(
      fmt::format("{}: a model of the shape {} with random weights (seed {}) and a byte "
                  "tokenizer of {} tokens.\nNext: arena model info {}\n",
                  arguments.directory.string(), arguments.shape, arguments.seed, vocabulary,
                  arguments.directory.string()));
  return Exit::kDone;
}

std::int64_t Parameters(const Checkpoint& checkpoint) {
  std::int64_t count = 0;
  for (const TensorView& tensor : checkpoint.tensors()) {
    std::int64_t elements = 1;
    for (const std::int64_t size : tensor.shape) elements *= size;
    count += elements;
  }
  return count;
}

std::string_view TokenizerKindName(TokenizerKind kind) {
  switch (kind) {
    case TokenizerKind::kByteLevelBpe:
      return "byte-level BPE";
    case TokenizerKind::kSentencePieceBpe:
      return "SentencePiece BPE";
    case TokenizerKind::kSentencePieceUnigram:
      return "SentencePiece unigram";
  }
  return "";
}

Json InfoJson(const Checkpoint& checkpoint, const ModelArguments& arguments) {
  const ModelConfig& config = checkpoint.config();
  Json json = {{"directory", checkpoint.directory().string()},
               {"architecture", ArchitectureName(config.architecture)},
               {"parameters", Parameters(checkpoint)},
               {"tensors", checkpoint.tensors().size()},
               {"bytes", checkpoint.total_bytes()},
               {"dtype", DTypeName(checkpoint.tensors().front().dtype)},
               {"hidden_size", config.hidden_size},
               {"layers", config.layers},
               {"heads", config.heads},
               {"kv_heads", config.kv_heads},
               {"head_dim", config.head_dim},
               {"intermediate_size", config.intermediate_size},
               {"vocabulary", config.vocab_size},
               {"context", config.max_position_embeddings},
               {"rope", RopeKindName(config.rope.kind)},
               {"sliding_window", config.sliding_window},
               {"tied_head", config.tie_word_embeddings}};
  if (const auto tokenizer = LoadTokenizer(arguments.directory); tokenizer.ok()) {
    json["tokenizer"] = TokenizerKindName((*tokenizer)->Vocabulary().kind);
    json["tokens"] = (*tokenizer)->vocabulary_size();
  } else {
    json["tokenizer_error"] = tokenizer.error().message;
  }
  const auto chat_template = LoadChatTemplate(arguments.directory);
  json["chat_template"] = chat_template.ok();
  if (!chat_template.ok() && chat_template.error().code != ErrorCode::kNotFound) {
    json["chat_template_error"] = chat_template.error().message;
  }
  json["warnings"] = checkpoint.warnings();
  return json;
}

Result<Exit> RunInfo(const ModelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(arguments.directory));
  Json json = InfoJson(checkpoint, arguments);
  Exit exit = Exit::kDone;
  if (arguments.check_weights) {
    const auto found = checkpoint.FindNonFinite();
    json["weights"] = found ? Describe(*found) : "all finite";
    if (found) exit = Exit::kFailed;
  }
  if (arguments.json) {
    PrintJson(json);
    return exit;
  }
  std::string text;
  for (const auto& [name, value] : json.items()) {
    if (value.is_array() && value.empty()) continue;
    text += fmt::format("{:<18} {}\n", name,
                        value.is_string() ? value.get<std::string>() : DumpJson(value));
  }
  PrintText(text);
  return exit;
}

std::optional<std::int64_t> Wide(std::optional<TokenId> id) {
  return id ? std::optional<std::int64_t>(*id) : std::nullopt;
}

GgufVocabulary MakeGgufVocabulary(const Tokenizer& tokenizer, const ModelConfig& config) {
  VocabularyView view = tokenizer.Vocabulary();
  GgufVocabulary vocabulary;
  vocabulary.model = view.kind == TokenizerKind::kByteLevelBpe       ? "gpt2"
                     : view.kind == TokenizerKind::kSentencePieceBpe ? "llama"
                                                                     : "t5";
  vocabulary.pre = std::move(view.pre_tokenizer);
  vocabulary.tokens = std::move(view.tokens);
  if (view.kind != TokenizerKind::kByteLevelBpe) vocabulary.scores = std::move(view.scores);
  for (const TokenType type : view.types) {
    vocabulary.kinds.push_back(static_cast<GgufTokenKind>(type));
  }
  vocabulary.merges = std::move(view.merges);
  vocabulary.bos_id = Wide(tokenizer.bos_id());
  vocabulary.eos_id = Wide(tokenizer.eos_id());
  if (!vocabulary.eos_id && !config.eos_ids.empty()) vocabulary.eos_id = config.eos_ids.front();
  vocabulary.unknown_id = Wide(tokenizer.unk_id());
  vocabulary.pad_id = config.pad_id;
  vocabulary.add_bos = tokenizer.add_bos();
  vocabulary.add_eos = tokenizer.add_eos();
  vocabulary.add_space_prefix = view.add_space_prefix;
  return vocabulary;
}

Result<Exit> RunModelExport(const ModelArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(arguments.directory));
  ARENA_ASSIGN_OR_RETURN(const auto tokenizer, LoadTokenizer(arguments.directory));
  GgufOptions options;
  ARENA_ASSIGN_OR_RETURN(options.type, ParseGgufType(arguments.type));
  GgufVocabulary vocabulary = MakeGgufVocabulary(*tokenizer, checkpoint.config());
  if (const auto own = LoadChatTemplate(arguments.directory); own.ok()) {
    vocabulary.chat_template = own->source();
  }
  ARENA_RETURN_IF_ERROR(ExportGguf(checkpoint, vocabulary, options, arguments.gguf));
  PrintText(fmt::format("{}: {} ({:.1f} MB)\n", arguments.gguf.string(), arguments.type,
                        static_cast<double>(std::filesystem::file_size(arguments.gguf)) / 1e6));
  return Exit::kDone;
}

}  // namespace

void AddModel(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand("model", "Make, inspect and convert checkpoints");
  command.require_subcommand(1);
  command.footer("Example:\n  arena model new --shape mini --out DIR && arena model info DIR");
  auto arguments = std::make_shared<ModelArguments>();

  CLI::App& make = *command.add_subcommand("new", "Random weights in Hugging Face layout");
  make.add_option("--shape", arguments->shape, "mini, 60m or 135m")
      ->check(CLI::IsMember({"mini", "60m", "135m"}));
  make.add_option("--out", arguments->directory, "Where; made if need be")
      ->required()
      ->type_name("DIR");
  make.add_option("--vocabulary", arguments->vocabulary,
                  "Tokens; 0 (default): 512 for mini, else 49152");
  make.add_option("--seed", arguments->seed, "Of the weights");
  make.add_option("--dtype", arguments->dtype, "bf16 or f32")
      ->check(CLI::IsMember({"bf16", "f32"}));
  make.footer("Example:\n  arena model new --shape 135m --out random-135m");
  OnRun(make, exit, [arguments] { return RunNew(*arguments); });

  CLI::App& info = *command.add_subcommand("info", "What a checkpoint is, and whether it is whole");
  info.add_option("DIR", arguments->directory, "A Hugging Face directory")->required();
  info.add_flag("--check-weights", arguments->check_weights, "Read all weights; NaN fails");
  info.add_flag("--json", arguments->json, "One JSON document on stdout");
  info.footer("Example:\n  arena model info DIR --check-weights");
  OnRun(info, exit, [arguments] { return RunInfo(*arguments); });

  CLI::App& convert = *command.add_subcommand("export", "A GGUF file for llama.cpp and its kin");
  convert.add_option("--model", arguments->directory, "A Hugging Face directory")
      ->required()
      ->type_name("DIR");
  convert.add_option("--gguf", arguments->gguf, "The file to write")->required()->type_name("FILE");
  convert.add_option("--type", arguments->type, "f32, f16, bf16 or q8_0")
      ->check(CLI::IsMember({"f32", "f16", "bf16", "q8_0"}));
  convert.footer("Example:\n  arena model export --model DIR --gguf model.gguf --type q8_0");
  OnRun(convert, exit, [arguments] { return RunModelExport(*arguments); });
}

}  // namespace arena
