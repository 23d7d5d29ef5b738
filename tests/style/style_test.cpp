// House style as a test: run it with `ctest -L style`.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/parallel.h"
#include "style_rules.h"

namespace arena::style {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace fs = std::filesystem;

const fs::path kRoot = ARENA_SOURCE_DIR;

// All texts of the project, in the order of their paths; generated trees are not ours.
const std::vector<SourceFile>& AllFiles() {
  static const std::vector<SourceFile> files = [] {
    const std::set<std::string> skipped = {"build", ".git", ".cache", "node_modules",
                                           "__pycache__"};
    std::vector<SourceFile> found;
    constexpr auto kOptions = fs::directory_options::follow_directory_symlink;
    for (auto it = fs::recursive_directory_iterator(kRoot, kOptions); it != fs::end(it); ++it) {
      if (it->is_directory() && skipped.contains(it->path().filename().string())) {
        it.disable_recursion_pending();
      }
      const std::string path = it->path().lexically_relative(kRoot).generic_string();
      if (!it->is_regular_file() || !IsText(path)) continue;
      if (auto text = ReadFile(it->path()); text.ok()) found.push_back({path, std::move(*text)});
    }
    std::sort(found.begin(), found.end(),
              [](const SourceFile& a, const SourceFile& b) { return a.path < b.path; });
    return found;
  }();
  return files;
}

std::string Lines(const Problems& problems) { return fmt::format("{}", fmt::join(problems, "\n")); }

Problems AllProblems(Problems (*rule)(const SourceFile&)) {
  Problems all;
  for (const SourceFile& file : AllFiles()) {
    const Problems problems = rule(file);
    all.insert(all.end(), problems.begin(), problems.end());
  }
  return all;
}

struct CommandResult {
  int exit_code = -1;
  std::string output;
};

// Standard output and error of a shell command made of this project's own file names.
CommandResult RunCommand(const std::string& command) {
  CommandResult result;
  std::FILE* pipe = popen((command + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer;
  while (std::fgets(buffer.data(), static_cast<int>(buffer.size()), pipe) != nullptr) {
    result.output += buffer.data();
  }
  const int status = pclose(pipe);
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

TEST(StyleTest, TheSourcesAreFound) { EXPECT_GT(AllFiles().size(), 20U) << "looked in " << kRoot; }

TEST(StyleTest, IncludesGoDownTheLayers) {
  const Problems problems = AllProblems(IncludeProblems);
  EXPECT_TRUE(problems.empty()) << Lines(problems);
}

TEST(StyleTest, FilesAreShort) {
  const Problems problems = AllProblems(ShapeProblems);
  EXPECT_TRUE(problems.empty()) << Lines(problems);
}

TEST(StyleTest, TextsAreFinishedAndPortable) {
  const Problems problems = AllProblems(WordingProblems);
  EXPECT_TRUE(problems.empty()) << Lines(problems);
}

TEST(StyleTest, LayoutIsClangFormats) {
  if (RunCommand("clang-format-14 --version").exit_code != 0) {
    GTEST_SKIP() << "no clang-format-14: scripts/install-deps.sh installs it";
  }
  std::string command =
      fmt::format("cd '{}' && clang-format-14 --dry-run --Werror", kRoot.string());
  for (const SourceFile& file : AllFiles()) {
    if (IsCpp(file.path)) command += fmt::format(" '{}'", file.path);
  }
  const CommandResult result = RunCommand(command);
  std::set<std::string> files;
  for (std::size_t at = 0; at < result.output.size();) {
    const std::size_t end = std::min(result.output.find('\n', at), result.output.size());
    const std::string line = result.output.substr(at, end - at);
    if (line.find("error:") != std::string::npos) files.insert(line.substr(0, line.find(':')));
    at = end + 1;
  }
  EXPECT_EQ(result.exit_code, 0) << "run: clang-format-14 -i "
                                 << fmt::format("{}", fmt::join(files, " "))
                                 << (files.empty() ? result.output : "");
}

// A header that some .cpp file includes first is compiled alone there; the others are compiled
// here.
TEST(StyleTest, HeadersStandAlone) {
  std::set<std::string> headers;
  for (const SourceFile& file : AllFiles()) {
    if (file.path.starts_with("src/") && file.path.ends_with(".h")) headers.insert(file.path);
  }
  for (const SourceFile& file : AllFiles()) {
    if (!file.path.ends_with(".cpp")) continue;
    const std::vector<Include> includes = Includes(file.text);
    if (!includes.empty() && includes[0].quoted) headers.erase("src/" + includes[0].path);
  }
  const std::vector<std::string> alone(headers.begin(), headers.end());
  std::mutex mutex;  // guards problems
  Problems problems;
  ParallelFor(alone.size(), 0, [&](std::size_t i) {
    // Test support is compiled with ARENA_SOURCE_DIR, as its tests are.
    const CommandResult result =
        RunCommand(fmt::format("cd '{0}' && '{1}' -std=c++20 -w -fsyntax-only "
                               "'-DARENA_SOURCE_DIR=\"{0}\"' -Isrc -x c++ '{2}'",
                               kRoot.string(), ARENA_CXX_COMPILER, alone[i]));
    if (result.exit_code == 0) return;
    const std::lock_guard lock(mutex);
    problems.push_back(fmt::format("{} does not compile alone: include what it uses\n{}", alone[i],
                                   result.output));
  });
  EXPECT_TRUE(problems.empty()) << Lines(problems);
}

Problems IncludesOf(const std::string& path, const std::string& text) {
  return IncludeProblems({path, text});
}

TEST(StyleRulesTest, AnIncludeUpwardsOrSidewaysIsReported) {
  EXPECT_THAT(IncludesOf("src/judge/a.h", "#include \"core/game.h\"\n#include \"judge/b.h\"\n"),
              IsEmpty());
  EXPECT_THAT(IncludesOf("src/core/a.h", "\n#include \"store/store.h\"\n"),
              ElementsAre(HasSubstr("src/core/a.h:2: includes store/store.h: src/core (layer 1)")));
  EXPECT_EQ(IncludesOf("src/store/a.h", "#include \"rating/rate.h\"\n").size(), 1U);
  EXPECT_EQ(IncludesOf("src/store/a.h", "#include \"a.h\"\n").size(), 1U);
  EXPECT_EQ(IncludesOf("src/new/a.h", "#include \"base/file.h\"\n").size(), 1U);
  EXPECT_EQ(IncludesOf("src/cli/a.h", "#include \"rating/internal/b.h\"\n").size(), 1U);
  EXPECT_THAT(IncludesOf("src/rating/a.cpp", "#include \"rating/internal/b.h\"\n"), IsEmpty());
  EXPECT_EQ(IncludesOf("src/lm/a.cpp", "#include \"core/game.h\"\n").size(), 1U);
  EXPECT_EQ(IncludesOf("src/lm/a.cpp", "#include \"train/losses.h\"\n").size(), 1U);
  EXPECT_THAT(IncludesOf("src/train/a.cpp", "#include \"lm/kernels.h\"\n"), IsEmpty());
  EXPECT_EQ(IncludesOf("src/train/a.cpp", "#include \"text/tokenizer.h\"\n").size(), 1U);
  EXPECT_THAT(IncludesOf("tests/a.cpp", "#include \"anything.h\"\n"), IsEmpty());
}

TEST(StyleRulesTest, ALibraryOutsideItsFolderIsReported) {
  EXPECT_EQ(IncludesOf("src/rating/a.cpp", "#include <soci/soci.h>\n").size(), 1U);
  EXPECT_THAT(IncludesOf("src/store/a.cpp", "#  include <soci/soci.h>\n"), IsEmpty());
  EXPECT_EQ(IncludesOf("src/store/a.h", "#include <soci/soci.h>\n").size(), 1U);
  EXPECT_THAT(IncludesOf("src/store/internal/a.h", "#include <soci/soci.h>\n"), IsEmpty());
  EXPECT_EQ(IncludesOf("src/rating/a.h", "#include <Eigen/Dense>\n").size(), 1U);
  EXPECT_EQ(IncludesOf("src/cli/a.cpp", "#include <torch/torch.h>\n").size(), 1U);
}

TEST(StyleRulesTest, LongFilesAndUnguardedHeadersAreReported) {
  EXPECT_THAT(ShapeProblems({"src/a.cpp", std::string(500, '\n')}), IsEmpty());
  EXPECT_EQ(ShapeProblems({"src/a.cpp", std::string(501, '\n')}).size(), 1U);
  EXPECT_EQ(ShapeProblems({"src/a.h", "int x;\n"}).size(), 1U);
  EXPECT_THAT(ShapeProblems({"src/a.h", "// A.\n#pragma once\n"}), IsEmpty());
}

TEST(StyleRulesTest, UnfinishedWorkMachinePathsAndTabsAreReported) {
  const auto count = [](const std::string& text) { return WordingProblems({"a.md", text}).size(); };
  EXPECT_EQ(count(std::string("fine\n// TO") + "DO: later\n"), 1U);
  EXPECT_EQ(count(std::string("FIX") + "ME"), 1U);
  EXPECT_EQ(count(std::string("-I/ho") + "me/ann/src"), 1U);
  EXPECT_EQ(count(std::string("\"/wo") + "rk/data\""), 1U);
  EXPECT_EQ(count(std::string("$HOME/wo") + "rk/x, ../ho" + "me/x"), 0U);
  EXPECT_EQ(count(std::string("cd /ho") + "me/ann"), 1U);
  EXPECT_EQ(count(std::string("see example.org/wo") + "rk/x"), 0U);
  EXPECT_EQ(count("a\tb"), 1U);
  EXPECT_EQ(count("MASTODON, fix me\n"), 0U);
}

}  // namespace
}  // namespace arena::style
