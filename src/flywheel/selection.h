// Selection: from the battles of a target to its training data. docs/selection.md has the rules.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/hash.h"
#include "base/result.h"
#include "flywheel/data_card.h"
#include "flywheel/selection_settings.h"
#include "flywheel/test_set.h"
#include "store/store.h"

namespace arena {

/// What a selection reads beside the store. Pointers may be null and must outlive the call.
struct SelectionInputs {
  const std::unordered_set<Key, KeyHash>* instructions = nullptr;  ///< only battles on these
  const TestSet* test_set = nullptr;
  /// By the instruction's key.
  const std::unordered_map<Key, double, KeyHash>* difficulty = nullptr;
  /// What kIfd and kTags go by, by the instruction's key.
  const std::unordered_map<Key, double, KeyHash>* scores = nullptr;
  /// Data files of earlier selections of the same kind and format, with what stands beside them.
  std::vector<std::filesystem::path> earlier = {};
  /// The files that the above came from, for the data card.
  std::vector<CardInput> files = {};
};

/// The card's entry of an input file. Error: it cannot be read.
Result<CardInput> DescribeInput(const std::string& use, const std::filesystem::path& file,
                                std::int64_t rows);

/// Where a selection is written: FOLDER/NAME.jsonl and, beside it, NAME.provenance.jsonl (line for
/// line), NAME.dropped.jsonl, NAME.card.json and NAME.card.md; dataset_info.json for LLaMA-Factory.
struct SelectionOutput {
  std::filesystem::path folder;  ///< made if it is not there
  std::string name;              ///< letters, digits, '-', '_' and '.'
  /// What NAME.card.md says; null: no such file. report/data_card_text.h has it.
  std::function<std::string(const DataCard&)> describe = nullptr;
};

/// Selects and writes; the card counts what happened. Rows stand in the order of the battles' keys,
/// after those of earlier selections: the same store, settings and inputs give the same bytes.
/// Every file appears whole or not at all, the card last. The store is read twice; memory grows by
/// about 100 bytes a battle and never holds their texts.
/// Errors: settings that contradict each other, a target, rival or judge that the store does not
/// have (the message lists those it has), no battle of the target, earlier data that does not fit,
/// a battle that changed meanwhile (kUnavailable: try again), files that cannot be written.
Result<DataCard> Select(Store& store, const SelectionSettings& settings,
                        const SelectionInputs& inputs, const SelectionOutput& output);

}  // namespace arena
