#include "chat/training_data.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/interrupt.h"
#include "base/parallel.h"

namespace arena {
namespace {

constexpr std::size_t kListedRows = 20;
constexpr std::size_t kBatchRows = 1024;  // read by one thread, encoded by all

class Collector {
 public:
  Collector(const TrainingEncoder& encoder, const TrainingDataOptions& options,
            FunctionRef<void(std::int64_t)> progress)
      : encoder_(encoder), options_(options), progress_(progress) {}

  Status ReadFile(const std::filesystem::path& path) {
    report().files.push_back({path, 0});
    const auto read = ReadTrainingRows(
        options_.task, options_.format, path, {.skip_bad_rows = options_.skip_bad_rows},
        [this](TrainingRow&& row) -> Status {
          batch_.push_back(std::move(row));
          return batch_.size() < kBatchRows ? Status() : EncodeBatch();
        });
    if (!read.ok()) return read.error();
    ARENA_RETURN_IF_ERROR(EncodeBatch());
    report().bad_rows += read->bad_rows;
    report().rows += read->bad_rows;
    for (const std::string& problem : read->problems) AddProblem(problem);
    return {};
  }

  Result<TrainingData> Finish() && {
    if (data_.tokens.examples() > 0) return std::move(data_);
    std::string message = fmt::format(
        "there is nothing to train on: {} rows were read and all of them left out", report().rows);
    if (!report().problems.empty()) {
      message += fmt::format(":\n  {}", fmt::join(report().problems, "\n  "));
    }
    return InvalidInput(std::move(message));
  }

 private:
  TrainingDataReport& report() { return data_.report; }

  void AddProblem(std::string problem) {
    if (report().problems.size() < kListedRows) report().problems.push_back(std::move(problem));
  }

  Status EncodeBatch() {
    if (Interrupted()) return Cancelled("stopped while the data were read; nothing was trained");
    std::vector<std::optional<Result<EncodedRow>>> encoded(batch_.size());
    ParallelFor(batch_.size(), options_.threads,
                [&](std::size_t i) { encoded[i] = encoder_.Encode(options_.task, batch_[i]); });
    for (std::size_t i = 0; i < batch_.size(); ++i) {
      ARENA_RETURN_IF_ERROR(Take(batch_[i], std::move(*encoded[i])));
    }
    batch_.clear();
    progress_(report().rows);
    return {};
  }

  Status Take(const TrainingRow& row, Result<EncodedRow> encoded) {
    ++report().rows;
    if (!encoded.ok()) {
      if (!options_.skip_bad_rows || encoded.error().code != ErrorCode::kInvalidInput) {
        return encoded.error();
      }
      ++report().bad_rows;
      AddProblem(encoded.error().message);
      return {};
    }
    if (encoded->left_out != LeftOut::kNot) {
      ++CountOf(encoded->left_out);
      AddProblem(fmt::format("{}: {}", row.place, encoded->why));
      return {};
    }
    AddExample(row, *encoded);
    return {};
  }

  std::int64_t& CountOf(LeftOut reason) {
    switch (reason) {
      case LeftOut::kTooLong:
        return report().too_long;
      case LeftOut::kEmpty:
        return report().empty;
      case LeftOut::kIdentical:
        return report().identical;
      case LeftOut::kMasked:
      case LeftOut::kNot:
        break;
    }
    return report().masked;
  }

  void AddExample(const TrainingRow& row, const EncodedRow& encoded) {
    TokenData& tokens = data_.tokens;
    for (const EncodedSequence& sequence : encoded.sequences) {
      tokens.tokens.insert(tokens.tokens.end(), sequence.tokens.begin(), sequence.tokens.end());
      tokens.loss.insert(tokens.loss.end(), sequence.loss.begin(), sequence.loss.end());
      tokens.ends.push_back(static_cast<std::int64_t>(tokens.tokens.size()));
      const auto size = static_cast<std::int64_t>(sequence.tokens.size());
      report().longest = std::max(report().longest, size);
      report().tokens += size;
      report().learned_tokens += std::count(sequence.loss.begin(), sequence.loss.end(), 1);
    }
    tokens.rows.push_back(row.number);
    if (options_.task == TrainingTask::kPreferences) tokens.margins.push_back(row.margin);
    if (encoded.is_cut) ++report().cut;
    ++report().examples;
    ++report().files.back().examples;
  }

  const TrainingEncoder& encoder_;
  const TrainingDataOptions& options_;
  FunctionRef<void(std::int64_t)> progress_;
  std::vector<TrainingRow> batch_;
  TrainingData data_;
};

}  // namespace

Result<TrainingData> EncodeTrainingData(const TrainingEncoder& encoder,
                                        const TrainingDataOptions& options,
                                        FunctionRef<void(std::int64_t rows)> progress) {
  Collector collector(encoder, options, progress);
  for (const auto& file : options.files) ARENA_RETURN_IF_ERROR(collector.ReadFile(file));
  return std::move(collector).Finish();
}

}  // namespace arena
