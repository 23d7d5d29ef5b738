// What the tests of the store share: opening, reading everything, comparing.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "store/store.h"
#include "store/store_fixture.h"

namespace arena {

inline std::unique_ptr<Store> Open(const std::string& path, const StoreOptions& options = {}) {
  auto store = OpenStore(path, options);
  if (!store.ok()) {
    ADD_FAILURE() << store.error().message;
    std::abort();
  }
  return std::move(*store);
}

inline void Check(const Status& status) { ASSERT_TRUE(status.ok()) << status.error().message; }

/// What a test looks at of a record, copied.
struct Seen {
  std::string instruction, category, judge, model_a, model_b, text_a, text_b;
  std::array<GameOutcome, 2> games;
  int game_count = 0;
  std::optional<StyleCounts> style_a, style_b;
};

inline std::vector<Seen> ReadBattles(Store& store, const BattleQuery& query = {}) {
  std::vector<Seen> seen;
  Check(store.ForEachBattle(query, [&](const BattleRecord& r) -> Status {
    seen.push_back({std::string(r.instruction), std::string(r.category), std::string(r.judge),
                    std::string(r.model_a), std::string(r.model_b), std::string(r.text_a),
                    std::string(r.text_b), r.games, r.game_count, r.style_a, r.style_b});
    return {};
  }));
  return seen;
}

class StoreTest : public testing::Test {
 protected:
  TemporaryFolder folder_;
  const std::string path_ = folder_ / "store.db";
  const SampleArena arena_;
};

}  // namespace arena
