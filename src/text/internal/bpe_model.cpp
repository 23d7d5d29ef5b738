#include "text/internal/bpe_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <queue>

#include "text/internal/byte_alphabet.h"
#include "text/internal/utf8.h"

namespace arena {
namespace {

// Up to here looking at every pair for each merge is faster than a queue.
constexpr std::size_t kShortWord = 48;

/// A pair that may be joined, in the order in which that happens: by rank, then from the left.
struct Candidate {
  Merge merge;
  std::size_t left;
  bool operator<(const Candidate& other) const {  // of two, std::priority_queue takes the greater
    return merge.rank != other.merge.rank ? merge.rank > other.merge.rank : left > other.left;
  }
};

/// A symbol of a long word; joined ones are unlinked.
struct Link {
  TokenId id;
  std::size_t previous;
  std::size_t next;
};
constexpr std::size_t kNone = static_cast<std::size_t>(-1);

}  // namespace

Result<std::unique_ptr<BpeModel>> BpeModel::Make(BpeSpec spec) {
  std::unique_ptr<BpeModel> model(new BpeModel(std::move(spec)));
  ARENA_RETURN_IF_ERROR(model->IndexTokens());
  ARENA_RETURN_IF_ERROR(model->IndexMerges());
  return model;
}

Status BpeModel::IndexTokens() {
  ids_.reserve(spec_.tokens.size());
  spec_.special.resize(spec_.tokens.size());
  for (std::size_t i = 0; i < spec_.tokens.size(); ++i) {
    const std::string& token = spec_.tokens[i];
    if (token.empty()) continue;
    const auto id = static_cast<TokenId>(i);
    if (!ids_.emplace(token, id).second) {
      return InvalidInput(fmt::format("token \"{}\" stands at two ids", token));
    }
    if (!spec_.ignore_merges || spec_.special[i]) continue;
    if (!spec_.byte_level) {
      whole_.emplace(token, id);
    } else if (auto bytes = BytesOfAlphabet(token)) {
      whole_.emplace(*std::move(bytes), id);
    }
  }
  for (unsigned byte = 0; byte < 256; ++byte) {
    byte_symbols_[byte] = Find(AlphabetCharacter(static_cast<std::uint8_t>(byte))).value_or(-1);
    byte_tokens_[byte] = Find(fmt::format("<0x{:02X}>", byte)).value_or(-1);
  }
  if (!spec_.unk_token) return {};
  unk_id_ = Find(*spec_.unk_token);
  if (unk_id_) return {};
  return InvalidInput(fmt::format("unk_token \"{}\" is not in the vocabulary", *spec_.unk_token));
}

Status BpeModel::IndexMerges() {
  merges_ = PairTable(spec_.merges.size());
  std::string joined;
  for (std::size_t rank = 0; rank < spec_.merges.size(); ++rank) {
    const auto& [left, right] = spec_.merges[rank];
    joined.assign(left).append(right);
    const auto left_id = Find(left), right_id = Find(right), result = Find(joined);
    if (!left_id || !right_id || !result) {
      const std::string& missing = !left_id ? left : !right_id ? right : joined;
      return InvalidInput(fmt::format("merge {} (\"{}\" \"{}\"): \"{}\" is not in the vocabulary",
                                      rank, left, right, missing));
    }
    if (spec_.special[static_cast<std::size_t>(*result)]) continue;
    merges_.Set(*left_id, *right_id, {static_cast<std::uint32_t>(rank), *result});
  }
  return {};
}

std::optional<TokenId> BpeModel::Find(std::string_view token) const {
  const auto found = ids_.find(token);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

void BpeModel::Encode(std::string_view piece, std::vector<TokenId>& out) const {
  if (cache_.Append(piece, out)) return;
  if (spec_.ignore_merges) {
    const auto found = whole_.find(std::string(piece));
    if (found != whole_.end()) {
      out.push_back(found->second);
      cache_.Put(piece, &found->second, 1);
      return;
    }
  }
  std::vector<TokenId> symbols;
  symbols.reserve(piece.size());
  AppendSymbols(piece, symbols);
  if (symbols.size() <= kShortWord) {
    MergeShort(symbols);
  } else {
    MergeLong(symbols);
  }
  out.insert(out.end(), symbols.begin(), symbols.end());
  cache_.Put(piece, symbols.data(), symbols.size());
}

TokenId BpeModel::SymbolOf(std::string_view character) const {
  if (spec_.byte_level) return byte_symbols_[static_cast<unsigned char>(character.front())];
  return Find(character).value_or(-1);
}

bool BpeModel::AppendByteTokens(std::string_view character, std::vector<TokenId>& symbols) const {
  const auto token_of = [this](char c) { return byte_tokens_[static_cast<unsigned char>(c)]; };
  if (!std::all_of(character.begin(), character.end(), [&](char c) { return token_of(c) >= 0; })) {
    return false;
  }
  for (const char c : character) symbols.push_back(token_of(c));
  return true;
}

void BpeModel::AppendSymbols(std::string_view piece, std::vector<TokenId>& symbols) const {
  bool after_unknown = false;
  for (std::size_t at = 0; at < piece.size();) {
    const std::size_t size = spec_.byte_level ? 1 : CharacterAt(piece, at).size;
    const std::string_view character = piece.substr(at, size);
    at += size;
    const TokenId symbol = SymbolOf(character);
    if (symbol >= 0) {
      symbols.push_back(symbol);
    } else if (spec_.byte_fallback && AppendByteTokens(character, symbols)) {
      after_unknown = false;
      continue;
    } else if (unk_id_ && !(after_unknown && spec_.fuse_unk)) {
      symbols.push_back(*unk_id_);
    }
    after_unknown = symbol < 0;
  }
}

void BpeModel::MergeShort(std::vector<TokenId>& symbols) const {
  constexpr std::uint32_t kNoRank = static_cast<std::uint32_t>(-1);
  std::array<Merge, kShortWord> merges{};  // of symbol i and the next
  const auto look_up = [&](std::size_t i) {
    merges[i] = i + 1 < symbols.size() ? merges_.Find(symbols[i], symbols[i + 1]) : Merge{};
    if (merges[i].result < 0) merges[i].rank = kNoRank;
  };
  for (std::size_t i = 0; i < symbols.size(); ++i) look_up(i);
  while (symbols.size() > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < symbols.size(); ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (merges[best].result < 0) return;
    symbols[best] = merges[best].result;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    std::move(merges.begin() + best + 2, merges.begin() + symbols.size() + 1,
              merges.begin() + best + 1);
    look_up(best);
    if (best > 0) look_up(best - 1);
  }
}

void BpeModel::MergeLong(std::vector<TokenId>& symbols) const {
  std::vector<Link> links(symbols.size());
  std::priority_queue<Candidate> queue;
  const auto offer = [&](std::size_t left) {
    if (left == kNone || links[left].next == kNone) return;
    const Merge merge = merges_.Find(links[left].id, links[links[left].next].id);
    if (merge.result >= 0) queue.push({merge, left});
  };
  for (std::size_t i = 0; i < links.size(); ++i) {
    links[i] = {symbols[i], i == 0 ? kNone : i - 1, i + 1 < links.size() ? i + 1 : kNone};
  }
  for (std::size_t i = 0; i < links.size(); ++i) offer(i);
  while (!queue.empty()) {
    const auto [merge, left] = queue.top();
    queue.pop();
    Link& link = links[left];
    // The pair may have changed since it was offered.
    if (link.id < 0 || link.next == kNone) continue;
    Link& next = links[link.next];
    const Merge now = merges_.Find(link.id, next.id);
    if (now.result != merge.result || now.rank != merge.rank) continue;
    link.id = merge.result;
    next.id = -1;
    link.next = next.next;
    if (link.next != kNone) links[link.next].previous = left;
    offer(left);
    offer(link.previous);
  }
  symbols.clear();
  for (const Link& link : links) {
    if (link.id >= 0) symbols.push_back(link.id);
  }
}

}  // namespace arena
