// Reading typed values out of TOML tables, with findings for what is wrong. Only the cli folder
// includes toml++.
#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/nearest.h"
#include "cli/config.h"

namespace arena {

/// Reads typed values out of one table and notes what is wrong with them. Each read marks its key
/// as known; Finish() reports the keys that nobody asked for.
class TableReader {
 public:
  TableReader(const toml::table& table, std::string path, const std::filesystem::path& file,
              std::vector<ConfigFinding>& findings)
      : table_(table), path_(std::move(path)), file_(file), findings_(findings) {}

  void Read(std::string_view key, std::string& out) { ReadAs<std::string>(key, "a string", out); }
  void Read(std::string_view key, std::int64_t& out) {
    ReadAs<std::int64_t>(key, "a whole number", out);
  }
  void Read(std::string_view key, double& out) { ReadAs<double>(key, "a number", out); }
  void Read(std::string_view key, bool& out) { ReadAs<bool>(key, "true or false", out); }
  void Read(std::string_view key, std::vector<std::string>& out);
  void Read(std::string_view key, std::map<std::string, std::string>& out);
  void ReadPath(std::string_view key, std::filesystem::path& out);
  /// A path as the file means it: relative to its folder.
  void ResolvePath(std::string_view text, std::filesystem::path& out) const;
  void ReadPaths(std::string_view key, std::vector<std::filesystem::path>& out);
  /// A number that must be at least `least`.
  void ReadAtLeast(std::string_view key, std::int64_t least, std::int64_t& out);
  /// Sets `out` where the key is there.
  template <typename T>
  void ReadIfSet(std::string_view key, std::optional<T>& out) {
    T value{};
    Read(key, value);
    if (table_.contains(key)) out = value;
  }

  /// A name out of `names`, turned into a value by `parse`.
  template <typename T, typename Parse>
  void ReadName(std::string_view key, std::span<const std::string_view> names, Parse parse,
                T& out) {
    std::string name;
    Read(key, name);
    if (name.empty()) return;
    // A parser may know names that have no place here.
    const bool is_listed = std::find(names.begin(), names.end(), name) != names.end();
    if (const auto value = parse(name); value && is_listed) {
      out = *value;
      return;
    }
    const auto near = NearestName(name, names);
    Note(table_.get(key), fmt::format("{}{} = \"{}\" is unknown{}; known: {}", path_, key, name,
                                      near ? fmt::format(", did you mean \"{}\"?", *near) : "",
                                      fmt::join(names, ", ")));
  }

  const std::string& path() const { return path_; }
  bool Has(std::string_view key) const { return table_.contains(key); }
  std::vector<std::string> Keys() const;
  const toml::table* Table(std::string_view key);
  /// A reader of a table within the same file.
  TableReader Inner(const toml::table& table, std::string path) const {
    return {table, std::move(path), file_, findings_};
  }
  const toml::array* TableArray(std::string_view key);
  /// Reads the table `key` of this one, where there is one, and reports its unknown keys.
  void With(std::string_view key, const std::function<void(TableReader&)>& body);
  /// The same for each table of [[key]].
  void WithEach(std::string_view key,
                const std::function<void(TableReader&, const toml::node&)>& body);
  void Finish();
  void Note(const toml::node* node, std::string message);
  /// "PATH.KEY problem", at the key's line.
  void NoteKey(std::string_view key, std::string_view problem) {
    Note(table_.get(key), fmt::format("{}{} {}", path_, key, problem));
  }

 private:
  template <typename T>
  void ReadAs(std::string_view key, std::string_view what, T& out);
  const toml::node* Get(std::string_view key) {
    known_.emplace_back(key);
    return table_.get(key);
  }

  const toml::table& table_;
  std::string path_;
  const std::filesystem::path& file_;
  std::vector<ConfigFinding>& findings_;
  std::vector<std::string> known_;
};

template <typename T>
void TableReader::ReadAs(std::string_view key, std::string_view what, T& out) {
  const toml::node* node = Get(key);
  if (node == nullptr) return;
  if (const auto value = node->value<T>()) {
    out = *value;
  } else {
    Note(node, fmt::format("{}{} must be {}", path_, key, what));
  }
}

/// A parser for TableReader::ReadName that accepts exactly the names.
inline auto OneOf(std::span<const std::string_view> names) {
  return [names](const std::string& name) -> std::optional<std::string> {
    if (std::find(names.begin(), names.end(), name) == names.end()) return std::nullopt;
    return name;
  };
}

}  // namespace arena
