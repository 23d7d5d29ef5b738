#include "train/events.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "base/json.h"

namespace arena::train {
namespace {

Json Number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

void AddMetrics(std::span<const Metric> metrics, Json& to) {
  for (const Metric& metric : metrics) to[std::string(metric.name)] = Number(metric.value);
}

}  // namespace

void Events::Start(const RunFacts& facts) {
  Write(DumpJson({{"type", "start"},
                  {"steps", facts.steps},
                  {"step", facts.step},
                  {"parameters", facts.parameters},
                  {"trainable", facts.trainable},
                  {"examples", facts.examples},
                  {"precision", facts.precision},
                  {"ranks", facts.ranks},
                  {"resumed", facts.resumed}}));
}

void Events::Step(std::int64_t step, std::int64_t steps, double eta_seconds,
                  std::span<const Metric> metrics) {
  Json json = {{"type", "step"}, {"step", step}, {"steps", steps}};
  json["eta_seconds"] = Number(eta_seconds);
  AddMetrics(metrics, json);
  Write(DumpJson(json));
}

void Events::Evaluated(std::int64_t step, std::span<const Metric> metrics) {
  Json json = {{"type", "eval"}, {"step", step}};
  AddMetrics(metrics, json);
  Write(DumpJson(json));
}

void Events::Saved(std::int64_t step, const std::filesystem::path& path) {
  Write(DumpJson({{"type", "saved"}, {"step", step}, {"path", path.string()}}));
}

void Events::Warn(std::string_view message) {
  Write(DumpJson({{"type", "warning"}, {"message", message}}));
}

void Events::Done(std::int64_t step, double seconds) {
  Write(DumpJson({{"type", "done"}, {"step", step}, {"seconds", seconds}}));
}

void Events::Fail(std::string_view message, bool is_usage) {
  Write(DumpJson({{"type", "error"}, {"message", message}, {"usage", is_usage}}));
}

void Events::Write(const std::string& line) {
  if (fd_ < 0) return;
  WriteAll(fd_, line + '\n');
}

}  // namespace arena::train
