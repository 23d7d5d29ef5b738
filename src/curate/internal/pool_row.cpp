#include "curate/internal/pool_row.h"

#include <nlohmann/json.hpp>

#include "curate/input_file.h"

namespace arena {

Json PoolRow(const PoolItem& item, const std::string& file) {
  Json row = Json::object();
  if (!item.id.empty()) row["id"] = item.id;
  if (!item.category.empty()) row["category"] = item.category;
  if (item.score) row["score"] = *item.score;
  for (const InstructionScore& score : item.scores) row[score.name] = score.value;
  row["messages"] = MessagesJson(item.conversation);
  row["provenance"] = {
      {"file", file}, {"line", item.line}, {"hash", ConversationKey(item.conversation).Hex()}};
  return row;
}

Json FilesJson(std::span<const InputFile> files) {
  Json json = Json::array();
  for (const InputFile& file : files) {
    json.push_back({{"file", file.name}, {"xxh3_128", file.hash.Hex()}});
  }
  return json;
}

}  // namespace arena
