#include "flywheel/internal/card_counts.h"

#include <array>
#include <cmath>
#include <unordered_set>
#include <utility>

#include "text/style_counts.h"

namespace arena::flywheel {
namespace {

using KeySet = std::unordered_set<Key, KeyHash>;

void CountFates(const std::vector<Candidate>& candidates, DataCard& card) {
  std::array<std::int64_t, kFates> counts{};
  for (const Candidate& candidate : candidates) ++counts[static_cast<std::size_t>(candidate.fate)];
  card.battles = static_cast<std::int64_t>(candidates.size());
  card.selected = counts[0];
  for (std::size_t fate = 1; fate < kFates; ++fate) {
    card.dropped.emplace_back(FateName(static_cast<Fate>(fate)), counts[fate]);
  }
}

void CountInstructions(const std::vector<Candidate>& candidates, DataCard& card) {
  KeySet all;
  KeySet selected;
  KeySet overlapping;
  std::vector<double> margins;
  std::vector<double> difficulties;
  std::vector<double> difficulties_selected;
  const auto add = [](const Candidate& candidate, KeySet& keys, std::vector<double>& numbers) {
    const bool is_new = keys.insert(candidate.instruction).second;
    if (is_new && !std::isnan(candidate.difficulty)) numbers.push_back(candidate.difficulty);
  };
  for (const Candidate& candidate : candidates) {
    add(candidate, all, difficulties);
    if (candidate.fate == Fate::kInTestSet) overlapping.insert(candidate.instruction);
    if (candidate.fate != Fate::kSelected) continue;
    add(candidate, selected, difficulties_selected);
    if (!candidate.is_void) margins.push_back(candidate.margin());
  }
  card.instructions = static_cast<std::int64_t>(all.size());
  card.instructions_selected = static_cast<std::int64_t>(selected.size());
  card.overlap_removed = static_cast<std::int64_t>(overlapping.size());
  card.margin = Summarise(std::move(margins));
  card.difficulty = Summarise(std::move(difficulties));
  card.difficulty_selected = Summarise(std::move(difficulties_selected));
}

// Counts one battle for its pair, whose order the target decides.
void CountPair(const Candidate& candidate, bool swapped, CardPair& pair) {
  ++pair.battles;
  pair.selected += candidate.fate == Fate::kSelected ? 1 : 0;
  if (candidate.is_void) {
    ++pair.voided;
    return;
  }
  const double gap = (candidate.score_a - candidate.score_b) * (swapped ? -1 : 1);
  ++(gap > 0 ? pair.a_won : gap < 0 ? pair.b_won : pair.tied);
}

void CountPairs(const std::vector<Candidate>& candidates, const std::vector<std::string>& names,
                DataCard& card) {
  const std::string& target = card.settings.target;
  std::map<std::pair<std::string, std::string>, CardPair> pairs;
  for (const Candidate& candidate : candidates) {
    const std::string* a = &names[candidate.contestant_a];
    const std::string* b = &names[candidate.contestant_b];
    const bool swapped = *a != target && (*b == target || *b < *a);
    if (swapped) std::swap(a, b);
    CardPair& pair = pairs[{*a, *b}];
    pair.a = *a;
    pair.b = *b;
    CountPair(candidate, swapped, pair);
  }
  for (auto& [key, pair] : pairs) card.pairs.push_back(std::move(pair));
}

void CountCategories(const std::vector<Candidate>& candidates,
                     const std::vector<std::string>& categories, DataCard& card) {
  std::map<std::string, CardCategory> by_name;
  for (const Candidate& candidate : candidates) {
    CardCategory& category = by_name[categories[candidate.category]];
    ++category.battles;
    category.selected += candidate.fate == Fate::kSelected ? 1 : 0;
  }
  for (auto& [name, category] : by_name) {
    category.category = name;
    card.categories.push_back(std::move(category));
  }
}

}  // namespace

void CountCandidates(const std::vector<Candidate>& candidates,
                     const std::vector<std::string>& names,
                     const std::vector<std::string>& categories, DataCard& card) {
  CountFates(candidates, card);
  CountInstructions(candidates, card);
  CountPairs(candidates, names, card);
  CountCategories(candidates, categories, card);
}

void RowCounts::Lengths::Add(std::string_view text) {
  characters.push_back(static_cast<double>(CountCharacters(text)));
  tokens.push_back(CountStyle(text).tokens);
}

void RowCounts::Add(const SelectedRow& row, TrainingKind kind) {
  std::string prompt;
  for (const Message& message : row.example.prompt) {
    if (!prompt.empty()) prompt += '\n';
    prompt += message.content;
  }
  prompts_.Add(prompt);
  if (kind == TrainingKind::kPpo) return;
  answers_.Add(row.example.answer);
  if (IsPreference(kind)) rejected_.Add(row.example.rejected);
  ++answers_from_[row.answer_from];
}

void RowCounts::Fill(DataCard& card) const {
  card.prompt_characters = Summarise(prompts_.characters);
  card.prompt_tokens = Summarise(prompts_.tokens);
  card.answer_characters = Summarise(answers_.characters);
  card.answer_tokens = Summarise(answers_.tokens);
  card.rejected_characters = Summarise(rejected_.characters);
  card.rejected_tokens = Summarise(rejected_.tokens);
  card.answers_from.assign(answers_from_.begin(), answers_from_.end());
}

}  // namespace arena::flywheel
