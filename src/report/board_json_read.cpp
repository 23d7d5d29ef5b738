// The reading half of board_json.h.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <unordered_set>

#include "report/board_json.h"

namespace arena {
namespace {

enum class Need { kRequired, kOptional };

Error WrongMember(std::string_view where, std::string_view name, std::string_view expected) {
  return InvalidInput(fmt::format("board JSON: {}{} must be {}", where, name, expected));
}

/// Copies the members of one object into fields and remembers the first error.
class MemberReader {
 public:
  MemberReader(const Json& object, std::string where) : object_(object), where_(std::move(where)) {}

  MemberReader& Number(const char* name, double& field, Need need = Need::kOptional) {
    return Read(name, need, "a number", [&](const Json& value) {
      if (value.is_null() && need == Need::kOptional) {
        field = std::numeric_limits<double>::quiet_NaN();
        return true;
      }
      if (!value.is_number()) {
        return false;
      }
      field = value.get<double>();
      return true;
    });
  }

  template <typename Integer>
  MemberReader& Count(const char* name, Integer& field) {
    return Read(name, Need::kOptional, "a whole number that is not negative",
                [&](const Json& value) {
                  // A document built in memory may hold a count as a signed number.
                  if (!value.is_number_integer() ||
                      (!value.is_number_unsigned() && value.get<std::int64_t>() < 0) ||
                      value.get<std::uint64_t>() >
                          static_cast<std::uint64_t>(std::numeric_limits<Integer>::max())) {
                    return false;
                  }
                  field = value.get<Integer>();
                  return true;
                });
  }

  MemberReader& Text(const char* name, std::string& field, Need need = Need::kOptional) {
    return Read(name, need, "a string", [&](const Json& value) {
      if (!value.is_string()) {
        return false;
      }
      field = value.get<std::string>();
      return true;
    });
  }

  MemberReader& Texts(const char* name, std::vector<std::string>& field) {
    return Read(name, Need::kOptional, "a list of strings", [&](const Json& value) {
      if (!value.is_array() || !std::all_of(value.begin(), value.end(),
                                            [](const Json& item) { return item.is_string(); })) {
        return false;
      }
      field = value.get<std::vector<std::string>>();
      return true;
    });
  }

  /// A list of lists of numbers, each of `columns` numbers; null becomes NaN.
  MemberReader& Table(const char* name, std::size_t columns,
                      std::vector<std::vector<double>>& field) {
    return Read(name, Need::kOptional, fmt::format("a list of lists of {} numbers", columns),
                [&](const Json& value) {
                  if (!value.is_array()) {
                    return false;
                  }
                  for (const Json& line : value) {
                    if (!line.is_array() || line.size() != columns) {
                      return false;
                    }
                    std::vector<double>& cells = field.emplace_back();
                    for (const Json& cell : line) {
                      if (!cell.is_number() && !cell.is_null()) {
                        return false;
                      }
                      cells.push_back(cell.is_null() ? std::numeric_limits<double>::quiet_NaN()
                                                     : cell.get<double>());
                    }
                  }
                  return true;
                });
  }

  const Status& status() const { return status_; }

 private:
  template <typename Take>
  MemberReader& Read(const char* name, Need need, std::string_view expected, Take take) {
    if (!status_.ok()) {
      return *this;
    }
    const auto found = object_.find(name);
    const bool fine = found == object_.end() ? need == Need::kOptional : take(*found);
    if (!fine) {
      status_ = WrongMember(where_, name, expected);
    }
    return *this;
  }

  const Json& object_;
  std::string where_;
  Status status_;
};

Result<BoardRow> ReadRow(const Json& json, std::size_t index) {
  const std::string where = fmt::format("contestants[{}]", index);
  if (!json.is_object()) {
    return WrongMember(where, "", "an object");
  }
  BoardRow row;
  double lc_win_rate = 0;
  MemberReader reader(json, where + ".");
  reader.Text("name", row.name, Need::kRequired)
      .Number("rating", row.rating, Need::kRequired)
      .Number("lower", row.lower, Need::kRequired)
      .Number("upper", row.upper, Need::kRequired)
      .Count("rank", row.rank)
      .Number("battles", row.battles)
      .Number("win_rate", row.win_rate)
      .Number("void_share", row.void_share)
      .Number("win_rate_voids_lost", row.win_rate_voids_lost)
      .Number("win_rate_voids_won", row.win_rate_voids_won)
      .Number("lc_win_rate", lc_win_rate);
  ARENA_RETURN_IF_ERROR(reader.status());
  if (json.contains("lc_win_rate")) {
    row.lc_win_rate = lc_win_rate;
  }
  if (row.lower > row.upper) {
    return InvalidInput(fmt::format("board JSON: {} (\"{}\"): lower {} is above upper {}", where,
                                    row.name, row.lower, row.upper));
  }
  return row;
}

Status ReadContestants(const Json& json, Board& board) {
  const auto list = json.find("contestants");
  if (list == json.end() || !list->is_array() || list->empty()) {
    return WrongMember("", "contestants", "a list with at least one contestant");
  }
  std::unordered_set<std::string> names;
  for (std::size_t i = 0; i < list->size(); ++i) {
    ARENA_ASSIGN_OR_RETURN(BoardRow row, ReadRow((*list)[i], i));
    if (!names.insert(row.name).second) {
      return InvalidInput(
          fmt::format("board JSON: the contestant \"{}\" is listed twice", row.name));
    }
    board.contestants.push_back(std::move(row));
  }
  return {};
}

Status ReadStyle(const Json& json, Board& board) {
  const auto list = json.find("style");
  if (list == json.end()) {
    return {};
  }
  if (!list->is_array()) {
    return WrongMember("", "style", "a list of objects");
  }
  for (std::size_t i = 0; i < list->size(); ++i) {
    const std::string where = fmt::format("style[{}]", i);
    if (!(*list)[i].is_object()) {
      return WrongMember(where, "", "an object");
    }
    StyleCoefficient& coefficient = board.style.emplace_back();
    MemberReader reader((*list)[i], where + ".");
    reader.Text("feature", coefficient.feature, Need::kRequired)
        .Number("value", coefficient.value, Need::kRequired)
        .Number("lower", coefficient.lower)
        .Number("upper", coefficient.upper)
        .Number("mean", coefficient.mean)
        .Number("deviation", coefficient.deviation);
    ARENA_RETURN_IF_ERROR(reader.status());
  }
  return {};
}

Status ReadMatrix(const Json& json, Board& board) {
  const auto matrix = json.find("win_matrix");
  if (matrix == json.end()) {
    return {};
  }
  const std::size_t count = board.contestants.size();
  if (!matrix->is_object()) {
    return WrongMember("", "win_matrix", "an object");
  }
  MemberReader reader(*matrix, "win_matrix.");
  reader.Table("battles", count, board.matrix.battles)
      .Table("win_rate", count, board.matrix.win_rate);
  ARENA_RETURN_IF_ERROR(reader.status());
  if (board.matrix.battles.size() != count || board.matrix.win_rate.size() != count) {
    return WrongMember("win_matrix.", "battles and win_rate",
                       fmt::format("tables with one row for each of the {} contestants", count));
  }
  return {};
}

bool BestFirst(const BoardRow& left, const BoardRow& right) {
  return left.rating != right.rating ? left.rating > right.rating : left.name < right.name;
}

void SetRanks(Board& board) {
  for (BoardRow& row : board.contestants) {
    const auto above =
        std::count_if(board.contestants.begin(), board.contestants.end(),
                      [&](const BoardRow& other) { return other.lower > row.upper; });
    row.rank = static_cast<int>(above) + 1;
  }
}

}  // namespace

void SortAndRank(Board& board) {
  std::sort(board.contestants.begin(), board.contestants.end(), BestFirst);
  SetRanks(board);
}

Result<Board> BoardFromJson(const Json& json) {
  if (!json.is_object()) {
    return InvalidInput("board JSON: the document must be an object with \"contestants\"");
  }
  Board board;
  MemberReader reader(json, "");
  reader.Text("method", board.method)
      .Text("ci", board.ci)
      .Count("seed", board.seed)
      .Count("battles", board.battles)
      .Texts("warnings", board.warnings)
      .Number("level", board.level)
      .Text("cluster", board.cluster)
      .Count("bootstrap_rounds", board.bootstrap_rounds)
      .Count("void_battles", board.void_battles)
      .Text("category", board.category)
      .Text("anchor", board.anchor);
  ARENA_RETURN_IF_ERROR(reader.status());
  if (!(board.level > 0 && board.level < 1)) {
    return WrongMember("", "level", "between 0 and 1");
  }
  ARENA_RETURN_IF_ERROR(ReadContestants(json, board));
  ARENA_RETURN_IF_ERROR(ReadStyle(json, board));
  ARENA_RETURN_IF_ERROR(ReadMatrix(json, board));
  MemberReader draws(json, "");
  ARENA_RETURN_IF_ERROR(draws.Table("draws", board.contestants.size(), board.draws).status());
  const bool sorted =
      std::is_sorted(board.contestants.begin(), board.contestants.end(),
                     [](const BoardRow& l, const BoardRow& r) { return l.rating > r.rating; });
  if (!sorted && (!board.draws.empty() || !board.matrix.win_rate.empty())) {
    return WrongMember("", "contestants",
                       "ordered best first where win_matrix or draws are given, which follow "
                       "their order");
  }
  if (!sorted) {
    std::sort(board.contestants.begin(), board.contestants.end(), BestFirst);
  }
  if (std::any_of(board.contestants.begin(), board.contestants.end(),
                  [](const BoardRow& row) { return row.rank == 0; })) {
    SetRanks(board);
  }
  return board;
}

}  // namespace arena
