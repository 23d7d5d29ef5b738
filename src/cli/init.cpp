// `arena init [DIR]`: a commented arena.toml and sample data.
#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "base/file.h"
#include "cli/command.h"
#include "cli/sample_files.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

struct InitArguments {
  CommonOptions common;
  std::string directory = ".";
};

Result<Exit> RunInit(const InitArguments& arguments) {
  const fs::path directory = arguments.directory;
  // All checks come first: a refused command leaves nothing behind.
  for (const SampleFile& file : SampleFiles()) {
    if (fs::exists(directory / file.name)) {
      return InvalidInput(fmt::format("{} exists already; nothing was written. Name another folder",
                                      (directory / file.name).string()));
    }
  }
  Json written = Json::array();
  for (const SampleFile& file : SampleFiles()) {
    const fs::path path = directory / file.name;
    ARENA_RETURN_IF_ERROR(MakeFolder(path.parent_path()));
    ARENA_RETURN_IF_ERROR(WriteFileAtomic(path, file.content));
    written.push_back(path.string());
  }
  if (arguments.common.json) {
    PrintJson({{"written", written}});
    return Exit::kDone;
  }
  for (const Json& path : written) PrintText(fmt::format("wrote {}\n", path.get<std::string>()));
  const std::string enter =
      arguments.directory == "." ? "" : fmt::format("cd {} && ", arguments.directory);
  PrintText(fmt::format("Next: {}arena doctor && arena battle && arena rank\n", enter));
  return Exit::kDone;
}

}  // namespace

void AddInit(CLI::App& app, Exit& exit) {
  CLI::App& command =
      *app.add_subcommand("init", "Write a commented arena.toml and sample data to start from");
  auto arguments = std::make_shared<InitArguments>();
  command.add_option("DIR", arguments->directory, "Where")->capture_default_str();
  AddJsonOption(command, arguments->common);
  command.footer("Example:\n  arena init demo");
  OnRun(command, exit, [arguments] { return RunInit(*arguments); });
}

}  // namespace arena
