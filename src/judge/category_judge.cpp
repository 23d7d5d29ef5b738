#include "judge/category_judge.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"

namespace arena {
namespace {

class CategoryJudge final : public Judge {
 public:
  CategoryJudge(std::map<std::string, std::unique_ptr<Judge>, std::less<>> by_category,
                std::unique_ptr<Judge> otherwise)
      : by_category_(std::move(by_category)), otherwise_(std::move(otherwise)) {
    identity_ = otherwise_->identity();
    Json behaviour = {{"kind", "by_category"}, {"otherwise", otherwise_->identity().behaviour}};
    for (const auto& [category, judge] : by_category_) {
      behaviour["categories"][category] = judge->identity().behaviour;
    }
    identity_.behaviour = DumpJson(behaviour);
  }

  const JudgeIdentity& identity() const override { return identity_; }

  Result<Game> Play(const GameView& view) override { return JudgeOf(view).Play(view); }
  CallEstimate EstimateOf(const GameView& view) const override {
    return JudgeOf(view).EstimateOf(view);
  }

 private:
  Judge& JudgeOf(const GameView& view) const {
    const auto found = by_category_.find(view.instruction.category);
    return found != by_category_.end() ? *found->second : *otherwise_;
  }

  // All constant after construction.
  std::map<std::string, std::unique_ptr<Judge>, std::less<>> by_category_;
  std::unique_ptr<Judge> otherwise_;
  JudgeIdentity identity_;
};

}  // namespace

std::unique_ptr<Judge> MakeCategoryJudge(
    std::map<std::string, std::unique_ptr<Judge>, std::less<>> by_category,
    std::unique_ptr<Judge> otherwise) {
  return std::make_unique<CategoryJudge>(std::move(by_category), std::move(otherwise));
}

}  // namespace arena
