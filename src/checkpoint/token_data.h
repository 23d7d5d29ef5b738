// Training data as token ids, between the program that has the texts and those that train.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "base/result.h"

namespace arena {

/// Sequences of token ids with what of them is to be learned; docs/formats/token-data.md.
/// Fine-tuning and prompts: an example is one sequence. Preferences: an example is two, the chosen
/// one (2i) and the rejected one (2i + 1).
struct TokenData {
  /// The ids of all sequences, one after another.
  std::vector<std::int32_t> tokens;
  /// Where each sequence ends in `tokens`; the first starts at 0.
  std::vector<std::int64_t> ends;
  /// For each token 1 if it is to be learned; it is predicted from those before it.
  std::vector<std::uint8_t> loss;
  /// For each example its line (or row) in the source, from 1; for messages.
  std::vector<std::int64_t> rows;
  /// For each preference how much better the chosen one is; empty: the examples are no preferences.
  std::vector<float> margins;

  std::size_t sequences() const { return ends.size(); }
  std::size_t examples() const { return rows.size(); }
  bool has_pairs() const { return !margins.empty(); }

  /// The tokens of sequence i < sequences(), (length), and for each of them whether it is learned.
  std::span<const std::int32_t> Sequence(std::size_t i) const;
  std::span<const std::uint8_t> Loss(std::size_t i) const;

 private:
  std::size_t Begin(std::size_t i) const {
    return i == 0 ? 0 : static_cast<std::size_t>(ends[i - 1]);
  }
};

/// Whether the members fit together: at least one sequence and none empty; ids not negative; loss 0
/// or 1, and 0 for the first token of each sequence; a row for each example; with margins an even
/// number of sequences, where both of a pair begin with the same tokens up to the first that is
/// learned, which each has. Error: InvalidInput with the sequence, and the row where there is one.
Status CheckTokenData(const TokenData& data);

/// Reads and checks a file. Errors: those of the file, and of CheckTokenData, with its name.
Result<TokenData> ReadTokenData(const std::filesystem::path& path);

/// Checks the data and writes a file, which appears whole or not at all.
Status WriteTokenData(const TokenData& data, const std::filesystem::path& path);

}  // namespace arena
