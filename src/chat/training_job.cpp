#include "chat/training_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "base/json.h"
#include "chat/internal/model_directory.h"
#include "checkpoint/config.h"
#include "checkpoint/token_data.h"
#include "text/chat_template.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMaxTokens = "max_tokens";
constexpr std::string_view kTemplateFile = "chat_template.jinja";

/// What a training leaves in its folder besides data, job and model.
constexpr std::array<std::string_view, 3> kResults = {"checkpoints", "metrics.jsonl",
                                                      "tensorboard"};

constexpr std::array<std::string_view, 8> kTokenizerFiles = {"tokenizer.json",
                                                             "tokenizer.model",
                                                             "tokenizer_config.json",
                                                             "special_tokens_map.json",
                                                             "added_tokens.json",
                                                             "vocab.json",
                                                             "merges.txt",
                                                             kTemplateFile};

Result<Json> ParseSettings(const std::vector<std::string>& settings) {
  Json parsed = Json::object();
  for (const std::string& setting : settings) {
    const auto equals = setting.find('=');
    if (equals == 0 || equals == std::string::npos) {
      return InvalidInput(fmt::format("--set {}: a setting is KEY=VALUE", setting));
    }
    const std::string key = setting.substr(0, equals);
    if (parsed.contains(key)) return InvalidInput(fmt::format("--set {} is there twice", key));
    parsed[key] = setting.substr(equals + 1);
  }
  return parsed;
}

// The setting max_tokens; 0: not set.
Result<std::int64_t> MaxTokens(const Json& settings) {
  const auto found = settings.find(kMaxTokens);
  if (found == settings.end()) return 0;
  const auto text = found->get<std::string>();
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && value > 0) return value;
  return InvalidInput(fmt::format("--set {}={}: should be a number of tokens", kMaxTokens, text));
}

template <typename T>
Key KeyOf(const std::vector<T>& values) {
  const auto bytes = std::as_bytes(std::span(values));
  return HashBytes({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string KeyOf(const TokenData& data) {
  return KeyBuilder("token data")
      .Add(KeyOf(data.tokens))
      .Add(KeyOf(data.ends))
      .Add(KeyOf(data.loss))
      .Add(KeyOf(data.margins))
      .Build()
      .Hex();
}

Json FilesJson(const TrainingDataReport& report) {
  Json files = Json::array();
  for (const SourceFile& file : report.files) {
    files.push_back({{"path", file.path.string()}, {"examples", file.examples}});
  }
  return files;
}

std::string ShowValue(const Json& object, const std::string& key) {
  const auto found = object.find(key);
  if (found == object.end()) return "not set";
  return found->is_string() ? found->get<std::string>() : DumpJson(*found);
}

// What differs between two origins, for people.
std::vector<std::string> Differences(const Json& before, const Json& now) {
  std::vector<std::string> differences;
  const auto compare = [&](const Json& old_values, const Json& new_values, auto describe) {
    Json all = old_values;
    all.update(new_values);
    for (const auto& [key, ignored] : all.items()) {
      const std::string old_value = ShowValue(old_values, key);
      const std::string new_value = ShowValue(new_values, key);
      if (old_value != new_value) differences.push_back(describe(key, old_value, new_value));
    }
  };
  compare(before.value("depends_on", Json::object()), now.at("depends_on"),
          [](const std::string& key, const std::string& old_value, const std::string& new_value) {
            if (key == "trainer") {
              return fmt::format("the trainer was {} and is {}", old_value, new_value);
            }
            return fmt::format("another {}", key);
          });
  compare(before.value("settings", Json::object()), now.at("settings"),
          [](const std::string& key, const std::string& old_value, const std::string& new_value) {
            return fmt::format("{} was {} and is {}", key, old_value, new_value);
          });
  return differences;
}

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool IsSame(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

class Preparation {
 public:
  Preparation(const TrainingJobOptions& options, FunctionRef<void(std::int64_t)> progress)
      : options_(options), progress_(progress) {}

  Result<PreparedTraining> Run() {
    ARENA_ASSIGN_OR_RETURN(settings_, ParseSettings(options_.settings));
    ARENA_ASSIGN_OR_RETURN(const std::int64_t max_tokens, MaxTokens(settings_));
    ARENA_RETURN_IF_ERROR(CheckFolders());
    ARENA_RETURN_IF_ERROR(CheckModel());
    ARENA_ASSIGN_OR_RETURN(const TrainingEncoder encoder,
                           TrainingEncoder::Load({options_.model, options_.chat_template,
                                                  max_tokens, options_.too_long}));
    prepared_.warnings = encoder.warnings();
    prepared_.template_source = encoder.template_source();
    depends_on_ = {{"trainer", TrainerName(options_.trainer)}, {"model", encoder.version()}};
    ARENA_RETURN_IF_ERROR(CheckRewardModel(encoder));
    ARENA_RETURN_IF_ERROR(EncodeAll(encoder));
    ARENA_RETURN_IF_ERROR(CheckOrigin());
    ARENA_RETURN_IF_ERROR(WriteAll());
    return std::move(prepared_);
  }

 private:
  struct Part {
    std::string name;  ///< of its file and its member of job.json
    TokenData tokens;
  };

  fs::path DataFolder() const {
    const fs::path data = fs::absolute(options_.out) / "data";
    return options_.rank > 0 ? data / fmt::format("rank-{}", options_.rank) : data;
  }
  fs::path OriginFile() const { return DataFolder() / "origin.json"; }
  fs::path JobFile() const {
    return options_.rank > 0 ? DataFolder() / "job.json" : fs::absolute(options_.out) / "job.json";
  }
  fs::path TokenFile(const Part& part) const { return DataFolder() / (part.name + ".safetensors"); }

  Status CheckFolders() const {
    const std::string out = options_.out.string();
    if (IsSame(options_.out, options_.model) || IsSame(options_.out, options_.reward_model)) {
      return InvalidInput(
          fmt::format("--out {} is the model itself; the result needs another folder", out));
    }
    const bool is_ours = options_.overwrite || options_.rank > 0 || Exists(OriginFile());
    for (const char* name : {"config.json", "checkpoints"}) {
      if (is_ours || !Exists(options_.out / name)) continue;
      return InvalidInput(
          fmt::format("--out {} holds a {} that is not of this training; take another folder, or "
                      "--overwrite",
                      out, name));
    }
    return {};
  }

  Status CheckModel() const {
    ARENA_ASSIGN_OR_RETURN(const ModelConfig config, LoadConfig(options_.model));
    if (config.has_language_head() || options_.trainer == Trainer::kRewardModel) return {};
    return InvalidInput(fmt::format("{}: is a reward model, which {} cannot train",
                                    options_.model.string(), TrainerName(options_.trainer)));
  }

  // Its input is token ids, so it must have been trained with the same vocabulary.
  Status CheckRewardModel(const TrainingEncoder& encoder) {
    if (options_.reward_model.empty()) return {};
    const std::string name = options_.reward_model.string();
    ARENA_ASSIGN_OR_RETURN(const ModelConfig config, LoadConfig(options_.reward_model));
    if (config.architecture != Architecture::kLlamaSequenceClassification) {
      return InvalidInput(
          fmt::format("{}: is no reward model; make one with arena train rm", name));
    }
    ARENA_ASSIGN_OR_RETURN(const auto tokenizer, LoadTokenizer(options_.reward_model));
    if (tokenizer->Vocabulary().tokens != encoder.tokenizer().Vocabulary().tokens) {
      return InvalidInput(
          fmt::format("{}: has another vocabulary than {}", name, options_.model.string()));
    }
    ARENA_ASSIGN_OR_RETURN(depends_on_["reward model"], HashDirectory(options_.reward_model, ""));
    return {};
  }

  Status EncodeAll(const TrainingEncoder& encoder) {
    const TrainingTask task = TaskOf(options_.trainer);
    ARENA_ASSIGN_OR_RETURN(prepared_.data, Encode(encoder, "data", task, options_.data));
    if (!options_.eval_data.empty()) {
      ARENA_ASSIGN_OR_RETURN(prepared_.eval_data,
                             Encode(encoder, "eval_data", task, options_.eval_data));
    }
    if (!options_.ptx_data.empty()) {
      ARENA_ASSIGN_OR_RETURN(
          prepared_.ptx_data,
          Encode(encoder, "ptx_data", TrainingTask::kFineTuning, options_.ptx_data));
    }
    return {};
  }

  Result<TrainingDataReport> Encode(const TrainingEncoder& encoder, const std::string& name,
                                    TrainingTask task, const std::vector<fs::path>& files) {
    const TrainingDataOptions options{.task = task,
                                      .format = options_.format,
                                      .files = files,
                                      .skip_bad_rows = options_.skip_bad_rows};
    ARENA_ASSIGN_OR_RETURN(TrainingData data, EncodeTrainingData(encoder, options, progress_));
    depends_on_[name] = KeyOf(data.tokens);
    files_[name] = FilesJson(data.report);
    parts_.push_back({name, std::move(data.tokens)});
    return std::move(data.report);
  }

  Json Origin() const {
    return {{"depends_on", depends_on_}, {"settings", settings_}, {"files", files_}};
  }

  // What was begun and left nothing to continue may be begun otherwise.
  bool HasBegun() const {
    std::error_code ignored;
    const fs::path checkpoints = options_.out / "checkpoints";
    return Exists(options_.out / "config.json") ||
           (Exists(checkpoints) && !fs::is_empty(checkpoints, ignored));
  }

  Status CheckOrigin() const {
    if (options_.overwrite || !HasBegun() || !Exists(OriginFile())) return {};
    ARENA_ASSIGN_OR_RETURN(const std::string text, ReadFile(OriginFile()));
    const auto before = ParseJson(text);
    if (!before.ok() || !before->is_object()) {
      return InvalidInput(
          fmt::format("{}: is damaged; take another --out, or --overwrite", OriginFile().string()));
    }
    const std::vector<std::string> differences = Differences(*before, Origin());
    if (differences.empty()) return {};
    return InvalidInput(fmt::format(
        "--out {} holds another training: {}; take another folder, or --overwrite to start anew",
        options_.out.string(), fmt::join(differences, ", ")));
  }

  Status WriteAll() {
    std::error_code error;
    if ((options_.overwrite || !HasBegun()) && options_.rank == 0) {
      for (const std::string_view name : kResults) fs::remove_all(options_.out / name, error);
    }
    ARENA_RETURN_IF_ERROR(MakeFolder(DataFolder()));
    for (const Part& part : parts_) {
      ARENA_RETURN_IF_ERROR(WriteTokenData(part.tokens, TokenFile(part)));
    }
    ARENA_RETURN_IF_ERROR(WriteFileAtomic(OriginFile(), DumpJson(Origin(), 2) + "\n"));
    prepared_.job = JobFile();
    prepared_.log_folder = fs::absolute(options_.out) / "logs";
    return WriteFileAtomic(JobFile(), DumpJson(Job(), 2) + "\n");
  }

  Json Job() const {
    Json job = {{"trainer", TrainerName(options_.trainer)},
                {"model", fs::absolute(options_.model).string()}};
    for (const Part& part : parts_) job[part.name] = TokenFile(part).string();
    if (!options_.reward_model.empty()) {
      job["reward_model"] = fs::absolute(options_.reward_model).string();
    }
    job["out"] = fs::absolute(options_.out).string();
    job["settings"] = settings_;
    return job;
  }

  const TrainingJobOptions& options_;
  FunctionRef<void(std::int64_t)> progress_;
  Json settings_;
  Json depends_on_;
  Json files_ = Json::object();
  std::vector<Part> parts_;
  PreparedTraining prepared_;
};

}  // namespace

std::string_view TrainerName(Trainer trainer) {
  switch (trainer) {
    case Trainer::kSft:
      return "sft";
    case Trainer::kDpo:
      return "dpo";
    case Trainer::kRewardModel:
      return "rm";
    case Trainer::kPpo:
      return "ppo";
  }
  return "";
}

TrainingTask TaskOf(Trainer trainer) {
  switch (trainer) {
    case Trainer::kSft:
      break;
    case Trainer::kDpo:
    case Trainer::kRewardModel:
      return TrainingTask::kPreferences;
    case Trainer::kPpo:
      return TrainingTask::kPrompts;
  }
  return TrainingTask::kFineTuning;
}

Result<PreparedTraining> PrepareTraining(const TrainingJobOptions& options,
                                         FunctionRef<void(std::int64_t rows)> progress) {
  return Preparation(options, progress).Run();
}

Status CopyTokenizer(const TrainingJobOptions& options, const PreparedTraining& prepared) {
  for (const std::string_view name : kTokenizerFiles) {
    std::error_code error;
    if (!Exists(options.model / name)) continue;
    fs::copy_file(options.model / name, options.out / name, fs::copy_options::overwrite_existing,
                  error);
    if (error) {
      return IoError(fmt::format("{}: {}", (options.out / name).string(), error.message()));
    }
  }
  // What the model was trained with is what it is asked with.
  const auto own = LoadChatTemplate(options.out);
  if (prepared.template_source.empty() || (own.ok() && own->source() == prepared.template_source)) {
    return {};
  }
  return WriteFileAtomic(options.out / kTemplateFile, prepared.template_source);
}

}  // namespace arena
