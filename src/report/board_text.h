// Boards as text for a terminal and as Markdown.
#pragma once

#include <string>

#include "rating/board.h"
#include "report/text_table.h"

namespace arena {

/// The board as a table: rank, contestant, rating, interval with a bar that draws it to scale where
/// the width allows, battles, win rate, and the length-controlled and void columns where there are
/// any; then the style coefficients, a line of facts and the warnings. Ends with a line end. Names
/// are made safe to print, and cut where the table would be wider than style.width; a terminal too
/// narrow for the numbers wraps them.
std::string BoardTable(const Board& board, const TableStyle& style);

/// The same content as GitHub-flavoured Markdown, with a heading where the board has a category.
/// Names cannot become markup.
std::string BoardMarkdown(const Board& board);

/// One line of text with all that Markdown would take for markup escaped; safe within tables.
std::string MarkdownText(std::string_view text);

}  // namespace arena
