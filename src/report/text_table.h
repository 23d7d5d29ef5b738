// Tables for a terminal.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "report/visible.h"

namespace arena {

/// How text for a terminal looks.
struct TableStyle {
  bool unicode = true;  ///< rules, bars and the ellipsis in Unicode; false: plain ASCII
  bool color = false;   ///< ANSI colours; only for a terminal whose user did not refuse them
  int width = 100;      ///< columns of the terminal
};

/// Kinds of text that colour tells apart.
enum class Tone { kPlain, kHeading, kAccent, kFaint, kWarning };

/// `text` in the tone's colour if the style has colours.
std::string Toned(std::string_view text, Tone tone, const TableStyle& style);

/// A table whose columns are as wide as their widest cell. A column that may be cut gives way when
/// the table is wider than the style's width. Not thread-safe.
class TextTable {
 public:
  struct Column {
    std::string heading;
    Align align = Align::kRight;
    Tone tone = Tone::kPlain;
    bool may_cut = false;  ///< cut with an ellipsis, down to 12 columns, when space is short
  };

  explicit TextTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// One cell per column; the cells are already safe to print (VisibleLine).
  void AddRow(std::vector<std::string> cells);

  /// Columns that the table takes before anything is cut.
  int NaturalWidth() const;

  /// The heading, a rule and the rows, each line ended. Lines carry no spaces at their end.
  std::string Render(const TableStyle& style) const;

 private:
  std::vector<int> NaturalWidths() const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace arena
