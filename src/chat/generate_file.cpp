#include "chat/generate_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <future>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/file.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "chat/internal/sampling_json.h"
#include "formats/line_reader.h"

namespace arena {
namespace {

constexpr std::size_t kKeptProblems = 20;

struct Row {
  Json json;
  std::string place;  // FILE:LINE
  ChatRequest request;
};

Result<Conversation> ReadMessages(const Json& row) {
  const auto messages = row.find("messages");
  if (messages == row.end() || !messages->is_array() || messages->empty()) {
    return InvalidInput("the row needs \"messages\", a list of messages, or \"prompt\", a text");
  }
  Conversation conversation;
  for (const Json& message : *messages) {
    const auto text = [&](const char* name) -> std::optional<std::string> {
      const auto found = message.is_object() ? message.find(name) : message.end();
      if (!message.is_object() || found == message.end() || !found->is_string()) return {};
      return found->get<std::string>();
    };
    const auto role_name = text("role");
    const auto role = role_name ? ParseRole(*role_name) : std::nullopt;
    const auto content = text("content");
    if (!role || !content) {
      return InvalidInput(
          "each message needs \"role\" (system, user or assistant) and \"content\" (text)");
    }
    conversation.push_back({*role, *content});
  }
  if (conversation.back().role == Role::kAssistant) {
    return InvalidInput("the last message is the assistant's: there is nothing to answer");
  }
  return conversation;
}

/// A row with "prompt" in place of "messages" becomes one with that question.
void TurnPromptIntoMessages(Json& row) {
  const auto prompt = row.find("prompt");
  if (row.contains("messages") || prompt == row.end() || !prompt->is_string()) return;
  Json message = {{"role", "user"}, {"content", *prompt}};
  row["messages"] = Json::array({std::move(message)});
}

/// Rows of the input in order.
class Rows {
 public:
  Rows(LineReader reader, const GenerateFileOptions& options, GenerateFileReport& report)
      : reader_(std::move(reader)), options_(options), report_(report) {}

  /// Nothing at the end.
  Result<std::optional<Row>> Next() {
    while (true) {
      ARENA_ASSIGN_OR_RETURN(const bool more, reader_.Next());
      if (!more) return std::optional<Row>();
      if (reader_.line().find_first_not_of(" \t\r") == std::string_view::npos) continue;
      auto row = Parse(reader_.line());
      if (row.ok()) return std::optional(std::move(*row));
      Error error = InvalidLine(reader_.name(), reader_.number(), row.error().message);
      if (!options_.skip_bad_rows) return error;
      ++report_.skipped;
      if (report_.problems.size() < kKeptProblems) report_.problems.push_back(error.message);
    }
  }

 private:
  Result<Row> Parse(std::string_view line) const {
    Row row;
    ARENA_ASSIGN_OR_RETURN(row.json, ParseJson(line));
    if (!row.json.is_object()) return InvalidInput("the row is no JSON object");
    TurnPromptIntoMessages(row.json);
    ARENA_ASSIGN_OR_RETURN(row.request.conversation, ReadMessages(row.json));
    row.place = fmt::format("{}:{}", reader_.name(), reader_.number());
    row.request.max_new_tokens = options_.max_new_tokens;
    row.request.stop = options_.stop;
    row.request.sampling = options_.sampling;
    row.request.sampling.seed = KeyBuilder("seed of a row")
                                    .Add(static_cast<std::int64_t>(options_.sampling.seed))
                                    .Add(ConversationKey(row.request.conversation))
                                    .Build()
                                    .low;
    return row;
  }

  LineReader reader_;
  const GenerateFileOptions& options_;
  GenerateFileReport& report_;
};

/// What the answers depend on.
Json RunJson(const LocalModel& model, const GenerateFileOptions& options,
             const LoadedModel& loaded) {
  Json json = {{"model_version", model.version()},
               {"precision", loaded.precision},
               {"mode", options.fast ? "fast" : "deterministic"},
               {"unit", options.unit},
               {"max_batch", options.max_batch},
               {"cache_mb", options.cache_mb}};
  AddSampling(options.sampling, json);
  json["max_new_tokens"] = options.max_new_tokens;
  json["stop"] = options.stop;
  json["details"] = options.details;
  return json;
}

/// The output, opened at the end of what an earlier run left whole.
class Output {
 public:
  Output() = default;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// Keeps the rows that `accept` takes, in whole units or, where `is_all` then says that the input
  /// has no more, all of them; cuts off the rest.
  template <typename Accept, typename IsAll>
  Status Open(const GenerateFileOptions& options, const std::string& run, Accept accept,
              IsAll is_all) {
    path_ = options.output.string();
    const std::filesystem::path run_file = path_ + ".run.json";
    std::error_code ignored;
    if (std::filesystem::equivalent(options.input, options.output, ignored)) {
      return InvalidInput(fmt::format("{} is the input; the output needs another name", path_));
    }
    const bool exists = std::filesystem::exists(options.output, ignored) && !options.overwrite;
    std::uintmax_t kept_bytes = 0;
    if (exists) {
      const auto before = ReadFile(run_file);
      if (!before.ok() || *before != run) {
        return InvalidInput(fmt::format(
            "{} was made with other settings or another model (see {}); use --overwrite or another "
            "name",
            path_, run_file.string()));
      }
      ARENA_ASSIGN_OR_RETURN(kept_bytes, CountKept(options.unit, accept, is_all));
    } else {
      // Before the settings: a run that ends here must not leave old rows beside new settings.
      std::filesystem::resize_file(options.output, 0, ignored);
    }
    ARENA_RETURN_IF_ERROR(WriteFileAtomic(run_file, run));
    descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(kept_bytes)) != 0 ||
        ::lseek(descriptor_, 0, SEEK_END) < 0) {
      return IoError(fmt::format("cannot write {}", path_));
    }
    return {};
  }

  std::int64_t kept_rows() const { return kept_rows_; }

  Status Append(std::string_view bytes) {
    if (WriteAll(descriptor_, bytes)) return {};
    return IoError(fmt::format("cannot write {}; is the disk full?", path_));
  }

 private:
  template <typename Accept, typename IsAll>
  Result<std::uintmax_t> CountKept(std::size_t unit, Accept accept, IsAll is_all) {
    ARENA_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(InputSource::File(path_)));
    std::uintmax_t bytes = 0;
    std::uintmax_t whole_units = 0;
    std::int64_t rows = 0;
    while (true) {
      ARENA_ASSIGN_OR_RETURN(const bool more, reader.Next());
      if (!more || !reader.terminated()) break;
      ARENA_RETURN_IF_ERROR(accept(reader.line(), rows));
      bytes += reader.line().size() + 1;
      ++rows;
      if (static_cast<std::size_t>(rows) % unit == 0) {
        whole_units = bytes;
        kept_rows_ = rows;
      }
    }
    ARENA_ASSIGN_OR_RETURN(const bool all, is_all());
    if (!all) return whole_units;
    kept_rows_ = rows;
    return bytes;
  }

  std::string path_;
  int descriptor_ = -1;
  std::int64_t kept_rows_ = 0;
};

/// Lines that are not empty.
Result<std::int64_t> CountRows(const std::filesystem::path& path) {
  ARENA_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(InputSource::File(path)));
  std::int64_t rows = 0;
  while (true) {
    ARENA_ASSIGN_OR_RETURN(const bool more, reader.Next());
    if (!more) return rows;
    if (reader.line().find_first_not_of(" \t\r") != std::string_view::npos) ++rows;
  }
}

using Replies = std::vector<Result<ChatReply>>;

class Generator {
 public:
  Generator(LocalModel& model, const GenerateFileOptions& options,
            FunctionRef<void(std::int64_t, std::int64_t)> progress)
      : model_(model), options_(options), progress_(progress) {}

  Result<GenerateFileReport> Run() {
    ARENA_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(InputSource::File(options_.input)));
    Rows rows(std::move(reader), options_, report_);
    ARENA_RETURN_IF_ERROR(OpenOutput());
    ARENA_ASSIGN_OR_RETURN(total_, CountRows(options_.input));
    for (std::int64_t i = 0; i < output_.kept_rows(); ++i) {
      ARENA_RETURN_IF_ERROR(rows.Next());
    }
    report_.kept = report_.rows = output_.kept_rows();
    report_.skipped = 0;
    report_.problems.clear();
    const std::size_t in_flight =
        options_.fast ? 1 + 2 * options_.workers * static_cast<std::size_t>(options_.max_batch) /
                                options_.unit
                      : 2 * options_.workers;
    bool at_end = false;
    while (true) {
      while (!at_end && !Interrupted() && units_.size() < in_flight) {
        ARENA_ASSIGN_OR_RETURN(at_end, StartUnit(rows));
      }
      if (units_.empty()) break;
      ARENA_RETURN_IF_ERROR(FinishUnit());
    }
    report_.interrupted = !at_end;
    if (options_.fast && !check_.empty()) CheckAgainstUnit();
    return std::move(report_);
  }

 private:
  struct Unit {
    std::vector<Row> rows;
    std::future<Replies> replies;
  };

  Status OpenOutput() {
    const std::string run = DumpJson(RunJson(model_, options_, model_.pool().model()), 2) + "\n";
    ARENA_ASSIGN_OR_RETURN(LineReader reader, LineReader::Open(InputSource::File(options_.input)));
    GenerateFileReport ignored;
    Rows inputs(std::move(reader), options_, ignored);
    // An output row belongs to its input row if it begins with the same messages.
    const auto accept = [&](std::string_view line, std::int64_t row) -> Status {
      ARENA_ASSIGN_OR_RETURN(const std::optional<Row> input, inputs.Next());
      auto output = ParseJson(line);
      bool same = input && output.ok() && output->is_object() && output->contains("messages");
      if (same) {
        Json& messages = (*output)["messages"];
        const Json& asked = input->json.at("messages");
        same = messages.is_array() && messages.size() >= asked.size();
        for (std::size_t i = 0; same && i < asked.size(); ++i) same = messages[i] == asked[i];
      }
      if (same) return {};
      return InvalidInput(
          fmt::format("row {} of {} does not belong to {}; use --overwrite or another name",
                      row + 1, options_.output.string(), options_.input.string()));
    };
    const auto is_all = [&]() -> Result<bool> {
      ARENA_ASSIGN_OR_RETURN(const std::optional<Row> input, inputs.Next());
      return !input;
    };
    return output_.Open(options_, run, accept, is_all);
  }

  // True: that was the last.
  Result<bool> StartUnit(Rows& rows) {
    Unit unit;
    bool at_end = false;
    while (unit.rows.size() < options_.unit) {
      ARENA_ASSIGN_OR_RETURN(std::optional<Row> row, rows.Next());
      at_end = !row;
      if (at_end) break;
      unit.rows.push_back(std::move(*row));
    }
    if (unit.rows.empty()) return true;
    std::vector<ChatRequest> requests;
    for (const Row& row : unit.rows) requests.push_back(row.request);
    unit.replies = std::async(std::launch::async, [this, requests = std::move(requests)] {
      return options_.fast ? AskEach(requests) : model_.AskAsUnit(requests);
    });
    units_.push_back(std::move(unit));
    return at_end;
  }

  Replies AskEach(const std::vector<ChatRequest>& requests) const {
    std::vector<std::future<Result<ChatReply>>> waiting;
    for (const ChatRequest& request : requests) {
      auto promise = std::make_shared<std::promise<Result<ChatReply>>>();
      waiting.push_back(promise->get_future());
      const auto asked = model_.Ask(
          request, [promise](Result<ChatReply> reply) { promise->set_value(std::move(reply)); });
      if (!asked.ok()) promise->set_value(Error(asked.error()));
    }
    Replies replies;
    for (auto& future : waiting) replies.push_back(future.get());
    return replies;
  }

  Status FinishUnit() {
    Unit unit = std::move(units_.front());
    units_.pop_front();
    const Replies replies = unit.replies.get();
    std::string lines;
    for (std::size_t i = 0; i < unit.rows.size(); ++i) {
      // A model that is gone fails every row to come: that ends the run, and running again goes on.
      if (!replies[i].ok() && replies[i].error().code == ErrorCode::kUnavailable) {
        return Error(replies[i].error());
      }
      lines += DumpJson(Answered(unit.rows[i], replies[i])) + "\n";
    }
    ARENA_RETURN_IF_ERROR(output_.Append(lines));
    if (options_.fast && check_.empty()) RememberForCheck(unit, replies);
    report_.rows += static_cast<std::int64_t>(unit.rows.size());
    progress_(report_.rows, total_);
    return {};
  }

  Json Answered(const Row& row, const Result<ChatReply>& reply) {
    Json json = row.json;
    if (!reply.ok()) {
      ++report_.failed;
      if (report_.problems.size() < kKeptProblems) {
        report_.problems.push_back(fmt::format("{}: {}", row.place, reply.error().message));
      }
      json["error"] = reply.error().message;
      return json;
    }
    json["messages"].push_back({{"role", "assistant"}, {"content", reply->text}});
    report_.cut += reply->end == ChatEnd::kLength ? 1 : 0;
    report_.prompt_tokens += reply->prompt_tokens;
    report_.completion_tokens += reply->completion_tokens;
    if (options_.details) {
      json["finish_reason"] = ChatEndName(reply->end);
      json["usage"] = {{"prompt_tokens", reply->prompt_tokens},
                       {"completion_tokens", reply->completion_tokens}};
    }
    return json;
  }

  void RememberForCheck(const Unit& unit, const Replies& replies) {
    for (std::size_t i = 0; i < unit.rows.size(); ++i) {
      if (replies[i].ok()) check_.emplace_back(unit.rows[i].request, replies[i]->text);
    }
  }

  void CheckAgainstUnit() {
    std::vector<ChatRequest> requests;
    for (const auto& [request, text] : check_) requests.push_back(request);
    const Replies again = model_.AskAsUnit(requests);
    for (std::size_t i = 0; i < again.size(); ++i) {
      if (!again[i].ok()) continue;
      ++report_.checked;
      report_.agreeing += again[i]->text == check_[i].second ? 1 : 0;
    }
  }

  LocalModel& model_;
  const GenerateFileOptions& options_;
  FunctionRef<void(std::int64_t, std::int64_t)> progress_;
  std::int64_t total_ = 0;  // rows of the input
  GenerateFileReport report_;
  Output output_;
  std::deque<Unit> units_;
  std::vector<std::pair<ChatRequest, std::string>> check_;  // fast: the first unit
};

}  // namespace

Result<GenerateFileReport> GenerateFile(LocalModel& model, const GenerateFileOptions& options,
                                        FunctionRef<void(std::int64_t, std::int64_t)> progress) {
  return Generator(model, options, progress).Run();
}

}  // namespace arena
