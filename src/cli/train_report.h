// What `arena train` prints while it trains and at its end.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/json.h"
#include "chat/training_job.h"
#include "chat/training_run.h"
#include "cli/progress.h"

namespace arena {

/// Follows the events of a training: progress, evaluations and warnings on stderr (unless `quiet`),
/// and what the report needs. Not thread-safe.
class TrainingLog {
 public:
  TrainingLog(const Clock& clock, bool quiet);
  ~TrainingLog();

  void RowsRead(std::int64_t rows);
  void Warn(const std::string& message);
  void Take(const Json& event);

  struct State;
  const State& state() const { return *state_; }

 private:
  void Say(const std::string& line);

  Progress progress_;
  bool quiet_;
  std::unique_ptr<State> state_;
};

/// One document.
Json TrainingReportJson(const TrainingJobOptions& options, const PreparedTraining& prepared,
                        const TrainingRunEnd& end, const TrainingLog& log);
/// The same in words.
std::string TrainingReportText(const TrainingJobOptions& options, const PreparedTraining& prepared,
                               const TrainingRunEnd& end, const TrainingLog& log);

}  // namespace arena
