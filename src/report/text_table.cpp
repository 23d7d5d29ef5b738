#include "report/text_table.h"

#include <algorithm>
#include <numeric>

namespace arena {
namespace {

constexpr int kGap = 2;
constexpr int kLeastCutWidth = 12;

std::string_view ToneCode(Tone tone) {
  switch (tone) {
    case Tone::kHeading:
      return "\x1b[1m";
    case Tone::kAccent:
      return "\x1b[36m";
    case Tone::kFaint:
      return "\x1b[2m";
    case Tone::kWarning:
      return "\x1b[33m";
    case Tone::kPlain:
      break;
  }
  return "";
}

int TotalWidth(const std::vector<int>& widths) {
  const int gaps = kGap * std::max(0, static_cast<int>(widths.size()) - 1);
  return std::accumulate(widths.begin(), widths.end(), gaps);
}

void TrimRight(std::string& line) { line.erase(line.find_last_not_of(' ') + 1); }

}  // namespace

std::string Toned(std::string_view text, Tone tone, const TableStyle& style) {
  const std::string_view code = ToneCode(tone);
  if (!style.color || code.empty() || text.empty()) {
    return std::string(text);
  }
  return std::string(code) + std::string(text) + "\x1b[0m";
}

void TextTable::AddRow(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back(std::move(cells));
}

std::vector<int> TextTable::NaturalWidths() const {
  std::vector<int> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    int width = DisplayWidth(columns_[i].heading);
    for (const auto& row : rows_) {
      width = std::max(width, DisplayWidth(row[i]));
    }
    widths.push_back(width);
  }
  return widths;
}

int TextTable::NaturalWidth() const { return TotalWidth(NaturalWidths()); }

std::string TextTable::Render(const TableStyle& style) const {
  std::vector<int> widths = NaturalWidths();
  // The widest of the columns that may be cut gives way first, so that two long ones end alike.
  for (int excess = TotalWidth(widths) - style.width; excess > 0; --excess) {
    std::size_t widest = columns_.size();
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].may_cut && widths[i] > kLeastCutWidth &&
          (widest == columns_.size() || widths[i] > widths[widest])) {
        widest = i;
      }
    }
    if (widest == columns_.size()) {
      break;
    }
    --widths[widest];
  }
  std::string out;
  const auto add_line = [&](const auto& text_of, bool heading) {
    std::string line;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      std::string cell = PadToWidth(CutToWidth(text_of(i), widths[i], style.unicode), widths[i],
                                    columns_[i].align);
      if (i + 1 == columns_.size()) {
        TrimRight(cell);
      } else {
        cell.append(kGap, ' ');
      }
      line += Toned(cell, heading ? Tone::kHeading : columns_[i].tone, style);
    }
    TrimRight(line);
    out += line + '\n';
  };
  add_line([&](std::size_t i) { return columns_[i].heading; }, true);
  std::string rule;
  for (int i = 0; i < TotalWidth(widths); ++i) {
    rule += style.unicode ? "\u2500" : "-";
  }
  out += Toned(rule, Tone::kFaint, style) + '\n';
  for (const auto& row : rows_) {
    add_line([&](std::size_t i) { return row[i]; }, false);
  }
  return out;
}

}  // namespace arena
