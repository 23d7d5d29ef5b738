#include "cli/toml_table.h"

namespace arena {

void TableReader::Note(const toml::node* node, std::string message) {
  const auto line = node != nullptr ? node->source().begin.line : 0;
  findings_.push_back(
      {line > 0 ? fmt::format("{}:{}", file_.string(), line) : file_.string(), std::move(message)});
}

void TableReader::ReadAtLeast(std::string_view key, std::int64_t least, std::int64_t& out) {
  Read(key, out);
  if (out < least)
    Note(table_.get(key), fmt::format("{}{} must be at least {}", path_, key, least));
}

void TableReader::Read(std::string_view key, std::vector<std::string>& out) {
  const toml::node* node = Get(key);
  if (node == nullptr) return;
  const toml::array* array = node->as_array();
  std::vector<std::string> values;
  bool valid = array != nullptr;
  for (std::size_t i = 0; valid && i < array->size(); ++i) {
    const auto value = array->get(i)->value<std::string>();
    valid = value.has_value();
    if (valid) values.push_back(*value);
  }
  if (!valid) return Note(node, fmt::format("{}{} must be a list of strings", path_, key));
  out = std::move(values);
}

void TableReader::Read(std::string_view key, std::map<std::string, std::string>& out) {
  const toml::node* node = Get(key);
  if (node == nullptr) return;
  const toml::table* table = node->as_table();
  if (table == nullptr) {
    return Note(node, fmt::format("{}{} must be a table of names", path_, key));
  }
  for (const auto& [name, value] : *table) {
    const auto text = value.value<std::string>();
    if (text) {
      out[std::string(name.str())] = *text;
    } else {
      Note(&value, fmt::format("{}{}.{} must be a string", path_, key, name.str()));
    }
  }
}

void TableReader::ReadPath(std::string_view key, std::filesystem::path& out) {
  std::string text;
  Read(key, text);
  if (!text.empty()) ResolvePath(text, out);
}

void TableReader::ResolvePath(std::string_view text, std::filesystem::path& out) const {
  out = (file_.parent_path() / text).lexically_normal();
}

void TableReader::ReadPaths(std::string_view key, std::vector<std::filesystem::path>& out) {
  std::vector<std::string> texts;
  Read(key, texts);
  for (const std::string& text : texts) {
    ResolvePath(text, out.emplace_back());
  }
}

std::vector<std::string> TableReader::Keys() const {
  std::vector<std::string> keys;
  for (const auto& [key, value] : table_) keys.emplace_back(key.str());
  return keys;
}

const toml::table* TableReader::Table(std::string_view key) {
  const toml::node* node = Get(key);
  if (node == nullptr) return nullptr;
  if (!node->is_table()) Note(node, fmt::format("[{}{}] must be a table", path_, key));
  return node->as_table();
}

const toml::array* TableReader::TableArray(std::string_view key) {
  const toml::node* node = Get(key);
  if (node == nullptr) return nullptr;
  const toml::array* array = node->as_array();
  if (array == nullptr || (!array->empty() && !array->is_homogeneous(toml::node_type::table))) {
    Note(node, fmt::format("write one [[{}{}]] for each", path_, key));
    return nullptr;
  }
  return array;
}

void TableReader::With(std::string_view key, const std::function<void(TableReader&)>& body) {
  const toml::table* table = Table(key);
  if (table == nullptr) return;
  TableReader reader(*table, fmt::format("{}{}.", path_, key), file_, findings_);
  body(reader);
  reader.Finish();
}

void TableReader::WithEach(std::string_view key,
                           const std::function<void(TableReader&, const toml::node&)>& body) {
  const toml::array* array = TableArray(key);
  if (array == nullptr) return;
  for (const toml::node& node : *array) {
    TableReader reader(*node.as_table(), fmt::format("{}{}.", path_, key), file_, findings_);
    body(reader, node);
    reader.Finish();
  }
}

void TableReader::Finish() {
  for (const auto& [key, value] : table_) {
    const std::string_view name = key.str();
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    const std::vector<std::string_view> known(known_.begin(), known_.end());
    const auto near = NearestName(name, known);
    Note(&value, fmt::format("unknown key {}{}{}", path_, name,
                             near ? fmt::format("; did you mean {}{}?", path_, *near)
                                  : fmt::format("; known: {}", fmt::join(known_, ", "))));
  }
}

}  // namespace arena
