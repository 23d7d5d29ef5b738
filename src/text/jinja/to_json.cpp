#include "text/jinja/to_json.h"

#include <fmt/format.h>

#include <string>

namespace arena::jinja {
namespace {

// An indentation wider than this is no indentation.
constexpr std::size_t kMaxIndent = 64;

struct Layout {
  bool has_lines = false;
  std::string indent;
  std::string item_separator = ", ";
  std::string key_separator = ": ";
};

Result<Layout> ReadLayout(const CallArguments& arguments) {
  ARENA_ASSIGN_OR_RETURN(
      const auto bound,
      Bind("tojson", arguments, {"ensure_ascii", "indent", "separators", "sort_keys"}));
  if (bound[0].IsTrue()) return InvalidInput("'tojson' with ensure_ascii is not supported");
  if (bound[3].IsTrue()) return InvalidInput("'tojson' with sort_keys is not supported");
  Layout layout;
  if (bound[1].IsString()) {
    layout.has_lines = true;
    layout.indent = bound[1].text().bytes();
  } else if (!bound[1].IsUndefined() && !bound[1].IsNone()) {
    ARENA_ASSIGN_OR_RETURN(const std::int64_t width, NeedInt("indent of tojson", bound[1], 0));
    layout.has_lines = true;
    if (width > static_cast<std::int64_t>(kMaxIndent)) {
      return InvalidInput(fmt::format("the indent of 'tojson' is more than {}", kMaxIndent));
    }
    layout.indent = std::string(width > 0 ? static_cast<std::size_t>(width) : 0, ' ');
  }
  if (layout.indent.size() > kMaxIndent) {
    return InvalidInput(fmt::format("the indent of 'tojson' is more than {}", kMaxIndent));
  }
  if (layout.has_lines) layout.item_separator = ",";
  if (bound[2].IsUndefined() || bound[2].IsNone()) return layout;
  const bool is_pair = bound[2].IsList() && bound[2].items().size() == 2 &&
                       bound[2].items()[0].IsString() && bound[2].items()[1].IsString();
  if (!is_pair) return InvalidInput("the separators of 'tojson' are not two strings");
  layout.item_separator = bound[2].items()[0].text().bytes();
  layout.key_separator = bound[2].items()[1].text().bytes();
  return layout;
}

class Writer {
 public:
  Writer(const Layout& layout, Budget& budget) : layout_(layout), budget_(budget) {}

  Status Write(const Value& value) {
    ARENA_RETURN_IF_ERROR(budget_.Charge(kStepCost));
    if (value.IsString()) return WriteString(value.text().bytes());
    if (value.IsList()) return WriteList(value.items());
    if (value.IsDict()) return WriteDict(value);
    if (value.IsNone()) return Add("null");
    if (value.IsBool()) return Add(value.IsTrue() ? "true" : "false");
    if (value.IsInt()) return Add(std::to_string(value.int_value()));
    if (value.IsFloat()) return Add(FloatText(value.float_value()));
    return InvalidInput(fmt::format("{} has no form in JSON", value.KindName()));
  }

  std::string Take() { return std::move(out_); }

 private:
  Status Add(std::string_view text) {
    out_ += text;
    return budget_.Charge(text.size());
  }

  Status WriteString(std::string_view text) {
    ARENA_RETURN_IF_ERROR(budget_.Charge(text.size()));
    const std::size_t before = out_.size();
    out_ += '"';
    for (const char c : text) AddCharacter(c);
    out_ += '"';
    return budget_.Charge(out_.size() - before);
  }

  void AddCharacter(char c) {
    constexpr std::string_view kSpecial = "\"\\\b\f\n\r\t";
    constexpr std::string_view kLetters = "\"\\bfnrt";
    if (const std::size_t at = kSpecial.find(c); at != std::string_view::npos) {
      out_ += '\\';
      out_ += kLetters[at];
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out_ += fmt::format("\\u{:04x}", static_cast<int>(c));
    } else {
      out_ += c;
    }
  }

  Status WriteList(const std::vector<Value>& items) {
    if (items.empty()) return Add("[]");
    ARENA_RETURN_IF_ERROR(Open("["));
    for (std::size_t i = 0; i < items.size(); ++i) {
      ARENA_RETURN_IF_ERROR(Separate(i));
      ARENA_RETURN_IF_ERROR(Write(items[i]));
    }
    return Close("]");
  }

  Status WriteDict(const Value& dict) {
    if (dict.members().empty()) return Add("{}");
    ARENA_RETURN_IF_ERROR(Open("{"));
    std::size_t i = 0;
    for (const auto& [key, value] : dict.members()) {
      ARENA_RETURN_IF_ERROR(Separate(i++));
      ARENA_RETURN_IF_ERROR(WriteString(key.bytes()));
      ARENA_RETURN_IF_ERROR(Add(layout_.key_separator));
      ARENA_RETURN_IF_ERROR(Write(value));
    }
    return Close("}");
  }

  Status Open(std::string_view bracket) {
    ++depth_;
    return Add(bracket);
  }
  Status Close(std::string_view bracket) {
    --depth_;
    ARENA_RETURN_IF_ERROR(BreakLine());
    return Add(bracket);
  }
  Status Separate(std::size_t index) {
    if (index > 0) ARENA_RETURN_IF_ERROR(Add(layout_.item_separator));
    return BreakLine();
  }
  Status BreakLine() {
    if (!layout_.has_lines) return {};
    ARENA_RETURN_IF_ERROR(Add("\n"));
    for (int i = 0; i < depth_; ++i) ARENA_RETURN_IF_ERROR(Add(layout_.indent));
    return {};
  }

  const Layout& layout_;
  Budget& budget_;
  std::string out_;
  int depth_ = 0;
};

}  // namespace

Result<Value> ToJson(const Value& value, const CallArguments& arguments, Budget& budget) {
  ARENA_ASSIGN_OR_RETURN(const Layout layout, ReadLayout(arguments));
  if (value.IsUndefined()) {
    return InvalidInput("'tojson' of what is undefined");
  }
  Writer writer(layout, budget);
  ARENA_RETURN_IF_ERROR(writer.Write(value));
  return Value::String(MarkedText(writer.Take(), false));
}

}  // namespace arena::jinja
