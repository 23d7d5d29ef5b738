#include "flywheel/internal/own_setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/file.h"
#include "flywheel/internal/candidate.h"
#include "flywheel/internal/join_rows.h"
#include "flywheel/internal/lineage_file.h"
#include "flywheel/internal/model_files.h"
#include "flywheel/internal/setup.h"
#include "flywheel/internal/shard_battles.h"
#include "flywheel/test_set.h"

namespace arena::flywheel_internal {
namespace {

namespace fs = std::filesystem;

// A row of the format "openai", with the reference as the closing answer.
std::string RowOf(const Instruction& instruction) {
  Json row = Json::object();
  if (!instruction.id.empty()) row["id"] = instruction.id;
  if (!instruction.category.empty()) row["category"] = instruction.category;
  Conversation conversation = instruction.conversation;
  if (instruction.reference) conversation.push_back({Role::kAssistant, *instruction.reference});
  row["messages"] = MessagesJson(conversation);
  return DumpJson(row) + "\n";
}

/// Different instructions, of which those with the lowest draws are taken; so what is taken does
/// not depend on their order.
class Pool {
 public:
  Pool(std::uint64_t seed, std::string purpose) : seed_(seed), purpose_(std::move(purpose)) {}

  void Add(Instruction&& instruction) {
    if (!keys_.insert(AskedKey(instruction.conversation)).second) return;
    rows_.emplace_back(flywheel::Draw(seed_, purpose_, instruction.key), std::move(instruction));
  }
  std::size_t size() const { return rows_.size(); }

  std::vector<Instruction> Take(std::size_t most) && {
    std::sort(rows_.begin(), rows_.end(), [](const auto& a, const auto& b) {
      return std::pair(a.first, a.second.key) < std::pair(b.first, b.second.key);
    });
    std::vector<Instruction> taken;
    for (std::size_t i = 0; i < std::min(most, rows_.size()); ++i) {
      taken.push_back(std::move(rows_[i].second));
    }
    return taken;
  }

 private:
  const std::uint64_t seed_;
  const std::string purpose_;
  std::unordered_set<Key, KeyHash> keys_;
  std::vector<std::pair<double, Instruction>> rows_;
};

Status WriteRows(const fs::path& file, const std::vector<Instruction>& rows, std::size_t begin,
                 std::size_t end) {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) text += RowOf(rows[i]);
  return WriteFileAtomic(file, text);
}

Status TooFew(const char* what, std::size_t there, std::size_t wanted) {
  return InvalidInput(
      fmt::format("{}: there are {} different ones, and the settings of [flywheel] "
                  "want {}: add instructions or lower them",
                  what, there, wanted));
}

// Returns all that the files ask, drawn or not.
Result<TestSet> WriteTestSet(const FlywheelSettings& settings, const RunFolder& folder) {
  Pool pool(settings.seed, "test set");
  TestSet test_set;
  for (const fs::path& file : settings.test_files) {
    ARENA_ASSIGN_OR_RETURN(std::vector<Instruction> rows, ReadShard(file));
    for (Instruction& row : rows) {
      test_set.Add(row.conversation);
      pool.Add(std::move(row));
    }
  }
  const auto wanted = static_cast<std::size_t>(settings.test_prompts);
  if (pool.size() < wanted) {
    ARENA_RETURN_IF_ERROR(TooFew("instructions of flywheel.test", pool.size(), wanted));
  }
  const std::vector<Instruction> rows = std::move(pool).Take(wanted);
  ARENA_RETURN_IF_ERROR(WriteRows(folder.TestSet(), rows, 0, rows.size()));
  return test_set;
}

Status WriteShards(const FlywheelSettings& settings, const RunFolder& folder,
                   const FlywheelParts& parts, const TestSet& test_set) {
  Pool pool(settings.seed, "shards");
  ARENA_RETURN_IF_ERROR(parts.instructions([&](Instruction&& instruction) -> Status {
    if (!test_set.Overlaps(AskedKey(instruction.conversation))) pool.Add(std::move(instruction));
    return {};
  }));
  const std::vector<StagePlan> stages = PlanStages(settings);
  const auto wanted = static_cast<std::size_t>(stages.back().first + stages.back().prompts);
  if (pool.size() < wanted) {
    return TooFew("instructions that the test set does not ask", pool.size(), wanted);
  }
  const std::vector<Instruction> rows = std::move(pool).Take(wanted);
  for (const StagePlan& stage : stages) {
    if (stage.prompts == 0) continue;
    const auto begin = static_cast<std::size_t>(stage.first);
    ARENA_RETURN_IF_ERROR(WriteRows(folder.Shard(stage.shard), rows, begin,
                                    begin + static_cast<std::size_t>(stage.prompts)));
  }
  return {};
}

Status WriteStart(const FlywheelSettings& settings, const RunFolder& folder) {
  return JoinRows(settings.start, folder.Data("SFT-I0"));
}

// Points to a checkpoint of the user's and says what the lineage knows of it.
Result<Json> PointTo(const fs::path& model, const fs::path& link, const RunFolder& folder) {
  std::error_code error;
  if (!fs::is_directory(model, error)) {
    return NotFound(
        fmt::format("{} is no folder: flywheel.base and flywheel.reward_base name "
                    "checkpoints on this machine",
                    model.string()));
  }
  fs::remove(link, error);
  fs::create_directory_symlink(fs::absolute(model), link, error);
  if (error) return IoError(fmt::format("{}: {}", link.string(), error.message()));
  ARENA_ASSIGN_OR_RETURN(const Key weights, HashModel(link));
  return Json{{"trainer", "given"},
              {"out", link.lexically_relative(folder.root).generic_string()},
              {"weights", weights.Hex()},
              {"settings", Json::array()},
              {"data", Json::array()}};
}

}  // namespace

Status SetUpOwn(const FlywheelSettings& settings, const RunFolder& folder,
                const FlywheelParts& parts, StateFile& state) {
  const auto once = [&](const std::string& part, FunctionRef<Result<Json>()> body) {
    return RunPart(part, parts.clock, state, body);
  };
  ARENA_RETURN_IF_ERROR(
      once(ModelPart("base"), [&] { return PointTo(settings.base, folder.Base(), folder); }));
  if (!settings.reward_base.empty()) {
    ARENA_RETURN_IF_ERROR(once(ModelPart("reward-base"), [&] {
      return PointTo(settings.reward_base, folder.RewardBase(), folder);
    }));
  }
  return once("world", [&]() -> Result<Json> {
    parts.on_progress("setup: drawing the test set and the shards");
    ARENA_ASSIGN_OR_RETURN(const TestSet test_set, WriteTestSet(settings, folder));
    ARENA_RETURN_IF_ERROR(WriteShards(settings, folder, parts, test_set));
    // What is wrong with them should not show after hours.
    ARENA_ASSIGN_OR_RETURN(const auto ignored, ReadTags(settings.score_files));
    ARENA_RETURN_IF_ERROR(WriteStart(settings, folder));
    return Json::object();
  });
}

}  // namespace arena::flywheel_internal
