#include "cli/train_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

namespace arena {

/// The last event of each type, but for the warnings, which are kept all.
struct TrainingLog::State {
  Json start = Json::object();
  Json step = Json::object();
  Json eval = Json::object();
  Json done = Json::object();
  std::vector<std::string> warnings;
};

namespace {

double Number(const Json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_number() ? found->get<double>() : 0;
}

std::int64_t Count(const Json& event, const char* name) {
  return static_cast<std::int64_t>(Number(event, name));
}

std::string StepLine(const Json& step) {
  const std::int64_t steps = std::max<std::int64_t>(Count(step, "steps"), 1);
  return fmt::format("step {} of {} ({:.0f}%), loss {:.4f}, {:.0f} tokens/s, {} left",
                     Count(step, "step"), steps,
                     100.0 * Number(step, "step") / static_cast<double>(steps),
                     Number(step, "loss"), Number(step, "tokens_per_second"),
                     FormatDuration(std::chrono::duration<double>(Number(step, "eta_seconds"))));
}

// "loss 1.25, accuracy 0.75": the numbers of an event that are no place or time.
std::string Measures(const Json& event) {
  constexpr std::array<std::string_view, 4> kOthers = {"step", "steps", "eta_seconds", "seconds"};
  std::vector<std::string> measures;
  for (const auto& [name, value] : event.items()) {
    const bool is_other = std::find(kOthers.begin(), kOthers.end(), name) != kOthers.end();
    if (value.is_number() && !is_other) {
      measures.push_back(fmt::format("{} {:.4g}", name, value.get<double>()));
    }
  }
  return fmt::format("{}", fmt::join(measures, ", "));
}

// "12 left out (9 too long, 3 empty)".
std::string LeftOutText(const TrainingDataReport& report) {
  const std::array<std::pair<std::int64_t, std::string_view>, 5> kinds = {
      {{report.bad_rows, "not valid"},
       {report.too_long, "too long"},
       {report.empty, "empty"},
       {report.masked, "with nothing to learn"},
       {report.identical, "with the same answer twice"}}};
  std::vector<std::string> parts;
  for (const auto& [count, what] : kinds) {
    if (count > 0) parts.push_back(fmt::format("{} {}", count, what));
  }
  return fmt::format("{} left out ({})", report.left_out(), fmt::join(parts, ", "));
}

std::string DataText(std::string_view name, const TrainingDataReport& report) {
  std::string text =
      fmt::format("{}: {} examples of {} rows, {} tokens, of which {} are learned", name,
                  report.examples, report.rows, report.tokens, report.learned_tokens);
  if (report.cut > 0) text += fmt::format("; {} were cut", report.cut);
  if (report.left_out() > 0) text += fmt::format("; {}:", LeftOutText(report));
  text += '\n';
  for (const std::string& problem : report.problems) text += fmt::format("  {}\n", problem);
  return text;
}

Json DataJson(const TrainingDataReport& report) {
  Json files = Json::array();
  for (const SourceFile& file : report.files) {
    files.push_back({{"path", file.path.string()}, {"examples", file.examples}});
  }
  return {{"files", std::move(files)},
          {"rows", report.rows},
          {"examples", report.examples},
          {"tokens", report.tokens},
          {"learned_tokens", report.learned_tokens},
          {"longest", report.longest},
          {"cut", report.cut},
          {"left_out", report.left_out()},
          {"bad_rows", report.bad_rows},
          {"too_long", report.too_long},
          {"empty", report.empty},
          {"masked", report.masked},
          {"identical", report.identical},
          {"problems", report.problems}};
}

std::string ResultText(const TrainingJobOptions& options, const TrainingRunEnd& end,
                       const TrainingLog::State& state) {
  const std::string out = options.out.string();
  if (end.interrupted) {
    return fmt::format(
        "Interrupted after step {}. Run the same command again to continue from the last "
        "checkpoint.\n",
        end.step);
  }
  std::string text =
      fmt::format("{}: {} from {}, {} steps in {}.\n", out, TrainerName(options.trainer),
                  options.model.string(), end.step,
                  FormatDuration(std::chrono::duration<double>(Number(state.done, "seconds"))));
  if (!state.step.empty()) text += fmt::format("Last step: {}\n", Measures(state.step));
  if (!state.eval.empty()) text += fmt::format("Last evaluation: {}\n", Measures(state.eval));
  text += fmt::format("Metrics: {0}/metrics.jsonl, {0}/tensorboard\n", out);
  if (options.trainer == Trainer::kRewardModel) {
    return text + fmt::format("Next: arena train ppo --reward-model {} ...\n", out);
  }
  return text + fmt::format("Next: arena generate --model {} --input FILE --output FILE\n", out);
}

}  // namespace

TrainingLog::TrainingLog(const Clock& clock, bool quiet)
    : progress_("rows", clock, quiet), quiet_(quiet), state_(std::make_unique<State>()) {}

TrainingLog::~TrainingLog() { progress_.Finish(); }

void TrainingLog::RowsRead(std::int64_t rows) { progress_.Show(fmt::format("{} rows read", rows)); }

void TrainingLog::Say(const std::string& line) {
  if (quiet_) return;
  progress_.Finish();
  fmt::print(stderr, "{}\n", line);
}

void TrainingLog::Warn(const std::string& message) {
  state_->warnings.push_back(message);
  Say("warning: " + message);
}

void TrainingLog::Take(const Json& event) {
  const std::string type = event.value("type", "");
  if (type == "warning") {
    Warn(event.value("message", ""));
  } else if (type == "start") {
    state_->start = event;
    Say(fmt::format("{} steps from step {}, {} examples, {} of {} weights are trained, {}",
                    Count(event, "steps"), Count(event, "step"), Count(event, "examples"),
                    Count(event, "trainable"), Count(event, "parameters"),
                    event.value("precision", "")));
  } else if (type == "step") {
    state_->step = event;
    progress_.Show(StepLine(event));
  } else if (type == "eval") {
    state_->eval = event;
    Say(fmt::format("step {}: {}", Count(event, "step"), Measures(event)));
  } else if (type == "done") {
    state_->done = event;
    progress_.Finish();
  }
}

Json TrainingReportJson(const TrainingJobOptions& options, const PreparedTraining& prepared,
                        const TrainingRunEnd& end, const TrainingLog& log) {
  const TrainingLog::State& state = log.state();
  Json json = {{"trainer", TrainerName(options.trainer)},
               {"model", options.model.string()},
               {"out", options.out.string()},
               {"interrupted", end.interrupted},
               {"step", end.step},
               {"seconds", Number(state.done, "seconds")},
               {"start", state.start},
               {"last_step", state.step},
               {"last_eval", state.eval},
               {"data", DataJson(prepared.data)}};
  if (prepared.eval_data) json["eval_data"] = DataJson(*prepared.eval_data);
  if (prepared.ptx_data) json["ptx_data"] = DataJson(*prepared.ptx_data);
  json["metrics"] = (options.out / "metrics.jsonl").string();
  json["tensorboard"] = (options.out / "tensorboard").string();
  json["warnings"] = state.warnings;
  for (const char* event : {"start", "last_step", "last_eval"}) json[event].erase("type");
  return json;
}

std::string TrainingReportText(const TrainingJobOptions& options, const PreparedTraining& prepared,
                               const TrainingRunEnd& end, const TrainingLog& log) {
  std::string text = DataText("Data", prepared.data);
  if (prepared.eval_data) text += DataText("Evaluation data", *prepared.eval_data);
  if (prepared.ptx_data) text += DataText("Data of the added term", *prepared.ptx_data);
  return text + ResultText(options, end, log.state());
}

}  // namespace arena
