// The names behind the ids of contestants, judges and instructions, read once for a scan.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "store/internal/rows.h"
#include "store/store.h"

namespace arena::store {

/// A contestant or a judge as stored.
struct Party {
  long long id = 0;
  PartyRow row;
  bool superseded = false;
};

/// All of them by id, placeholders included. May throw.
std::vector<Party> ReadContestants(soci::session& session);
std::vector<Party> ReadJudges(soci::session& session);

/// What a scan must know to deliver and to filter. Its size grows with the contestants, judges and
/// instructions, not with the battles.
class Directory {
 public:
  struct Name {
    std::string name;
    bool wanted = false;   ///< the query allows it
    bool involved = true;  ///< the query accepts battles with it on one side
    bool known = false;    ///< it was put, not only mentioned
  };
  struct InstructionName {
    Key key;
    std::uint32_t category = 0;  ///< index for category()
  };

  /// Error: the query names a judge, a contestant or a category that the store does not have. May
  /// throw.
  static Result<Directory> Read(soci::session& session, const BattleQuery& query);

  /// Null where there is no such id.
  const Name* contestant(long long id) const { return At(contestants_, id); }
  const Name* judge(long long id) const { return At(judges_, id); }
  const InstructionName* instruction(long long id) const { return At(instructions_, id); }
  const std::string& category(std::uint32_t index) const { return categories_[index]; }
  bool WantsCategory(std::uint32_t index) const {
    return !wanted_category_ || *wanted_category_ == index;
  }

 private:
  Status ReadContestantNames(soci::session& session, const BattleQuery& query);
  Status ReadJudgeNames(soci::session& session, const BattleQuery& query);
  Status ReadInstructionNames(soci::session& session, const BattleQuery& query);

  // Ids are small: the database counts them up from 1.
  template <typename T>
  static const T* At(const std::vector<T>& table, long long id) {
    const auto index = static_cast<std::size_t>(id);
    return id < 0 || index >= table.size() ? nullptr : &table[index];
  }

  std::vector<Name> contestants_;
  std::vector<Name> judges_;
  std::vector<InstructionName> instructions_;
  std::vector<std::string> categories_;
  std::optional<std::uint32_t> wanted_category_;
};

}  // namespace arena::store
