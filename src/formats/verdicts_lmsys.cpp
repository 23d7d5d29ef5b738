// LMSYS votes as JSON or JSONL, and which of the two or CSV a file is: docs/formats/verdicts.md.
#include <fmt/format.h>

#include <utility>

#include "formats/internal/json_rows.h"
#include "formats/internal/lmsys_columns.h"
#include "formats/internal/lmsys_readers.h"

namespace arena {
namespace {

/// Text of a message: a string, or the text parts of a list (images are left out).
Status AppendContent(const JsonRow& row, JsonElement content, std::string& text) {
  if (content.is_null()) return {};
  if (const auto plain = JsonString(content)) {
    AppendTurn(*plain, text);
    return {};
  }
  JsonArray parts;
  if (content.get(parts) != simdjson::SUCCESS) {
    return row.Fail("the content of a message should be a string or a list of parts");
  }
  for (const JsonElement part : parts) {
    if (const auto piece = JsonStringMember(part, "text")) AppendTurn(*piece, text);
  }
  return {};
}

struct ConversationText {
  std::string asked;
  std::string answered;
};

Status ReadConversation(const JsonRow& row, std::string_view key, ConversationText& text) {
  text.asked.clear();
  text.answered.clear();
  if (!row.Find(key)) return {};
  ARENA_ASSIGN_OR_RETURN(const JsonArray messages, row.Array(key));
  for (const JsonElement message : messages) {
    const auto role = JsonStringMember(message, "role");
    JsonElement content;
    if (!role || message["content"].get(content) != simdjson::SUCCESS) {
      return row.Fail(fmt::format("a message of \"{}\" has no role or no content", key));
    }
    if (*role == "user") ARENA_RETURN_IF_ERROR(AppendContent(row, content, text.asked));
    if (*role == "assistant") ARENA_RETURN_IF_ERROR(AppendContent(row, content, text.answered));
  }
  return {};
}

/// A count: a number, or an object of numbers that are added ({"h1":0,"h2":3,...}).
Result<double> ReadCount(const JsonRow& row, std::string_view key) {
  const auto element = row.Find(key);
  if (!element) return 0.0;
  double sum = 0;
  JsonObject parts;
  if (element->get(parts) == simdjson::SUCCESS) {
    for (const auto part : parts) {
      if (part.value.is_null()) continue;
      const auto count = JsonNumber(part.value);
      if (!count) return row.WrongType(key, "a number or an object of numbers");
      sum += *count;
    }
  } else {
    const auto count = JsonNumber(*element);
    if (!count) return row.WrongType(key, "a number or an object of numbers");
    sum = *count;
  }
  if (!(sum >= 0)) return row.Fail(fmt::format("{} should be 0 or more", key));
  return sum;
}

/// Reads JSON rows; its texts are used again for each row.
class JsonVotes {
 public:
  explicit JsonVotes(const LmsysColumns& columns) : name_(columns) {}

  /// Valid until the next call.
  Result<const BattleRecord*> Parse(const JsonRow& row) {
    record_ = BattleRecord();
    ARENA_ASSIGN_OR_RETURN(record_.model_a, row.String(name_("model_a")));
    ARENA_ASSIGN_OR_RETURN(record_.model_b, row.String(name_("model_b")));
    if (const auto problem = ModelProblem(record_.model_a, record_.model_b); !problem.empty()) {
      return row.Fail(problem);
    }
    ARENA_ASSIGN_OR_RETURN(record_.games[0].share_a, ReadWinner(row));
    ARENA_RETURN_IF_ERROR(ReadTexts(row));
    ARENA_RETURN_IF_ERROR(ReadIdentity(row));
    ARENA_ASSIGN_OR_RETURN(record_.category, row.OptionalString(name_("category")));
    ARENA_ASSIGN_OR_RETURN(record_.language, row.OptionalString(name_("language")));
    ARENA_ASSIGN_OR_RETURN(judge_, row.OptionalId(name_("judge")));
    record_.judge = judge_;
    ARENA_ASSIGN_OR_RETURN(const auto time, row.OptionalNumber(name_("tstamp")));
    if (time) record_.time = *time;
    ARENA_RETURN_IF_ERROR(ReadStyles(row));
    return &record_;
  }

 private:
  Result<double> ReadWinner(const JsonRow& row) const {
    if (row.Find(name_("winner")) || !row.Find(name_("winner_model_a"))) {
      ARENA_ASSIGN_OR_RETURN(const std::string_view label, row.String(name_("winner")));
      const auto share = LmsysShare(label);
      if (!share) return row.Fail(UnknownLabel("winner", label, kLmsysLabels));
      return *share;
    }
    std::array<bool, kLmsysOneHot.size()> set{};
    for (std::size_t i = 0; i < set.size(); ++i) {
      const std::string_view key = name_(kLmsysOneHot[i].name);
      ARENA_ASSIGN_OR_RETURN(const JsonElement element, row.Need(key));
      bool flag = false;
      if (element.get(flag) != simdjson::SUCCESS) {
        const auto number = JsonNumber(element);
        if (!number || (*number != 0 && *number != 1)) return row.WrongType(key, "0 or 1");
        flag = *number == 1;
      }
      set[i] = flag;
    }
    const auto share = OneHotShare(set);
    if (!share) return row.Fail("exactly one of winner_model_a, winner_model_b, winner_tie is 1");
    return *share;
  }

  Status ReadTexts(const JsonRow& row) {
    ARENA_RETURN_IF_ERROR(ReadConversation(row, "conversation_a", conversation_[0]));
    ARENA_RETURN_IF_ERROR(ReadConversation(row, "conversation_b", conversation_[1]));
    record_.text_a = conversation_[0].answered;
    record_.text_b = conversation_[1].answered;
    ARENA_ASSIGN_OR_RETURN(const auto response_a, row.OptionalString(name_("response_a")));
    ARENA_ASSIGN_OR_RETURN(const auto response_b, row.OptionalString(name_("response_b")));
    if (!response_a.empty()) record_.text_a = turns_[0].Join(response_a);
    if (!response_b.empty()) record_.text_b = turns_[1].Join(response_b);
    return {};
  }

  Status ReadIdentity(const JsonRow& row) {
    for (const auto* identity : {"instruction", "question_id", "prompt"}) {
      ARENA_ASSIGN_OR_RETURN(instruction_, row.OptionalId(name_(identity)));
      if (!instruction_.empty()) break;
    }
    record_.instruction = instruction_.empty() ? conversation_[0].asked : instruction_;
    return {};
  }

  /// From `conv_metadata` (140k release) or from the row itself.
  Status ReadStyles(const JsonRow& row) {
    JsonObject counts = row.object();
    if (const auto metadata = row.Find("conv_metadata")) {
      if (metadata->get(counts) != simdjson::SUCCESS) {
        return row.WrongType("conv_metadata", "an object");
      }
    }
    const JsonRow source(row.file(), row.line(), row.array_row(), counts);
    ARENA_ASSIGN_OR_RETURN(record_.style_a, ReadStyle(source, kLmsysStyleColumns[0]));
    ARENA_ASSIGN_OR_RETURN(record_.style_b, ReadStyle(source, kLmsysStyleColumns[1]));
    return {};
  }

  Result<std::optional<StyleCounts>> ReadStyle(
      const JsonRow& row, const std::array<std::string_view, 4>& columns) const {
    std::optional<StyleCounts> style;
    if (!row.Find(name_(columns[0]))) return style;
    style.emplace();
    ARENA_ASSIGN_OR_RETURN(style->tokens, ReadCount(row, name_(columns[0])));
    ARENA_ASSIGN_OR_RETURN(style->headers, ReadCount(row, name_(columns[1])));
    ARENA_ASSIGN_OR_RETURN(style->lists, ReadCount(row, name_(columns[2])));
    ARENA_ASSIGN_OR_RETURN(style->bold, ReadCount(row, name_(columns[3])));
    return style;
  }

  const LmsysColumns& name_;
  std::array<ConversationText, 2> conversation_;
  std::array<TurnsText, 2> turns_;
  std::string instruction_;
  std::string judge_;
  BattleRecord record_;
};

}  // namespace

Status ReadLmsysVerdicts(const InputSource& source, const VerdictOptions& options, RowLog& log,
                         BattleSink sink) {
  ARENA_ASSIGN_OR_RETURN(const LmsysColumns columns, LmsysColumns::Make(options.columns));
  ARENA_ASSIGN_OR_RETURN(ByteWindow window, ByteWindow::Open(source));
  ARENA_ASSIGN_OR_RETURN(const std::optional<char> first, FirstByte(window));
  if (!first) return {};
  if (*first != '[' && *first != '{') {
    return ReadLmsysCsv(std::move(window), {}, columns, log, sink);
  }
  JsonVotes votes(columns);
  return ForEachJsonRow(std::move(window), log, [&](const JsonRow& row) -> Status {
    ARENA_ASSIGN_OR_RETURN(const BattleRecord* record, votes.Parse(row));
    return log.Delivered(sink(*record));
  });
}

}  // namespace arena
