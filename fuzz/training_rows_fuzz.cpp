// Training data for one task, ARENA_FUZZ_FINE_TUNING, ARENA_FUZZ_PREFERENCES or
// ARENA_FUZZ_PROMPTS.
#include <cstdint>

#include "check.h"
#include "formats/training_rows.h"

namespace {

using arena::fuzz::Demand;

#if defined(ARENA_FUZZ_FINE_TUNING)
constexpr auto kTask = arena::TrainingTask::kFineTuning;
#elif defined(ARENA_FUZZ_PREFERENCES)
constexpr auto kTask = arena::TrainingTask::kPreferences;
#else
constexpr auto kTask = arena::TrainingTask::kPrompts;
#endif

void CheckAnswer(const arena::TrainingAnswer& answer) {
  for (const std::size_t index : answer.masked) {
    Demand(index < answer.turns.size(), "what is masked is there");
    Demand(answer.turns[index].role == arena::Role::kAssistant, "the assistant's turns are masked");
  }
}

void CheckRow(const arena::TrainingRow& row) {
  Demand(row.number > 0, "rows are counted from 1");
  CheckAnswer(row.answer);
  CheckAnswer(row.rejected);
  if (kTask == arena::TrainingTask::kPrompts) {
    Demand(!row.prompt.empty(), "a prompt is there");
    Demand(row.prompt.back().role != arena::Role::kAssistant, "the assistant is asked");
  } else {
    Demand(!row.answer.turns.empty(), "an answer is there");
  }
  if (kTask != arena::TrainingTask::kPreferences) return;
  Demand(!row.prompt.empty(), "a preference has a prompt");
  Demand(row.answer.turns.front().role == arena::Role::kAssistant, "the chosen one answers");
  Demand(row.rejected.turns.front().role == arena::Role::kAssistant, "the rejected one answers");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source =
      arena::InputSource::Memory("input", {reinterpret_cast<const char*>(data), size});
  arena::fuzz::CheckBothModes([&](const arena::ReadOptions& read, int& delivered) {
    return arena::ReadTrainingSource(kTask, arena::TrainingFormat::kAuto, source, read,
                                     [&](arena::TrainingRow&& row) -> arena::Status {
                                       ++delivered;
                                       CheckRow(row);
                                       return {};
                                     });
  });
  return 0;
}
