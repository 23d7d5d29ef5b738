#include "style_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <span>

namespace arena::style {
namespace {

struct Folder {
  std::string_view name;
  int layer;
};

// Lowest first, as in docs/ARCHITECTURE.md. A new folder needs a line here.
constexpr std::array<Folder, 17> kFolders = {{{"base", 0},
                                              {"core", 1},
                                              {"formats", 2},
                                              {"text", 2},
                                              {"checkpoint", 2},
                                              {"net", 2},
                                              {"store", 2},
                                              {"rating", 2},
                                              {"curate", 2},
                                              {"chat", 3},
                                              {"miniworld", 3},
                                              {"judge", 4},
                                              {"battle", 5},
                                              {"flywheel", 6},
                                              {"report", 7},
                                              {"server", 8},
                                              {"cli", 9}}};

struct Library {
  std::string_view prefix;  ///< of the include's path
  std::string_view folder;  ///< the one folder under src/ that may see it
  std::string_view reason;
};

constexpr std::string_view kOneDataLayer = "all SQL goes through the store's interface";
constexpr std::string_view kTorchApart = "linking torch costs every command its start-up time";

constexpr std::array<Library, 14> kLibraries = {{
    {"torch/", "lm", kTorchApart},
    {"ATen/", "lm", kTorchApart},
    {"c10/", "lm", kTorchApart},
    {"soci/", "store", kOneDataLayer},
    {"sqlite3.h", "store", kOneDataLayer},
    {"libpq-fe.h", "store", kOneDataLayer},
    {"gloo/", "train", "its exceptions and threads stay behind one class"},
    {"curl/", "net", "all requests share one client with its limits and deadlines"},
    {"httplib.h", "server", "it is slow to compile, and only the server answers HTTP"},
    {"CLI/", "cli", "it takes ten seconds to compile"},
    {"sentencepiece", "text", "it exports protobuf symbols that clash with torch's"},
    {"faiss/", "curate", "it brings its own threads and BLAS"},
    {"toml++/", "cli", "the configuration is read in one place"},
    {"cld2/", "curate", "only curation asks for languages"},
}};

// Too slow to compile to stand in a header that other folders include.
constexpr std::array<std::string_view, 6> kHeavy = {
    "Eigen/", "nlohmann/json.hpp", "simdjson.h", "soci/", "CLI/", "boost/"};

// What the program arena-lm, which stands beside the layers, may use of ours; its trainers stand on
// its engine.
constexpr std::array<std::string_view, 4> kUsedByTrain = {"base", "checkpoint", "lm", "train"};
constexpr auto kUsedByLm = std::span(kUsedByTrain).first<3>();

constexpr std::size_t kMaxLines = 500;

std::optional<int> LayerOf(std::string_view folder) {
  const auto* found = std::find_if(kFolders.begin(), kFolders.end(),
                                   [folder](const Folder& f) { return f.name == folder; });
  if (found == kFolders.end()) return std::nullopt;
  return found->layer;
}

std::string_view FirstPart(std::string_view path) { return path.substr(0, path.find('/')); }

bool IsHeader(std::string_view path) { return path.ends_with(".h"); }

std::string LayerProblem(std::string_view from, std::string_view to) {
  if (from == "lm" || from == "train") {
    const auto used = from == "lm" ? std::span<const std::string_view>(kUsedByLm) : kUsedByTrain;
    const bool allowed = std::find(used.begin(), used.end(), to) != used.end();
    return allowed ? "" : "arena-lm uses base and checkpoint only, and its engine no trainer";
  }
  const auto from_layer = LayerOf(from), to_layer = LayerOf(to);
  if (!from_layer) return fmt::format("src/{} has no layer in tests/style/style_rules.cpp", from);
  if (!to_layer) return fmt::format("src/{} is no layer that others may include", to);
  if (from == to || *to_layer < *from_layer) return "";
  return fmt::format(
      "src/{} (layer {}) may include lower layers only, and src/{} is on layer {}: declare what is "
      "needed in core and inject it",
      from, *from_layer, to, *to_layer);
}

std::string OwnIncludeProblem(std::string_view folder, std::string_view path) {
  if (path.find('/') == std::string_view::npos) {
    return fmt::format("name it from src/, as \"{}/{}\"", folder, path);
  }
  const std::string_view target = FirstPart(path);
  if (std::string problem = LayerProblem(folder, target); !problem.empty()) return problem;
  if (target != folder && path.find("/internal/") != std::string_view::npos) {
    return fmt::format("internal/ of src/{} is for that folder alone", target);
  }
  return "";
}

std::string LibraryProblem(const SourceFile& file, std::string_view folder, std::string_view path) {
  for (const Library& library : kLibraries) {
    if (path.starts_with(library.prefix) && folder != library.folder) {
      return fmt::format("only src/{} may include it: {}", library.folder, library.reason);
    }
  }
  // Headers in internal/ and in the top layer are included by their own folder only.
  const bool shared =
      IsHeader(file.path) && folder != "cli" && file.path.find("/internal/") == std::string::npos;
  const bool heavy = std::any_of(kHeavy.begin(), kHeavy.end(), [path](std::string_view prefix) {
    return path.starts_with(prefix);
  });
  if (shared && heavy) {
    return "too slow to compile for a header that other folders include: move it to a .cpp file or "
           "to internal/";
  }
  return "";
}

bool HasWord(std::string_view line, std::string_view word) {
  for (std::size_t at = line.find(word); at != std::string_view::npos;
       at = line.find(word, at + 1)) {
    const auto is_word = [&](std::size_t i) {
      return i < line.size() && std::isalnum(static_cast<unsigned char>(line[i])) != 0;
    };
    if (!(at > 0 && is_word(at - 1)) && !is_word(at + word.size())) return true;
  }
  return false;
}

// Whether the '/' at `at` only continues a relative path, a variable or an address.
bool ContinuesPath(std::string_view line, std::size_t at) {
  if (at == 0) return false;
  const char before = line[at - 1];
  const bool is_flag = at > 1 && line[at - 2] == '-';  // -I/..., -L/...
  if (std::isalnum(static_cast<unsigned char>(before)) != 0) return !is_flag;
  return std::string_view("._-}*$)").find(before) != std::string_view::npos;
}

std::string WordingProblem(std::string_view line) {
  // Written in two parts so that this file passes its own test.
  for (const std::string_view mark : {"TO"
                                      "DO",
                                      "FIX"
                                      "ME",
                                      "XX"
                                      "X"}) {
    if (HasWord(line, mark)) return "marks unfinished work: finish it or file it";
  }
  for (const std::string_view root : {"/ho"
                                      "me/",
                                      "/ro"
                                      "ot/",
                                      "/Us"
                                      "ers/",
                                      "/wo"
                                      "rk/"}) {
    const std::size_t at = line.find(root);
    const bool in_longer_path = at != std::string_view::npos && ContinuesPath(line, at);
    if (at != std::string_view::npos && !in_longer_path) {
      return "has an absolute path of one machine: name it relative to the repository";
    }
  }
  if (line.find('\t') != std::string_view::npos) return "has a tab: widths differ by editor";
  return "";
}

template <typename Visit>
void ForEachLine(std::string_view text, Visit visit) {
  int line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    visit(text.substr(begin, end - begin), line);
    begin = end + 1;
  }
}

}  // namespace

std::vector<Include> Includes(std::string_view text) {
  std::vector<Include> includes;
  ForEachLine(text, [&](std::string_view line, int number) {
    const std::size_t hash = line.find_first_not_of(' ');
    if (hash == std::string_view::npos || line[hash] != '#') return;
    const std::size_t word = line.find_first_not_of(' ', hash + 1);
    if (word == std::string_view::npos || !line.substr(word).starts_with("include")) return;
    const std::size_t open = line.find_first_of("<\"", word);
    if (open == std::string_view::npos) return;
    const std::size_t close = line.find_first_of(">\"", open + 1);
    if (close == std::string_view::npos) return;
    includes.push_back(
        {std::string(line.substr(open + 1, close - open - 1)), line[open] == '"', number});
  });
  return includes;
}

Problems IncludeProblems(const SourceFile& file) {
  constexpr std::string_view kRoot = "src/";
  Problems problems;
  if (!file.path.starts_with(kRoot) || !IsCpp(file.path)) return problems;
  const std::string_view folder = FirstPart(std::string_view(file.path).substr(kRoot.size()));
  for (const Include& include : Includes(file.text)) {
    const std::string problem = include.quoted ? OwnIncludeProblem(folder, include.path)
                                               : LibraryProblem(file, folder, include.path);
    if (problem.empty()) continue;
    problems.push_back(
        fmt::format("{}:{}: includes {}: {}", file.path, include.line, include.path, problem));
  }
  return problems;
}

Problems ShapeProblems(const SourceFile& file) {
  Problems problems;
  if (!IsCpp(file.path)) return problems;
  const auto lines = static_cast<std::size_t>(std::count(file.text.begin(), file.text.end(), '\n'));
  if (lines > kMaxLines) {
    problems.push_back(fmt::format(
        "{}: has {} lines, more than the {} that a reader keeps in mind: split it at a meaning",
        file.path, lines, kMaxLines));
  }
  if (IsHeader(file.path) && file.text.find("\n#pragma once\n") == std::string::npos) {
    problems.push_back(file.path + ": has no `#pragma once` on a line of its own");
  }
  return problems;
}

Problems WordingProblems(const SourceFile& file) {
  Problems problems;
  ForEachLine(file.text, [&](std::string_view line, int number) {
    if (const std::string problem = WordingProblem(line); !problem.empty()) {
      problems.push_back(fmt::format("{}:{}: {}", file.path, number, problem));
    }
  });
  return problems;
}

bool IsCpp(std::string_view path) { return path.ends_with(".h") || path.ends_with(".cpp"); }

bool IsText(std::string_view path) {
  constexpr std::array<std::string_view, 10> kEndings = {".md",   ".txt", ".cmake", ".sh",  ".toml",
                                                         ".json", ".py",  ".html",  ".css", ".js"};
  const bool known = std::any_of(kEndings.begin(), kEndings.end(), [path](std::string_view ending) {
    return path.ends_with(ending);
  });
  return known || IsCpp(path) || path.ends_with(".ci/run");
}

}  // namespace arena::style
