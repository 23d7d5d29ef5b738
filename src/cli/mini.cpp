// `arena mini`: a small world of tasks to train and compare tiny models in.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "miniworld/write_world.h"

namespace arena {
namespace {

struct MiniArguments {
  std::filesystem::path directory;
  mini::WorldOptions world;
  std::vector<std::string> families;
  bool graded = false;
  bool json = false;
};

Result<std::vector<mini::Family>> ChosenFamilies(const MiniArguments& arguments) {
  std::vector<mini::Family> chosen;
  for (const std::string& name : arguments.families) {
    ARENA_ASSIGN_OR_RETURN(const mini::Family family, mini::ParseFamily(name));
    if (std::find(chosen.begin(), chosen.end(), family) == chosen.end()) chosen.push_back(family);
  }
  if (!chosen.empty()) return chosen;
  for (const mini::Family family : mini::AllFamilies()) {
    if (arguments.graded || !mini::IsGraded(family)) chosen.push_back(family);
  }
  return chosen;
}

void PrintFiles(const MiniArguments& arguments, const std::vector<mini::WrittenFile>& files) {
  std::string text;
  for (const mini::WrittenFile& file : files) {
    text += fmt::format("{:<24} {:>6} rows, {} families\n", file.name, file.rows,
                        file.rows_by_family.size());
  }
  const std::string directory = arguments.directory.string();
  text += fmt::format(
      "{0}: seed {1}; model/ has random weights, mini.json says how many rows each family has.\n"
      "Next: arena model info {0}/model\n",
      directory, arguments.world.seed);
  PrintText(text);
}

Result<Exit> RunMini(MiniArguments arguments) {
  ARENA_ASSIGN_OR_RETURN(arguments.world.families, ChosenFamilies(arguments));
  ARENA_ASSIGN_OR_RETURN(const std::vector<mini::WrittenFile> files,
                         mini::WriteWorld(arguments.world, arguments.directory));
  if (!arguments.json) {
    PrintFiles(arguments, files);
    return Exit::kDone;
  }
  Json rows = Json::object();
  for (const mini::WrittenFile& file : files) rows[file.name] = file.rows;
  PrintJson({{"directory", arguments.directory.string()},
             {"seed", arguments.world.seed},
             {"rows", std::move(rows)}});
  return Exit::kDone;
}

}  // namespace

void AddMini(CLI::App& app, Exit& exit) {
  CLI::App& command = *app.add_subcommand(
      "mini", "Write the mini world: instructions, training data and an untrained tiny model");
  auto arguments = std::make_shared<MiniArguments>();
  mini::WorldOptions& world = arguments->world;
  command.add_option("DIR", arguments->directory, "Where; made if need be")->required();
  command.add_option("--seed", world.seed, "Of all random choices")->capture_default_str();
  command.add_option("--train", world.train, "Instructions to battle on")->capture_default_str();
  command.add_option("--dev", world.dev, "Instructions for choosing settings")
      ->capture_default_str();
  command.add_option("--test", world.test, "Instructions for the final ratings")
      ->capture_default_str();
  command.add_option("--families", arguments->families, "Only these, separated by commas")
      ->delimiter(',')
      ->type_name("NAMES");
  command.add_flag("--graded", arguments->graded,
                   "With the families whose right answers differ in worth");
  command.add_option("--scale", world.scale, "Times the usual sizes of data/*.jsonl; 0: none")
      ->capture_default_str();
  command.add_flag("--json", arguments->json, "One JSON document on stdout");
  command.footer("Example:\n  arena mini world --seed 7 && arena model info world/model");
  OnRun(command, exit, [arguments] { return RunMini(*arguments); });
}

}  // namespace arena
