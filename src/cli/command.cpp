#include "cli/command.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

namespace arena {
namespace {

Exit ExitFor(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidInput:
    case ErrorCode::kNotFound:
      return Exit::kUsage;
    case ErrorCode::kCancelled:
      return Exit::kInterrupted;
    case ErrorCode::kUnavailable:
    case ErrorCode::kIo:
    case ErrorCode::kInternal:
      return Exit::kFailed;
  }
  return Exit::kFailed;
}

}  // namespace

void AddJsonOption(CLI::App& command, CommonOptions& options) {
  command.add_flag("--json", options.json, "One JSON document on stdout");
}

void AddConfigOptions(CLI::App& command, CommonOptions& options) {
  command.add_option("-c,--config", options.config, "Configuration")
      ->type_name("FILE")
      ->capture_default_str()
      ->each([&options](const std::string&) { options.config_given = true; });
  command
      .add_option("--set", options.overrides, "Override a setting, for example battle.threads=2")
      ->type_name("TABLE.KEY=VALUE");
}

std::string GivenConfig(const CommonOptions& options) {
  return options.config_given ? options.config : "";
}

void AddMaxCostOption(CLI::App& command, double& max_cost_usd) {
  command
      .add_option("--max-cost", max_cost_usd,
                  "Stop before this run's requests could cost more than so many US dollars")
      ->check(CLI::NonNegativeNumber)
      ->type_name("USD");
}

void OnRun(CLI::App& command, Exit& exit, std::function<Result<Exit>()> body) {
  command.callback([&exit, name = command.get_name(), body = std::move(body)] {
    Result<Exit> result = body();
    if (result.ok()) {
      exit = *result;
      return;
    }
    fmt::print(stderr, "arena {}: {}\n", name, result.error().message);
    exit = ExitFor(result.error());
  });
}

TableStyle StdoutTableStyle() {
  TableStyle style;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  style.color = terminal && std::getenv("NO_COLOR") == nullptr;
  winsize size{};
  if (terminal && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.width = size.ws_col;
  }
  return style;
}

void PrintText(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void PrintJson(const Json& json) { PrintText(DumpJson(json, 2) + "\n"); }

}  // namespace arena
