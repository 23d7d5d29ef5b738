// FastChat pair and single judgments: docs/formats/verdicts.md.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "formats/internal/json_rows.h"
#include "formats/internal/verdict_readers.h"

namespace arena {
namespace {

constexpr double kFailedScore = -1;

/// What both kinds of rows have.
struct RowHead {
  std::string instruction;  ///< QUESTION:TURN
  std::string_view judge;
  double time = std::numeric_limits<double>::quiet_NaN();
};

/// `judge` is [model, prompt], or a plain string in files of other tools.
Result<std::string_view> ReadJudge(const JsonRow& row) {
  const auto judge = row.Find("judge");
  if (!judge) return std::string_view();
  if (const auto text = JsonString(*judge)) return *text;
  JsonArray parts;
  JsonElement first;
  if (judge->get(parts) == simdjson::SUCCESS && parts.at(0).get(first) == simdjson::SUCCESS) {
    if (const auto text = JsonString(first)) return *text;
  }
  return row.WrongType("judge", "[model, prompt] or a string");
}

Result<RowHead> ReadHead(const JsonRow& row) {
  RowHead head;
  ARENA_ASSIGN_OR_RETURN(const std::string question, row.OptionalId("question_id"));
  if (question.empty()) {
    ARENA_RETURN_IF_ERROR(row.Need("question_id"));
    return row.Fail("the field \"question_id\" is empty");
  }
  ARENA_ASSIGN_OR_RETURN(const std::string turn, row.OptionalId("turn"));
  head.instruction = turn.empty() ? question : question + ":" + turn;
  ARENA_ASSIGN_OR_RETURN(head.judge, ReadJudge(row));
  ARENA_ASSIGN_OR_RETURN(const std::optional<double> time, row.OptionalNumber("tstamp"));
  if (time) head.time = *time;
  return head;
}

Result<GameOutcome> ParseWinner(const JsonRow& row, std::string_view key, bool a_first) {
  ARENA_ASSIGN_OR_RETURN(const std::string_view winner, row.String(key));
  GameOutcome game;
  game.a_first = a_first;
  if (winner == "model_1") {
    game.share_a = 1;
  } else if (winner == "model_2") {
    game.share_a = 0;
  } else if (winner == "error") {
    game.is_void = true;
  } else if (winner != "tie") {
    return row.Fail(UnknownLabel(key, winner, "model_1, model_2, tie, error"));
  }
  return game;
}

}  // namespace

/// Reads rows on behalf of a FastChatReader.
class FastChatReader::RowReader {
 public:
  RowReader(FastChatReader& reader, BattleSink sink) : reader_(reader), sink_(sink) {}

  Status Read(const JsonRow& row) {
    ARENA_ASSIGN_OR_RETURN(const RowHead head, ReadHead(row));
    if (row.Find("model_1") || row.Find("g1_winner")) return ReadPair(row, head);
    return ReadSingle(row, head);
  }

 private:
  Status ReadPair(const JsonRow& row, const RowHead& head) {
    BattleRecord record;
    ARENA_ASSIGN_OR_RETURN(record.model_a, row.String("model_1"));
    ARENA_ASSIGN_OR_RETURN(record.model_b, row.String("model_2"));
    if (const auto problem = ModelProblem(record.model_a, record.model_b); !problem.empty()) {
      return row.Fail(problem);
    }
    ARENA_ASSIGN_OR_RETURN(record.games[0], ParseWinner(row, "g1_winner", true));
    ARENA_ASSIGN_OR_RETURN(record.games[1], ParseWinner(row, "g2_winner", false));
    record.game_count = 2;
    record.instruction = head.instruction;
    record.judge = head.judge;
    record.time = head.time;
    return reader_.log_.Delivered(sink_(record));
  }

  Status ReadSingle(const JsonRow& row, const RowHead& head) {
    ARENA_ASSIGN_OR_RETURN(const std::string_view model, row.String("model"));
    if (model.empty()) return row.Fail("the model has no name");
    ARENA_ASSIGN_OR_RETURN(const JsonElement element, row.Need("score"));
    const auto score = JsonNumber(element);
    if (!score) return row.WrongType("score", "a number");
    if (*score < 0 && *score != kFailedScore) {
      return row.Fail(fmt::format("score {} is neither 0 or more nor -1 (failed)", *score));
    }
    Group& group = FindGroup(head);
    const std::uint32_t index = ModelIndex(model);
    const auto known = std::find_if(group.scores.begin(), group.scores.end(),
                                    [index](const Score& s) { return s.model == index; });
    if (known != group.scores.end()) {
      return row.Fail(fmt::format("\"{}\" already has a score on {} ({})", model, head.instruction,
                                  known->place));
    }
    group.scores.push_back(
        {index, *score, head.time, fmt::format("{}:{}", row.file(), row.line())});
    return {};
  }

  Group& FindGroup(const RowHead& head) {
    // The length keeps the two names apart whatever bytes they hold.
    std::string key = fmt::format("{} {}{}", head.instruction.size(), head.instruction, head.judge);
    const auto [at, added] =
        reader_.group_index_.try_emplace(std::move(key), reader_.groups_.size());
    if (added) reader_.groups_.push_back({head.instruction, std::string(head.judge), {}});
    return reader_.groups_[at->second];
  }

  std::uint32_t ModelIndex(std::string_view model) {
    const auto [at, added] = reader_.model_index_.try_emplace(
        std::string(model), static_cast<std::uint32_t>(reader_.models_.size()));
    if (added) reader_.models_.emplace_back(model);
    return at->second;
  }

  FastChatReader& reader_;
  BattleSink sink_;
};

Status FastChatReader::Read(const InputSource& source, BattleSink sink) {
  RowReader rows(*this, sink);
  return ForEachJsonRow(source, log_, [&](const JsonRow& row) { return rows.Read(row); });
}

Status FastChatReader::Finish(BattleSink sink) {
  for (Group& group : groups_) {
    // By name, so that the order of the files does not decide who is model A.
    std::sort(group.scores.begin(), group.scores.end(), [this](const Score& x, const Score& y) {
      return models_[x.model] < models_[y.model];
    });
    for (std::size_t i = 0; i < group.scores.size(); ++i) {
      for (std::size_t j = i + 1; j < group.scores.size(); ++j) {
        ARENA_RETURN_IF_ERROR(Deliver(group, group.scores[i], group.scores[j], sink));
      }
    }
  }
  return {};
}

Status FastChatReader::Deliver(const Group& group, const Score& a, const Score& b,
                               BattleSink sink) {
  BattleRecord record;
  record.instruction = group.instruction;
  record.judge = group.judge;
  record.model_a = models_[a.model];
  record.model_b = models_[b.model];
  record.time = std::max(a.time, b.time);
  record.seats_known = false;  // each answer was scored alone
  GameOutcome& game = record.games[0];
  game.is_void = a.value == kFailedScore || b.value == kFailedScore;
  if (!game.is_void) {
    game.has_scores = true;
    game.score_a = a.value;
    game.score_b = b.value;
    if (std::abs(a.value - b.value) >= options_.score_tie_delta && a.value != b.value) {
      game.share_a = a.value > b.value ? 1 : 0;
    }
  }
  return log_.Delivered(sink(record));
}

}  // namespace arena
