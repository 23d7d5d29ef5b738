#include "report/board_json.h"

#include <nlohmann/json.hpp>

#include "report/board_notes.h"
#include "report/numbers.h"

namespace arena {
namespace {

Json RowToJson(const BoardRow& row, bool voids) {
  Json json = {{"name", row.name},
               {"rating", JsonNumber(row.rating)},
               {"lower", JsonNumber(row.lower)},
               {"upper", JsonNumber(row.upper)},
               {"rank", row.rank},
               {"battles", JsonCount(row.battles)},
               {"win_rate", JsonNumber(row.win_rate)}};
  if (row.lc_win_rate) {
    json["lc_win_rate"] = JsonNumber(*row.lc_win_rate);
  }
  if (voids) {
    json["void_share"] = JsonNumber(row.void_share);
    json["win_rate_voids_lost"] = JsonNumber(row.win_rate_voids_lost);
    json["win_rate_voids_won"] = JsonNumber(row.win_rate_voids_won);
  }
  return json;
}

Json StyleToJson(const std::vector<StyleCoefficient>& style) {
  Json list = Json::array();
  for (const StyleCoefficient& coefficient : style) {
    list.push_back({{"feature", coefficient.feature},
                    {"value", JsonNumber(coefficient.value)},
                    {"lower", JsonNumber(coefficient.lower)},
                    {"upper", JsonNumber(coefficient.upper)},
                    {"mean", JsonNumber(coefficient.mean)},
                    {"deviation", JsonNumber(coefficient.deviation)}});
  }
  return list;
}

template <typename Write>
Json TableToJson(const std::vector<std::vector<double>>& table, Write write) {
  Json rows = Json::array();
  for (const auto& row : table) {
    Json cells = Json::array();
    for (const double value : row) {
      cells.push_back(write(value));
    }
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace

Json BoardToJson(const Board& board, const BoardJsonOptions& options) {
  Json contestants = Json::array();
  const bool voids = HasVoids(board);
  for (const BoardRow& row : board.contestants) {
    contestants.push_back(RowToJson(row, voids));
  }
  Json json = {{"method", board.method},
               {"ci", board.ci},
               {"seed", board.seed},
               {"battles", board.battles},
               {"contestants", std::move(contestants)},
               {"warnings", board.warnings},
               {"level", JsonNumber(board.level)},
               {"cluster", board.cluster},
               {"bootstrap_rounds", board.bootstrap_rounds},
               {"void_battles", board.void_battles}};
  if (!board.category.empty()) {
    json["category"] = board.category;
  }
  if (!board.anchor.empty()) {
    json["anchor"] = board.anchor;
  }
  if (!board.style.empty()) {
    json["style"] = StyleToJson(board.style);
  }
  if (options.win_matrix && !board.matrix.win_rate.empty()) {
    json["win_matrix"] = {{"battles", TableToJson(board.matrix.battles, JsonCount)},
                          {"win_rate", TableToJson(board.matrix.win_rate, JsonNumber)}};
  }
  if (options.draws && !board.draws.empty()) {
    json["draws"] = TableToJson(board.draws, JsonNumber);
  }
  return json;
}

Json BoardsToJson(const std::vector<Board>& boards, const BoardJsonOptions& options) {
  if (boards.empty()) {
    return nullptr;
  }
  Json json = BoardToJson(boards.front(), options);
  if (boards.size() > 1) {
    Json& categories = json["categories"] = Json::array();
    for (std::size_t i = 1; i < boards.size(); ++i) {
      categories.push_back(BoardToJson(boards[i], options));
    }
  }
  return json;
}

}  // namespace arena
