#include "lm/worker.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "base/file.h"
#include "checkpoint/checkpoint.h"
#include "lm/kernels.h"
#include "lm/line_input.h"
#include "lm/model.h"
#include "lm/precision.h"
#include "lm/protocol.h"
#include "lm/scheduler.h"

namespace arena::lm {
namespace {

constexpr std::size_t kMaxLineBytes = std::size_t{64} << 20;
// Requests beyond these stay in the pipe, so that memory is bounded.
constexpr std::size_t kMaxWaiting = 4096;

// Gathers lines and writes them at once: one system call for all answers of a step.
class LineOutput {
 public:
  explicit LineOutput(int fd) : fd_(fd) {}

  void Add(const std::string& line) {
    buffer_ += line;
    buffer_ += '\n';
  }
  // False: nobody reads any more.
  bool Flush() {
    if (!WriteAll(fd_, buffer_)) return false;
    buffer_.clear();
    return true;
  }

 private:
  int fd_;
  std::string buffer_;
};

class Worker {
 public:
  Worker(int in, int out) : input_(in, kMaxLineBytes), output_(out) {}

  int Run() {
    while (true) {
      const bool idle = !scheduler_ || scheduler_->idle();
      const bool has_room = !scheduler_ || scheduler_->waiting() < kMaxWaiting;
      std::optional<InputLine> line = has_room ? input_.Next(idle) : std::nullopt;
      if (line) {
        if (!Handle(*line)) return 1;
        // Lines that are there already come first: a cancellation may be among them.
        continue;
      }
      if (idle && input_.at_end()) return 0;
      if (!idle) scheduler_->Step([this](const Event& event) { output_.Add(EventLine(event)); });
      if (!output_.Flush()) return 1;
    }
  }

 private:
  // False: the worker cannot go on.
  bool Handle(const InputLine& line) {
    bool is_usable = true;
    if (line.is_too_long) {
      output_.Add(ErrorLine("", fmt::format("the line is longer than {} bytes", kMaxLineBytes)));
    } else if (line.text.find_first_not_of(" \t\r") != std::string::npos) {
      auto parsed = ParseMessage(line.text);
      if (const auto* bad = std::get_if<BadLine>(&parsed)) {
        output_.Add(ErrorLine(bad->id, bad->message));
      } else {
        is_usable = std::visit([this](auto& message) { return Answer(message); },
                               std::get<Message>(parsed));
      }
    }
    return output_.Flush() && is_usable;
  }

  bool Answer(HelloMessage& hello) {
    if (scheduler_) {
      output_.Add(ErrorLine("", "hello came a second time"));
      return true;
    }
    if (const Status started = Start(hello); !started.ok()) {
      output_.Add(ErrorLine("", started.error().message));
      fmt::print(stderr, "arena-lm: {}\n", started.error().message);
      return false;
    }
    return true;
  }

  bool Answer(Request& request) {
    const std::string id = std::visit([](const auto& kind) { return kind.id; }, request);
    if (!scheduler_) {
      output_.Add(ErrorLine(id, "the first line must be hello"));
      return true;
    }
    if (const Status status = scheduler_->Submit(std::move(request)); !status.ok()) {
      output_.Add(ErrorLine(id, status.error().message));
    }
    return true;
  }

  bool Answer(CancelMessage& message) {
    // What is finished already has been answered: a late cancellation is no error.
    if (scheduler_) {
      scheduler_->Cancel(message.id, [this](const Event& event) { output_.Add(EventLine(event)); });
    }
    return true;
  }

  bool Answer(StatsMessage&) {
    output_.Add(StatsLine(scheduler_ ? scheduler_->stats() : SchedulerStats{}));
    return true;
  }

  Status Start(const HelloMessage& hello) {
    ARENA_ASSIGN_OR_RETURN(const Checkpoint checkpoint, Checkpoint::Open(hello.model));
    const DType stored = checkpoint.tensors().front().dtype;
    ARENA_ASSIGN_OR_RETURN(const Precision precision, ChoosePrecision(hello.precision, stored));
    ARENA_ASSIGN_OR_RETURN(model_, Model::Load(checkpoint, precision));
    SchedulerOptions options;
    options.max_batch = static_cast<std::size_t>(hello.max_batch);
    options.cache_bytes = static_cast<std::size_t>(hello.cache_mb) << 20;
    ARENA_ASSIGN_OR_RETURN(scheduler_, Scheduler::Create(*model_, options));
    const ModelConfig& config = model_->config();
    Ready ready;
    ready.precision = PrecisionName(precision);
    ready.kernels = ChosenKernels().name;
    ready.context = config.max_position_embeddings;
    ready.vocabulary = config.vocab_size;
    ready.eos = config.eos_ids;
    ready.parameters = model_->parameters();
    ready.weight_bytes = static_cast<std::int64_t>(model_->weights().bytes());
    output_.Add(ReadyLine(ready));
    return {};
  }

  std::optional<Model> model_;
  std::optional<Scheduler> scheduler_;
  LineInput input_;
  LineOutput output_;
};

}  // namespace

int RunWorker(int in, int out) { return Worker(in, out).Run(); }

}  // namespace arena::lm
