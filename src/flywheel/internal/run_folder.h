// Where things lie in the folder of a flywheel run.
#pragma once

#include <filesystem>
#include <string>

namespace arena::flywheel_internal {

struct RunFolder {
  std::filesystem::path root;

  std::filesystem::path Manifest() const { return root / "flywheel.json"; }
  std::filesystem::path State() const { return root / "state"; }
  std::filesystem::path World() const { return root / "world"; }
  std::filesystem::path Shard(const std::string& name) const {
    return root / "shards" / (name + ".jsonl");
  }
  std::filesystem::path TestSet() const { return Shard("test"); }
  std::filesystem::path Data() const { return root / "data"; }
  std::filesystem::path Data(const std::string& name) const { return Data() / (name + ".jsonl"); }
  std::filesystem::path Checkpoint(const std::string& name) const {
    return root / "checkpoints" / name;
  }
  /// What the target and the first reward model start from, in a run on the user's own models.
  std::filesystem::path Base() const { return Checkpoint("base"); }
  std::filesystem::path RewardBase() const { return Checkpoint("reward-base"); }
  std::filesystem::path Lineage() const { return root / "lineage.json"; }
  /// Battles on the shards, and on the test set.
  std::string ShardStore() const { return (root / "battles.db").string(); }
  std::string TestStore() const { return (root / "test.db").string(); }
};

}  // namespace arena::flywheel_internal
