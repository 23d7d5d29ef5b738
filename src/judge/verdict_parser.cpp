#include "judge/verdict_parser.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "judge/ascii.h"
#include "judge/internal/verdict_values.h"
#include "text/reasoning.h"

namespace arena {
namespace {

using judge_internal::JsonValue;
using judge_internal::MarkValue;
using judge_internal::NamedScores;
using judge_internal::PlainValue;
using judge_internal::ReadNamedScores;
using judge_internal::StripDecoration;
using judge_internal::StripLabel;

constexpr std::size_t kObjectsTried = 64;   // places where a JSON object may begin
constexpr std::size_t kLongestMark = 84;    // bytes from [[ to ]]
constexpr std::size_t kLongestAlone = 200;  // bytes of a line in which a verdict stands alone

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(TakeLine(text));
  return lines;
}

bool IsFence(std::string_view line) { return line.starts_with("```") || line.starts_with("~~~"); }

/// Lines that say something: no blank ones, no code fences.
std::vector<std::string_view> SayingLines(std::string_view text) {
  std::vector<std::string_view> lines = LinesOf(text);
  std::erase_if(lines, [](std::string_view line) {
    const std::string_view inner = StripDecoration(line);
    return inner.empty() ||
           IsFence(line.substr(std::min(line.find_first_not_of(' '), line.size())));
  });
  return lines;
}

/// Whether the line holds nothing but a verdict in [[...]] and words that announce it.
bool IsMarkAlone(VerdictForm form, std::string_view line) {
  if (line.size() > kLongestAlone) return false;
  const std::string_view rest = StripDecoration(StripLabel(line).rest);
  return rest.starts_with("[[") && rest.ends_with("]]") && PlainValue(form, rest).has_value();
}

/// What the marks [[...]] of the text say, if all say the same. A mark in quotation marks is what
/// the judge talks about, unless it is alone in its line.
std::optional<SeatScores> AgreedMarks(VerdictForm form, std::string_view text) {
  std::optional<SeatScores> agreed;
  for (const std::string_view line : LinesOf(text)) {
    for (std::size_t at = line.find("[["); at != std::string_view::npos;
         at = line.find("[[", at + 1)) {
      const std::size_t length = line.substr(at + 2, kLongestMark).find("]]");
      if (length == std::string_view::npos) continue;
      const auto value = MarkValue(form, line.substr(at + 2, length));
      if (!value) continue;
      const std::size_t end = at + 2 + length;
      const bool quoted = at > 0 && line[at - 1] == '"' && CharAt(line, end + 2) == '"';
      if (quoted && !IsMarkAlone(form, line)) continue;
      if (agreed && *agreed != *value) return std::nullopt;
      agreed = value;
    }
  }
  return agreed;
}

/// The last verdict that stands alone. Without brackets it must be announced, or be the last line
/// (two scores: or the first).
std::optional<SeatScores> LastAlone(VerdictForm form, std::string_view text) {
  const std::vector<std::string_view> lines = SayingLines(text);
  std::optional<SeatScores> found;
  NamedScores named;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string_view line = StripDecoration(lines[i]);
    if (line.size() > kLongestAlone) continue;
    if (form == VerdictForm::kPairScores) {
      const NamedScores here = ReadNamedScores(line);
      if (here.first) named.first = here.first;
      if (here.second) named.second = here.second;
      if ((here.first || here.second) && named.first && named.second) {
        found = SeatScores{*named.first, *named.second};
        continue;
      }
    }
    const auto [rest, had_label] = StripLabel(line);
    const bool at_edge = i + 1 == lines.size() || (form == VerdictForm::kPairScores && i == 0);
    if (!had_label && !at_edge && !IsMarkAlone(form, line)) continue;
    if (const auto value = PlainValue(form, rest)) found = value;
  }
  return found;
}

/// One JSON object that is all of the text.
std::optional<ReadVerdict> WholeObject(VerdictForm form, std::string_view text) {
  if (!text.starts_with('{') || !text.ends_with('}')) return std::nullopt;
  const auto json = ParseJson(text);
  if (!json.ok() || !json->is_object()) return std::nullopt;
  const auto scores = JsonValue(form, *json);
  if (!scores) return std::nullopt;
  ReadVerdict verdict{*scores, std::string(text)};
  for (const char* name : {"explanation", "reason", "reasoning", "feedback"}) {
    if (const auto found = json->find(name); found != json->end() && found->is_string()) {
      verdict.explanation = found->get<std::string>();
      break;
    }
  }
  return verdict;
}

/// The end of the object that begins at `at`, or npos.
std::size_t ObjectEnd(std::string_view text, std::size_t at) {
  int depth = 0;
  bool in_string = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{') {
      ++depth;
    } else if (c == '}' && --depth == 0) {
      return at + 1;
    }
  }
  return std::string_view::npos;
}

/// The last JSON object in the text that has a verdict.
std::optional<ReadVerdict> LastObject(VerdictForm form, std::string_view text) {
  std::size_t at = text.rfind('{');
  for (std::size_t tried = 0; tried < kObjectsTried && at != std::string_view::npos; ++tried) {
    const std::size_t end = ObjectEnd(text, at);
    if (end != std::string_view::npos) {
      if (auto verdict = WholeObject(form, text.substr(at, end - at))) return verdict;
    }
    at = at == 0 ? std::string_view::npos : text.rfind('{', at - 1);
  }
  return std::nullopt;
}

}  // namespace

std::string_view VerdictReadingName(VerdictReading reading) {
  return reading == VerdictReading::kStrict ? "strict" : "tolerant";
}

std::optional<VerdictReading> ParseVerdictReading(std::string_view name) {
  for (const auto reading : {VerdictReading::kStrict, VerdictReading::kTolerant}) {
    if (VerdictReadingName(reading) == name) return reading;
  }
  return std::nullopt;
}

std::optional<ReadVerdict> ParseVerdict(VerdictForm form, std::string_view reply,
                                        VerdictReading reading) {
  const SplitReply split = SplitReasoning(reply);
  if (split.is_cut) return std::nullopt;
  const std::string_view text = TrimSpace(split.answer);
  if (auto verdict = WholeObject(form, text)) return verdict;
  std::optional<SeatScores> scores = AgreedMarks(form, text);
  if (!scores && reading == VerdictReading::kTolerant) {
    scores = LastAlone(form, text);
    if (!scores) {
      if (auto verdict = LastObject(form, text)) return verdict;
    }
  }
  if (!scores) return std::nullopt;
  return ReadVerdict{*scores, std::string(text)};
}

}  // namespace arena
