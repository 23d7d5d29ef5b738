#include "train/run.h"

#include <fmt/format.h>
#include <sys/prctl.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/file.h"
#include "base/folder_lock.h"
#include "base/interrupt.h"
#include "train/collective.h"
#include "train/events.h"
#include "train/job.h"
#include "train/metrics.h"
#include "train/trainer.h"
#include "train/training_state.h"

namespace arena::train {
namespace {

using std::chrono::steady_clock;

// For another training in the folder to end.
constexpr std::chrono::seconds kLockPatience{30};

double Seconds(steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

// The loop that all kinds of training share. Rank 0 writes; every rank computes.
class Run {
 public:
  Run(const Job& job, Trainer& trainer, Collective& collective, Events& events)
      : job_(job),
        trainer_(trainer),
        collective_(collective),
        events_(events),
        checkpoints_(job.out / "checkpoints", static_cast<int>(job.settings.keep_checkpoints)) {}

  Status Go() {
    const auto start = steady_clock::now();
    ARENA_RETURN_IF_ERROR(Resume());
    Announce();
    if (is_writer()) {
      ARENA_ASSIGN_OR_RETURN(metrics_, MetricsWriter::Open(job_.out, step_, clock_));
    }
    const std::int64_t first = step_;
    const auto loop_start = steady_clock::now();
    while (step_ < trainer_.steps()) {
      ARENA_ASSIGN_OR_RETURN(const bool stop, AnyInterrupted());
      if (stop) {
        ARENA_RETURN_IF_ERROR(Checkpoint());
        return Cancelled(fmt::format("stopped after step {} of {}; the same command goes on", step_,
                                     trainer_.steps()));
      }
      ARENA_ASSIGN_OR_RETURN(std::vector<Metric> metrics, trainer_.Step(step_));
      ++step_;
      UpdateAverage();
      const double each =
          Seconds(steady_clock::now() - loop_start) / static_cast<double>(step_ - first);
      ARENA_RETURN_IF_ERROR(Report(metrics, each));
    }
    return Finish(start);
  }

 private:
  bool is_writer() const { return collective_.rank() == 0; }
  bool IsDue(std::int64_t every) const { return every > 0 && step_ % every == 0; }

  Status Resume() {
    average_ = job_.settings.average_decay > 0
                   ? std::optional(std::vector<float>(trainer_.learner().values()))
                   : std::nullopt;
    std::vector<StateFile> files = Files();
    ARENA_ASSIGN_OR_RETURN(const auto loaded, checkpoints_.LoadNewest(job_.hash, files));
    if (!loaded) return {};
    for (const std::string& warning : loaded->warnings) events_.Warn(warning);
    step_ = loaded->state.step;
    resumed_ = true;
    return trainer_.LoadState(loaded->state);
  }

  std::vector<StateFile> Files() {
    std::vector<StateFile> files = trainer_.StateFiles();
    if (average_) {
      files.push_back({"average", {}});
      AddTensors(trainer_.learner().layout().ranges(), "", *average_, files.back());
    }
    return files;
  }

  void Announce() {
    const ParameterLayout& layout = trainer_.learner().layout();
    events_.Start({.steps = trainer_.steps(),
                   .step = step_,
                   .parameters = static_cast<std::int64_t>(layout.size()),
                   .trainable = static_cast<std::int64_t>(layout.trainable_size()),
                   .examples = trainer_.examples(),
                   .precision = lm::PrecisionName(trainer_.learner().precision()),
                   .ranks = collective_.world_size(),
                   .resumed = resumed_});
  }

  // All ranks stop after the same step.
  Result<bool> AnyInterrupted() {
    double count = Interrupted() ? 1 : 0;
    ARENA_RETURN_IF_ERROR(collective_.AllReduceSum(std::span<double>(&count, 1)));
    return count > 0;
  }

  void UpdateAverage() {
    if (!average_) return;
    const auto keep = static_cast<float>(job_.settings.average_decay);
    const std::vector<float>& values = trainer_.learner().values();
    for (std::size_t i = 0; i < values.size(); ++i) {
      (*average_)[i] = keep * (*average_)[i] + (1 - keep) * values[i];
    }
  }

  Status Report(std::vector<Metric>& metrics, double seconds_a_step) {
    std::vector<Metric> evaluated;
    if (IsDue(job_.settings.eval_every) || step_ == trainer_.steps()) {
      ARENA_ASSIGN_OR_RETURN(evaluated, trainer_.Evaluate());
    }
    if (is_writer()) {
      const double left = seconds_a_step * static_cast<double>(trainer_.steps() - step_);
      events_.Step(step_, trainer_.steps(), left, metrics);
      if (!evaluated.empty()) events_.Evaluated(step_, evaluated);
      std::vector<std::string> names;
      names.reserve(evaluated.size());
      for (const Metric& metric : evaluated) {
        names.push_back(fmt::format("eval_{}", metric.name));
        metrics.push_back({names.back(), metric.value});
      }
      ARENA_RETURN_IF_ERROR(metrics_->Write(step_, metrics));
    }
    return IsDue(job_.settings.save_every) && step_ < trainer_.steps() ? Checkpoint() : Status();
  }

  // Ranks wait for the writer, so that none dies on a checkpoint that another never saw.
  Status Checkpoint() {
    if (is_writer()) {
      TrainingState state;
      state.step = step_;
      state.job = job_.hash;
      trainer_.SaveState(state);
      const std::vector<StateFile> files = Files();
      ARENA_ASSIGN_OR_RETURN(const auto path, checkpoints_.Save(state, files));
      events_.Saved(step_, path);
    }
    return collective_.Barrier();
  }

  Status Finish(steady_clock::time_point start) {
    if (average_) trainer_.learner().values() = *average_;
    if (is_writer()) {
      ARENA_RETURN_IF_ERROR(trainer_.learner().Save(job_.out, job_.settings));
      events_.Done(step_, Seconds(steady_clock::now() - start));
    }
    return collective_.Barrier();
  }

  const Job& job_;
  Trainer& trainer_;
  Collective& collective_;
  Events& events_;
  TrainingCheckpoints checkpoints_;
  SystemClock clock_;
  std::optional<MetricsWriter> metrics_;       // of rank 0
  std::optional<std::vector<float>> average_;  // of the weights
  std::int64_t step_ = 0;
  bool resumed_ = false;
};

Status Train(const Job& job, Collective& collective, Events& events) {
  ARENA_ASSIGN_OR_RETURN(const auto trainer, job.trainer == TrainerKind::kPpo
                                                 ? MakePpoTrainer(job, collective)
                                                 : MakeSupervisedTrainer(job, collective));
  return Run(job, *trainer, collective, events).Go();
}

}  // namespace

int RunTraining(const std::filesystem::path& job_path, int events_fd) {
  Events events(events_fd);
  const auto fail = [&](const Error& error, bool is_usage) {
    events.Fail(error.message, is_usage);
    fmt::print(stderr, "arena-lm: {}\n", error.message);
    return is_usage ? 2 : 1;
  };
  InstallInterruptHandler();
  // Started by a program whose end, even by a kill, is to be this one's, too.
  if (std::getenv("ARENA_END_WITH_PARENT") != nullptr) prctl(PR_SET_PDEATHSIG, SIGKILL);
  const Result<Job> job = ReadJob(job_path);
  if (!job.ok()) return fail(job.error(), true);
  Result<CollectiveOptions> options =
      CollectiveFromEnvironment([](const char* name) { return std::getenv(name); });
  if (!options.ok()) return fail(options.error(), true);
  options->timeout = std::chrono::seconds(job->settings.rank_timeout);
  std::optional<FolderLock> lock;  // of the rank that writes
  if (options->rank == 0) {
    if (const Status made = MakeFolder(job->out); !made.ok()) return fail(made.error(), false);
    Result<FolderLock> taken = FolderLock::Take(job->out, kLockPatience);
    if (!taken.ok()) return fail(taken.error(), false);
    lock = *std::move(taken);
  }
  const auto collective = Collective::Connect(*options);
  if (!collective.ok()) return fail(collective.error(), false);
  if ((*collective)->rank() != 0) events = Events::Silent();
  const Status status = Train(*job, **collective, events);
  if (status.ok()) return 0;
  if (status.error().code != ErrorCode::kCancelled) return fail(status.error(), false);
  events.Warn(status.error().message);
  return 130;
}

}  // namespace arena::train
