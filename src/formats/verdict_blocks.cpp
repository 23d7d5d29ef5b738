#include "formats/verdict_blocks.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/parallel.h"
#include "formats/csv.h"
#include "formats/decompress.h"
#include "formats/internal/lmsys_readers.h"
#include "formats/internal/row_log.h"
#include "formats/internal/vote_counts.h"

namespace arena {
namespace {

constexpr std::size_t kSmallestBlock = std::size_t{1} << 20;
constexpr std::size_t kLargestBlock = std::size_t{16} << 20;
constexpr std::size_t kBlocksPerThread = 4;  // so that the threads end at about the same time

/// A large table of votes that may be cut at its newlines.
struct Table {
  std::string name;
  std::string_view bytes;
  std::size_t body = 0;  ///< where the rows begin
  CsvOptions csv;        ///< of its blocks
};

bool HasQuote(std::string_view bytes) {
  return std::memchr(bytes.data(), '"', bytes.size()) != nullptr;
}

/// Nothing where the file is small, compressed, not CSV, or has a header that is not plain.
std::optional<Table> OpenTable(const std::filesystem::path& file, std::string_view bytes) {
  if (bytes.size() < 2 * kSmallestBlock) return std::nullopt;
  if (DetectCompression(bytes.substr(0, 4)) != Compression::kNone) return std::nullopt;
  const std::size_t line = std::min(bytes.find('\n'), kSmallestBlock);
  const std::string_view header = bytes.substr(0, line);
  constexpr std::string_view kNotPlain = "\"{[\xEF\xFE\xFF";
  if (header.empty() || header == "\r" || line == kSmallestBlock ||
      header.find_first_of(kNotPlain) != std::string_view::npos) {
    return std::nullopt;
  }
  auto reader = CsvReader::Open(InputSource::Memory(file.string(), bytes.substr(0, line + 1)));
  if (!reader.ok()) return std::nullopt;
  Table table{file.string(), bytes, line + 1, {}};
  table.csv.header = reader->header();
  table.csv.delimiter = reader->delimiter();
  return table;
}

/// One block's outcome.
struct Part {
  std::size_t begin = 0;
  std::size_t end = 0;
  bool has_quote = false;  ///< then a newline may stand inside a field, and nothing was read
  std::unique_ptr<BattleBlock> block;
  ReadReport report;
  Status status;
};

class TableReader {
 public:
  TableReader(const Table& table, const LmsysColumns& columns, const VerdictOptions& options,
              BattleBlocks& blocks)
      : table_(table), columns_(columns), options_(options), blocks_(blocks) {
    if (blocks.merges()) {
      votes_ = FindVoteLayout(table.csv.header, table.csv.delimiter, columns);
    }
  }

  Status Read(unsigned threads, RowLog& log) {
    const std::size_t block = std::clamp(table_.bytes.size() / (threads * kBlocksPerThread),
                                         kSmallestBlock, kLargestBlock);
    for (std::size_t at = table_.body; at < table_.bytes.size();) {
      std::vector<Part> parts = Cut(at, block, threads * kBlocksPerThread);
      ParallelFor(parts.size(), threads, [&](std::size_t i) {
        parts[i].has_quote = HasQuote(Bytes(parts[i]));
        if (!parts[i].has_quote) ReadPart(parts[i]);
      });
      for (Part& part : parts) {
        if (part.has_quote) {
          // From here on only a reader that goes row by row knows where rows end.
          part.end = table_.bytes.size();
          ReadPart(part);
        }
        log.Append(part.report);
        ARENA_RETURN_IF_ERROR(part.status);
        ARENA_RETURN_IF_ERROR(blocks_.Close(std::move(part.block)));
        at = part.end;
        if (part.has_quote) break;
      }
    }
    return {};
  }

 private:
  std::string_view Bytes(const Part& part) const {
    return table_.bytes.substr(part.begin, part.end - part.begin);
  }

  std::vector<Part> Cut(std::size_t at, std::size_t block, std::size_t most) const {
    std::vector<Part> parts;
    while (parts.size() < most && at < table_.bytes.size()) {
      const std::size_t newline = table_.bytes.find('\n', at + block);
      const std::size_t end = newline == std::string_view::npos ? table_.bytes.size() : newline + 1;
      parts.push_back({.begin = at, .end = end, .block = nullptr, .report = {}, .status = {}});
      at = end;
    }
    return parts;
  }

  void ReadPart(Part& part) const {
    part.block = blocks_.Open();
    RowLog log(options_.read);
    part.status = ReadRows(part, log);
    part.report = log.report();
  }

  Status ReadRows(const Part& part, RowLog& log) const {
    std::size_t counted = 0;
    if (votes_ && !part.has_quote) {
      VoteCounts votes(*votes_, Bytes(part));
      counted = votes.Count();
      ARENA_RETURN_IF_ERROR(
          votes.Deliver(log, [&](const BattleRecord& battle, std::uint32_t times) {
            return part.block->Add(battle, times);
          }));
    }
    const std::string_view rest = Bytes(part).substr(counted);
    if (rest.empty()) return {};
    ARENA_ASSIGN_OR_RETURN(ByteWindow window,
                           ByteWindow::Open(InputSource::Memory(table_.name, rest)));
    CsvOptions csv = table_.csv;
    csv.before = table_.bytes.substr(0, part.begin + counted);
    return ReadLmsysCsv(std::move(window), csv, columns_, log,
                        [&](const BattleRecord& battle) { return part.block->Add(battle, 1); });
  }

  const Table& table_;
  const LmsysColumns& columns_;
  const VerdictOptions& options_;
  BattleBlocks& blocks_;
  std::optional<VoteLayout> votes_;  ///< where votes that are alike may be counted
};

}  // namespace

Result<ReadReport> ReadVerdictsInBlocks(VerdictFormat format,
                                        std::span<const std::filesystem::path> files,
                                        const VerdictOptions& options, unsigned threads,
                                        BattleBlocks& blocks) {
  if (threads == 0) threads = DefaultThreads();
  RowLog log(options.read);
  const auto read_as_one = [&](std::span<const std::filesystem::path> some) -> Status {
    std::unique_ptr<BattleBlock> block = blocks.Open();
    ARENA_ASSIGN_OR_RETURN(const ReadReport report,
                           ReadVerdicts(format, some, options, [&](const BattleRecord& battle) {
                             return block->Add(battle, 1);
                           }));
    log.Append(report);
    return blocks.Close(std::move(block));
  };
  if (format != VerdictFormat::kLmsys || threads == 1) {
    ARENA_RETURN_IF_ERROR(read_as_one(files));
    return log.report();
  }
  ARENA_ASSIGN_OR_RETURN(const LmsysColumns columns, LmsysColumns::Make(options.columns));
  for (const std::filesystem::path& file : files) {
    const auto mapped = MappedFile::Open(file);
    std::optional<Table> table;
    if (mapped.ok()) table = OpenTable(file, mapped->bytes());
    if (table) {
      ARENA_RETURN_IF_ERROR(TableReader(*table, columns, options, blocks).Read(threads, log));
    } else {
      ARENA_RETURN_IF_ERROR(read_as_one({&file, 1}));
    }
  }
  return log.report();
}

}  // namespace arena
