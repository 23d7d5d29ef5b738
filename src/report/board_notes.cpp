#include "report/board_notes.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/numbers.h"

namespace arena {
namespace {

bool IsPercent(const Board& board) { return board.method == "winrate" || board.method == "lc"; }

std::string RatingNote(const Board& board) {
  if (board.method == "bt") {
    return "The rating is a Bradley-Terry strength on an Elo-like scale: the difference of two "
           "ratings sets how often one is expected to beat the other, and the order of the battles "
           "does not matter.";
  }
  if (board.method == "elo") {
    return "The rating is an online Elo replay: every battle moves both contestants, so it depends "
           "on the order of the battles. Bradley-Terry does not.";
  }
  if (board.method == "winrate") {
    return "The rating is the win rate in percent: wins plus half of the ties, divided by the "
           "battles.";
  }
  if (board.method == "lc") {
    return "The rating is the length-controlled win rate in percent: the win rate that a fitted "
           "logistic model expects if both answers were equally long.";
  }
  return "The ratings are those of the file that was read.";
}

std::string IntervalNote(const Board& board) {
  std::string note;
  const std::string level = LevelPercent(board.level);
  if (board.ci == "bootstrap") {
    note = fmt::format(
        "The {} intervals are bootstrap percentiles over {} rounds with seed {}; the same seed "
        "repeats them. ",
        level, board.bootstrap_rounds, board.seed);
  } else if (board.ci == "sandwich") {
    note = fmt::format(
        "The {} intervals come from the sandwich (robust) covariance of the fit and need no random "
        "numbers. ",
        level);
  } else {
    return "The intervals are those of the file that was read.";
  }
  if (board.cluster == "instruction") {
    note +=
        "They are clustered by instruction: battles on the same instruction share its answers and "
        "its difficulty, so they are not independent, and intervals that treat them so are too "
        "narrow.";
  } else if (board.cluster == "none") {
    note +=
        "They treat battles as independent. Where several battles share an instruction this makes "
        "them too narrow.";
  }
  return note;
}

}  // namespace

std::string MethodTitle(const Board& board) {
  if (board.method == "bt") {
    return "Bradley-Terry";
  }
  if (board.method == "elo") {
    return "online Elo";
  }
  if (board.method == "winrate") {
    return "win rate";
  }
  if (board.method == "lc") {
    return "length-controlled win rate";
  }
  return board.method.empty() ? "recorded ratings" : board.method;
}

std::string IntervalTitle(const Board& board) {
  std::string title = LevelPercent(board.level) + " intervals: ";
  title += board.ci.empty() ? "recorded" : board.ci;
  if (board.bootstrap_rounds > 0) {
    title += fmt::format(", {} rounds", board.bootstrap_rounds);
  }
  if (board.cluster == "instruction") {
    title += ", clustered by instruction";
  } else if (board.cluster == "none") {
    title += ", battles as independent";
  }
  return title;
}

std::vector<std::string> BoardFacts(const Board& board) {
  std::vector<std::string> facts{MethodTitle(board), IntervalTitle(board),
                                 fmt::format("seed {}", board.seed),
                                 CountNumber(static_cast<double>(board.battles)) + " battles"};
  facts.push_back(CountNumber(static_cast<double>(board.void_battles)) + " void");
  if (!board.anchor.empty()) {
    facts.push_back("anchor " + board.anchor);
  } else if (!IsPercent(board)) {
    facts.push_back("mean 1000");
  }
  return facts;
}

std::vector<std::string> BoardNotes(const Board& board) {
  std::vector<std::string> notes{RatingNote(board), IntervalNote(board)};
  if (!board.anchor.empty()) {
    notes.push_back(
        fmt::format("The scale is fixed by the anchor {}; its own interval has no width, and every "
                    "other interval is that of the difference to it.",
                    board.anchor));
  }
  notes.push_back(
      "A rank is 1 plus the number of contestants whose lower bound is above this one's upper "
      "bound. Contestants that share a rank are not told apart by these battles.");
  notes.push_back(
      fmt::format("{} battles were used.", CountNumber(static_cast<double>(board.battles))));
  if (board.void_battles > 0) {
    notes.back() += fmt::format(
        " {} more are void: an answer or a verdict is missing or could not be read. They count "
        "neither as ties nor as losses. Voids need not fall on everyone alike, so each "
        "contestant's void share is shown, and its win rate if all of its voids were lost or won.",
        CountNumber(static_cast<double>(board.void_battles)));
  }
  if (!board.style.empty()) {
    notes.push_back(
        "Ratings are controlled for style: the coefficients say how much one standard deviation of "
        "each style difference moves the log odds of winning, and the ratings are what remains "
        "without them.");
  }
  return notes;
}

int RatingDecimals(const Board& board) { return IsPercent(board) ? 2 : 1; }

bool HasVoids(const Board& board) {
  return board.void_battles > 0 ||
         std::any_of(board.contestants.begin(), board.contestants.end(),
                     [](const BoardRow& row) { return row.void_share > 0; });
}

bool HasLengthControl(const Board& board) {
  return std::any_of(board.contestants.begin(), board.contestants.end(),
                     [](const BoardRow& row) { return row.lc_win_rate.has_value(); });
}

}  // namespace arena
