#include "train/training_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <limits>
#include <numeric>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/temporary_folder.h"

namespace arena::train {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A model of two tensors and its moments, as a trainer has them.
struct Tensors {
  std::vector<float> parameters = std::vector<float>(10), moments = std::vector<float>(10);
  std::vector<ParameterRange> ranges = {{{"matrix", {2, 3}}, 0, 6, true},
                                        {{"norm", {3}}, 7, 3, false}};

  explicit Tensors(float first = 0) {
    std::iota(parameters.begin(), parameters.end(), first);
    std::iota(moments.begin(), moments.end(), first + 100);
  }
  std::vector<StateFile> Files() {
    std::vector<StateFile> files = {{"model", {}}, {"optimizer", {}}};
    AddTensors(ranges, "", parameters, files[0]);
    AddTensors(ranges, "first.", moments, files[1]);
    return files;
  }
};

TrainingState StateOf(std::int64_t step) {
  Rng rng(3);
  rng();
  return {.step = step,
          .epoch = 2,
          .data_position = 17,
          .counters = {{"optimizer_steps", step}},
          .numbers = {{"kl_coefficient", 0.1}, {"reward_sum", -1.0 / 3}},
          .generators = {{"order", rng.state()}},
          .job = "job"};
}

class TrainingCheckpointsTest : public ::testing::Test {
 protected:
  std::filesystem::path Folder() const { return folder_.path() / "checkpoints"; }
  void Save(std::int64_t step, int keep = 100) {
    Tensors run(static_cast<float>(step));
    const auto path = TrainingCheckpoints(Folder(), keep).Save(StateOf(step), run.Files());
    ASSERT_TRUE(path.ok()) << path.error().message;
  }
  Result<std::optional<TrainingCheckpoints::Loaded>> Load(Tensors& run,
                                                          std::string_view job = "job") {
    return TrainingCheckpoints(Folder(), 1).LoadNewest(job, run.Files());
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& item : std::filesystem::directory_iterator(Folder())) {
      names.push_back(item.path().filename().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }
  // Changes one byte, or cuts the file off before it.
  void Damage(const std::string& file, std::size_t byte, bool cut) const {
    std::string content = ReadFile(Folder() / file).value();
    ASSERT_LT(byte, content.size());
    content[byte] = static_cast<char>(content[byte] ^ 1);
    if (cut) content.resize(byte);
    ASSERT_TRUE(WriteFileAtomic(Folder() / file, content).ok());
  }

  TemporaryFolder folder_;
};

TEST_F(TrainingCheckpointsTest, GiveBackEveryBit) {
  Save(100);
  Tensors run;
  const auto loaded = Load(run);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_TRUE(loaded->has_value());
  EXPECT_EQ((*loaded)->state, StateOf(100));
  EXPECT_EQ((*loaded)->path, Folder() / "step-00000100");
  EXPECT_THAT((*loaded)->warnings, SizeIs(0));
  // Number 6 belongs to no parameter.
  EXPECT_THAT(run.parameters, ElementsAre(100, 101, 102, 103, 104, 105, 6, 107, 108, 109));
  EXPECT_THAT(run.moments, ElementsAre(200, 201, 202, 203, 204, 205, 106, 207, 208, 209));
}

TEST_F(TrainingCheckpointsTest, WithoutAnyThereIsNothingToLoad) {
  Tensors run;
  const auto loaded = Load(run);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_FALSE(loaded->has_value());
}

TEST_F(TrainingCheckpointsTest, KeepsTheNewest) {
  for (const std::int64_t step : {1, 2, 3}) Save(step, 2);
  EXPECT_THAT(Names(), ElementsAre("step-00000002", "step-00000003"));
  Save(4, 1);
  EXPECT_THAT(Names(), ElementsAre("step-00000004"));
}

TEST_F(TrainingCheckpointsTest, SavingAStepAgainReplacesIt) {
  Save(5);
  Tensors run(77);
  ASSERT_TRUE(TrainingCheckpoints(Folder(), 2).Save(StateOf(5), run.Files()).ok());
  EXPECT_THAT(Names(), ElementsAre("step-00000005"));
  Tensors loaded;
  ASSERT_TRUE(Load(loaded).ok());
  EXPECT_EQ(loaded.parameters[0], 77);
}

TEST_F(TrainingCheckpointsTest, AReplacedOneCountsUntilTheNextStands) {
  Save(5);
  std::filesystem::rename(Folder() / "step-00000005", Folder() / "step-00000005.replaced");
  Tensors run;
  const auto loaded = Load(run);
  ASSERT_TRUE(loaded.ok() && loaded->has_value());
  EXPECT_EQ((*loaded)->state.step, 5);
  Save(6);
  EXPECT_THAT(Names(), ElementsAre("step-00000006"));
}

TEST_F(TrainingCheckpointsTest, SkipsDamagedOnes) {
  for (const std::int64_t step : {1, 2, 3, 4, 5}) Save(step);
  const auto size = [&](const std::string& file) { return ReadFile(Folder() / file)->size(); };
  const std::string changed = "step-00000005/optimizer.safetensors";
  const std::string cut_off = "step-00000004/model.safetensors";
  Damage(changed, size(changed) - 1, false);
  Damage(cut_off, size(cut_off) - 5, true);
  Damage("step-00000003/state.json", 20, true);
  std::filesystem::remove(Folder() / "step-00000002/model.safetensors");
  Tensors run;
  const auto loaded = Load(run);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  ASSERT_TRUE(loaded->has_value());
  EXPECT_EQ((*loaded)->state.step, 1);
  EXPECT_EQ(run.parameters[0], 1);
  EXPECT_THAT((*loaded)->warnings,
              ElementsAre(HasSubstr("step-00000005/optimizer.safetensors is not what was written"),
                          HasSubstr("step-00000004"), HasSubstr("state.json"),
                          HasSubstr("step-00000002/model.safetensors")));
}

TEST_F(TrainingCheckpointsTest, ADamagedLaterOneGoesWhenTheRunHasGoneOn) {
  for (const std::int64_t step : {10, 20}) Save(step);
  Damage("step-00000020/state.json", 20, true);
  Save(11, 1);
  EXPECT_THAT(Names(), ElementsAre("step-00000011"));
}

TEST_F(TrainingCheckpointsTest, OnlyDamagedOnesAreAnErrorThatChangesNothing) {
  Save(1);
  Damage("step-00000001/state.json", 20, true);
  Tensors run;
  const auto loaded = Load(run);
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error().message, HasSubstr("is whole; remove the folder to start anew"));
  EXPECT_EQ(run.parameters, Tensors().parameters);
}

TEST_F(TrainingCheckpointsTest, RefusesAnotherJobAndOtherShapes) {
  Save(1);
  Tensors run;
  const auto other = Load(run, "other job");
  ASSERT_FALSE(other.ok());
  EXPECT_THAT(other.error().message, HasSubstr("another model, data or settings"));
  run.ranges[0].tensor.shape = {3, 2};
  const auto shape = Load(run);
  ASSERT_FALSE(shape.ok());
  EXPECT_THAT(shape.error().message, HasSubstr("no float32 tensor \"matrix\" of [3, 2]"));
}

TEST_F(TrainingCheckpointsTest, RefusesNumbersThatAreNotFinite) {
  TrainingState state = StateOf(1);
  state.numbers["kl_coefficient"] = std::numeric_limits<double>::quiet_NaN();
  Tensors run;
  const auto path = TrainingCheckpoints(Folder(), 1).Save(state, run.Files());
  ASSERT_FALSE(path.ok());
  EXPECT_THAT(path.error().message, HasSubstr("kl_coefficient is nan"));
}

// While it lives, files cannot grow beyond `bytes`: what a full disk is, for any user.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &kept_);
    const rlimit limit = {bytes, kept_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &kept_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit kept_{};
  void (*handler_)(int) = nullptr;
};

TEST_F(TrainingCheckpointsTest, AFullDiskLeavesTheLastGoodOne) {
  Save(1, 1);
  const std::size_t whole = ReadFile(Folder() / "step-00000001/model.safetensors")->size();
  // The first limit cuts the tensors off, the second the longer state.
  for (const std::size_t limit : {whole - 1, whole + 200}) {
    Tensors run(2);
    TrainingState state = StateOf(2);
    for (int i = 0; i < 100; ++i) state.numbers["number" + std::to_string(i)] = i;
    const auto path = [&] {
      const FileSizeLimit full(limit);
      return TrainingCheckpoints(Folder(), 1).Save(state, run.Files());
    }();
    ASSERT_FALSE(path.ok()) << limit;
    EXPECT_EQ(path.error().code, ErrorCode::kIo);
    EXPECT_THAT(path.error().message,
                HasSubstr("cannot save the checkpoint of step 2 (earlier ones are kept)"));
    EXPECT_THAT(path.error().message, HasSubstr("File too large"));
    EXPECT_THAT(Names(), ElementsAre("step-00000001"));
  }
  Tensors loaded;
  ASSERT_TRUE(Load(loaded).ok());
  EXPECT_EQ(loaded.parameters[0], 1);
}

TEST_F(TrainingCheckpointsTest, AFolderThatCannotBeMadeIsAnError) {
  ASSERT_TRUE(WriteFileAtomic(folder_ / "file", "").ok());
  Tensors run;
  const auto path = TrainingCheckpoints(folder_.path() / "file", 1).Save(StateOf(1), run.Files());
  ASSERT_FALSE(path.ok());
  EXPECT_EQ(path.error().code, ErrorCode::kIo);
  const auto loaded =
      TrainingCheckpoints(folder_.path() / "file", 1).LoadNewest("job", run.Files());
  EXPECT_FALSE(loaded.ok());
}

[[noreturn]] void SaveForever(const std::filesystem::path& folder) {
  for (std::int64_t step = 1;; ++step) {
    Tensors run(static_cast<float>(step));
    if (!TrainingCheckpoints(folder, 1).Save(StateOf(step), run.Files()).ok()) ::_exit(1);
  }
}

TEST_F(TrainingCheckpointsTest, AreWholeWheneverTheProcessIsKilled) {
  Save(0);
  for (int round = 0; round < 10; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) SaveForever(Folder());
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + 7 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    Tensors run;
    const auto loaded = Load(run);
    ASSERT_TRUE(loaded.ok()) << loaded.error().message;
    ASSERT_TRUE(loaded->has_value());
    EXPECT_THAT((*loaded)->warnings, SizeIs(0));
    EXPECT_EQ(run.parameters[0], static_cast<float>((*loaded)->state.step));
    EXPECT_EQ(run.moments[0], static_cast<float>((*loaded)->state.step + 100));
  }
}

}  // namespace
}  // namespace arena::train
