#include "formats/internal/vote_counts.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>

#include "base/hash.h"
#include "formats/internal/verdict_readers.h"

namespace arena {
namespace {

constexpr std::size_t kTableSize = std::size_t{1} << 16;
constexpr std::size_t kMostRows = kTableSize / 4 * 3;  // 100 models make some 30,000
constexpr std::size_t kWord = sizeof(std::uint64_t);
constexpr std::size_t kLongestRow = 1024;
constexpr std::size_t kAtOnce = 16;

std::uint64_t Load(const char* at) {
  std::uint64_t word;
  std::memcpy(&word, at, kWord);
  return word;
}

// Of a row of kWord bytes or more; the last word overlaps the one before it.
std::uint64_t RowHash(std::string_view row) {
  std::uint64_t hash = 0;
  const char* const last = row.data() + row.size() - kWord;
  for (const char* at = row.data(); at < last; at += kWord) hash = MixBits(hash, Load(at));
  return MixBits(hash, Load(last));
}

}  // namespace

std::optional<VoteLayout> FindVoteLayout(const std::vector<std::string>& header, char delimiter,
                                         const LmsysColumns& name) {
  const auto find = [&](std::string_view canonical) {
    return static_cast<std::size_t>(std::find(header.begin(), header.end(), name(canonical)) -
                                    header.begin());
  };
  const VoteLayout layout{find("model_a"), find("model_b"), find("winner"), header.size(),
                          delimiter};
  for (const std::string_view canonical : kLmsysColumnNames) {
    const bool is_needed =
        canonical == "model_a" || canonical == "model_b" || canonical == "winner";
    const bool is_there = find(canonical) < header.size();
    if (is_needed != is_there) return std::nullopt;
  }
  return layout;
}

VoteCounts::VoteCounts(const VoteLayout& layout, std::string_view rows)
    : layout_(layout),
      bytes_(rows.substr(0, std::numeric_limits<std::uint32_t>::max())),
      table_(kTableSize) {}

// Rows are looked up several at once, so that the memory that one of them needs comes while the
// others are looked at.
std::size_t VoteCounts::Count() {
  struct Place {
    std::string_view row;
    std::size_t slot = 0;
  };
  std::array<Place, kAtOnce> places;
  std::size_t at = 0;
  while (true) {
    std::size_t found = 0;
    for (std::size_t begin = at; found < kAtOnce; ++found) {
      const std::size_t newline = bytes_.find('\n', begin);
      if (newline == std::string_view::npos) break;
      const std::string_view row = bytes_.substr(begin, newline - begin);
      if (row.size() < kWord || row.size() > kLongestRow) break;
      places[found] = {row, RowHash(row) % kTableSize};
      __builtin_prefetch(&table_[places[found].slot]);
      begin = newline + 1;
    }
    for (std::size_t i = 0; i < found; ++i) {
      __builtin_prefetch(bytes_.data() + table_[places[i].slot].offset);
    }
    for (std::size_t i = 0; i < found; ++i) {
      if (!CountRow(places[i].row, places[i].slot)) return at;
      at += places[i].row.size() + 1;
    }
    if (found < kAtOnce) return at;
  }
}

bool VoteCounts::CountRow(std::string_view row, std::size_t slot) {
  for (; table_[slot].times != 0; slot = (slot + 1) % kTableSize) {
    Row& counted = table_[slot];
    // With its newline, so that the row is not the beginning of the counted one.
    if (std::memcmp(bytes_.data() + counted.offset, row.data(), row.size() + 1) == 0) {
      ++counted.times;
      return true;
    }
  }
  if (slots_.size() == kMostRows || !Parse(row)) return false;
  table_[slot] = {static_cast<std::uint32_t>(row.data() - bytes_.data()), 1};
  slots_.push_back(static_cast<std::uint32_t>(slot));
  return true;
}

// Nothing: the row is not plainly a vote; the reader of any table says what it is.
std::optional<VoteCounts::Vote> VoteCounts::Parse(std::string_view row) const {
  Vote vote;
  if (row.ends_with('\r')) row.remove_suffix(1);
  std::string_view winner;
  std::size_t column = 0;
  for (std::size_t at = 0; at <= row.size(); ++column) {
    const std::size_t end = std::min(row.find(layout_.delimiter, at), row.size());
    const std::string_view field = row.substr(at, end - at);
    if (column == layout_.model_a) vote.model_a = field;
    if (column == layout_.model_b) vote.model_b = field;
    if (column == layout_.winner) winner = field;
    at = end + 1;
  }
  const auto share = LmsysShare(winner);
  const bool are_two =
      !vote.model_a.empty() && !vote.model_b.empty() && vote.model_a != vote.model_b;
  if (column != layout_.columns || !share || !are_two) return std::nullopt;
  vote.share_a = *share;
  return vote;
}

Status VoteCounts::Deliver(
    RowLog& log, FunctionRef<Status(const BattleRecord&, std::uint32_t times)> sink) const {
  BattleRecord battle;
  for (const std::uint32_t slot : slots_) {
    const Row& row = table_[slot];
    const std::string_view rest = bytes_.substr(row.offset);
    const Vote vote = *Parse(rest.substr(0, rest.find('\n')));  // as it was when it was added
    battle.model_a = vote.model_a;
    battle.model_b = vote.model_b;
    battle.games[0].share_a = vote.share_a;
    ARENA_RETURN_IF_ERROR(log.Delivered(sink(battle, row.times), row.times));
  }
  return {};
}

}  // namespace arena
