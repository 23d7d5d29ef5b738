// The program `arena`: parses the command line and hands over to one file per subcommand.
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "base/interrupt.h"
#include "base/nearest.h"
#include "cli/command.h"

namespace arena {
namespace {

/// The long options and subcommands that could have been meant at this point.
std::vector<std::string> KnownWords(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) words.push_back("--" + name);
  }
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(sub->get_name());
  }
  return words;
}

/// "; did you mean --json?" for the first argument that is nearly a known one.
std::string Suggestion(const CLI::App& app, int argc, char** argv) {
  const CLI::App* scope = &app;
  for (auto chosen = app.get_subcommands(); !chosen.empty(); chosen = scope->get_subcommands()) {
    scope = chosen.front();
  }
  const std::vector<std::string> words = KnownWords(*scope);
  const std::vector<std::string_view> views(words.begin(), words.end());
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    const std::string_view word = argument.substr(0, argument.find('='));
    const bool is_known = std::find(views.begin(), views.end(), word) != views.end();
    if (is_known || (scope != &app && !word.starts_with("--"))) continue;
    if (const auto near = NearestName(word, views)) {
      return fmt::format("\nDid you mean {}?", *near);
    }
  }
  return "";
}

/// Freed memory is used again, where it would be given back to the system and asked for anew page
/// by page. The C library's thresholds come to these values by themselves, but only in long runs.
void KeepFreedMemory() {
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_TOP_PAD, 1 << 20);
}

int Main(int argc, char** argv) {
  KeepFreedMemory();
  CLI::App app{
      "arena ranks language models from battles: recorded or judged answers in, a leaderboard with "
      "intervals out.",
      "arena"};
  app.require_subcommand(1);
  app.set_version_flag("--version", "arena " ARENA_VERSION);
  app.footer(
      "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 finished with failures "
      "listed, 130 interrupted.\nExample:\n  arena init demo && cd demo && arena battle && arena "
      "rank");
  Exit exit = Exit::kDone;
  AddInit(app, exit);
  AddDoctor(app, exit);
  AddBattle(app, exit);
  AddRank(app, exit);
  AddAgree(app, exit);
  AddJudge(app, exit);
  AddShow(app, exit);
  AddExport(app, exit);
  AddSelect(app, exit);
  AddGenerate(app, exit);
  AddModel(app, exit);
  AddCurate(app, exit);
  AddTestset(app, exit);
  AddScore(app, exit);
  AddServe(app, exit);
  AddTrain(app, exit);
  AddMini(app, exit);
  AddFlywheel(app, exit);
  if (argc == 1) {
    fmt::print("{}", app.help());
    return static_cast<int>(Exit::kUsage);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "arena: {}{}\nSee --help.\n", e.what(), Suggestion(app, argc, argv));
    return static_cast<int>(Exit::kUsage);
  }
  return static_cast<int>(exit);
}

}  // namespace
}  // namespace arena

int main(int argc, char** argv) {
  try {
    return arena::Main(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "arena: internal error: {}\nPlease report it with the command line.\n",
               e.what());
    return static_cast<int>(arena::Exit::kFailed);
  }
}
