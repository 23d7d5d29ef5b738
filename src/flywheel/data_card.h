// The data card: what a file of training data is made of, and how.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/json.h"
#include "flywheel/selection_settings.h"

namespace arena {

/// Counts of a pair of contestants. In a selection around a target, `a` is the target.
struct CardPair {
  std::string a;
  std::string b;
  std::int64_t battles = 0;
  std::int64_t a_won = 0;  ///< by the mean score of both games
  std::int64_t tied = 0;
  std::int64_t b_won = 0;
  std::int64_t voided = 0;
  std::int64_t selected = 0;
};

struct CardCategory {
  std::string category;  ///< empty: none
  std::int64_t battles = 0;
  std::int64_t selected = 0;
};

/// Of numbers; all zero where there are none.
struct CardSummary {
  std::int64_t count = 0;
  double min = 0;
  double median = 0;  ///< the lower one of the two in the middle
  double mean = 0;
  double max = 0;
};
CardSummary Summarise(std::vector<double> numbers);

struct CardInput {
  std::string use;   ///< "test set", "instructions", "difficulty", "earlier data"
  std::string name;  ///< the file's, without its folder
  std::string hash;  ///< 128-bit XXH3 of its bytes, hexadecimal
  std::int64_t rows = 0;
};

struct CardOutput {
  std::string name;
  std::int64_t rows = 0;
  std::int64_t bytes = 0;
  std::string hash;
};

/// Where the rows of earlier selections went: rows = kept + not_drawn + repeated + in_test_set.
struct CardEarlier {
  std::int64_t rows = 0;
  std::int64_t kept = 0;
  std::int64_t not_drawn = 0;    ///< left out by the ratio of replay
  std::int64_t repeated = 0;     ///< the same row stood before, or its battle is selected anew
  std::int64_t in_test_set = 0;  ///< removed: the test set asks the same
};

/// Everything in a fixed order: equal selections make equal cards. Without time, paths or host.
struct DataCard {
  SelectionSettings settings;
  std::string judge;  ///< who judged; empty: no battle

  std::int64_t battles = 0;                ///< considered: = selected + all of `dropped`
  std::int64_t selected = 0;               ///< battles that gave rows
  std::int64_t rows = 0;                   ///< in the data file, those of earlier selections too
  std::int64_t instructions = 0;           ///< considered
  std::int64_t instructions_selected = 0;  ///< with at least one selected battle
  std::vector<std::pair<std::string, std::int64_t>> dropped;  ///< by reason, every reason

  std::vector<CardPair> pairs;           ///< who won against whom
  std::vector<CardCategory> categories;  ///< by name
  /// The contestants whose answers are chosen (or labelled), with how many rows, by name.
  std::vector<std::pair<std::string, std::int64_t>> answers_from;

  CardSummary prompt_characters;  ///< of new rows, as those below
  CardSummary answer_characters;
  CardSummary rejected_characters;
  CardSummary prompt_tokens;  ///< as src/text/style_counts.h counts them
  CardSummary answer_tokens;
  CardSummary rejected_tokens;
  CardSummary margin;               ///< winner's minus loser's mean score, of selected battles
  CardSummary difficulty;           ///< of the instructions considered, where known
  CardSummary difficulty_selected;  ///< of those selected

  bool has_test_set = false;
  std::int64_t test_instructions = 0;
  std::int64_t overlap_removed = 0;  ///< instructions considered that the test set has
  std::int64_t overlap_left = 0;     ///< rows written that the test set has: always 0

  CardEarlier earlier;
  std::string store_hash;  ///< of all battles considered: keys, games, scores
  std::vector<CardInput> inputs;
  std::vector<CardOutput> outputs;
};

/// docs/selection.md describes the members.
Json CardJson(const DataCard& card);

}  // namespace arena
