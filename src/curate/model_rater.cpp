#include "curate/model_rater.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>

#include "base/json.h"
#include "curate/words.h"

namespace arena {
namespace {

constexpr std::size_t kMostTags = 50;
constexpr std::size_t kLongestPrompt = 8000;  // bytes; a rating needs no more

constexpr std::string_view kDifficultyTask =
    "Somebody sent the request below to an assistant. Do not answer it. Judge how difficult it is "
    "to answer it well: what must be known, how many steps must be thought through, how exact the "
    "answer must be. 0 is a request that anybody answers at once, 5 one that takes a capable "
    "person some thought, 10 one that experts fail at. Give the reason in one or two sentences. "
    "Then end with a line of the form\nDifficulty: N\nwhere N is a number from 0 to 10.";

constexpr std::string_view kTagTask =
    "Somebody sent the request below to an assistant. Do not answer it. Name everything that it "
    "asks for: subjects, kinds of task, constraints on form and content. Write one short tag of "
    "one to three words for each, none twice. Reply with nothing but a JSON list of these tags, "
    "such as [\"cooking\", \"word limit\"].";

// Long prompts lose their middle; cut between characters.
std::string Shortened(std::string text) {
  if (text.size() <= kLongestPrompt) return text;
  const auto is_inside = [&](std::size_t at) {
    return (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  };
  std::size_t begin = kLongestPrompt / 2;
  std::size_t end = text.size() - kLongestPrompt / 2;
  while (begin > 0 && is_inside(begin)) --begin;
  while (end < text.size() && is_inside(end)) ++end;
  return text.substr(0, begin) + "\n[...]\n" + text.substr(end);
}

// The mark around the request depends on its text, so that no text can close it.
Instruction Question(std::string_view task, const PoolItem& item) {
  const std::string prompt = Shortened(PromptText(item.conversation));
  const std::string mark = HashBytes(prompt).Hex().substr(0, 8);
  return MakeInstruction(
      fmt::format("{}\n\n<request {}>\n{}\n</request {}>", task, mark, prompt, mark));
}

std::optional<double> DifficultyOf(std::string_view number) {
  double value = 0;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
  if (error != std::errc() || end != number.data() + number.size()) return std::nullopt;
  if (value < 0 || value > 10) return std::nullopt;
  return value;
}

std::optional<std::size_t> CountTags(const std::vector<std::string>& tags) {
  std::set<std::string> different;
  for (const std::string& tag : tags) {
    const std::string normalized = NormalizedText(tag);
    if (!normalized.empty()) different.insert(normalized);
  }
  if (different.size() > kMostTags) return std::nullopt;
  return different.size();
}

std::optional<std::vector<std::string>> TagsOfJson(std::string_view reply) {
  const std::size_t end = reply.rfind(']');
  if (end == std::string_view::npos) return std::nullopt;
  const std::size_t begin = reply.rfind('[', end);
  if (begin == std::string_view::npos) return std::nullopt;
  const auto json = ParseJson(reply.substr(begin, end + 1 - begin));
  if (!json.ok() || !json->is_array()) return std::nullopt;
  std::vector<std::string> tags;
  for (const Json& tag : *json) {
    if (!tag.is_string()) return std::nullopt;
    tags.push_back(tag.get<std::string>());
  }
  return tags;
}

std::optional<std::vector<std::string>> TagsOfLines(std::string_view reply) {
  static const RE2 kLine(R"((?m)^[ \t]*(?:[-*+]|\xE2\x80\xA2|\d+[.)])[ \t]+(.+)$)");
  std::vector<std::string> tags;
  re2::StringPiece rest(reply.data(), reply.size());
  for (std::string tag; RE2::FindAndConsume(&rest, kLine, &tag);) tags.push_back(tag);
  if (tags.empty()) return std::nullopt;
  return tags;
}

// One question about each item, asked until enough replies can be read.
class ModelRater : public InstructionRater {
 public:
  using Parser = std::optional<double> (*)(std::string_view);

  ModelRater(ChatModel& model, const ModelRaterOptions& options, std::string_view what,
             std::string_view task, Parser parse)
      : model_(model), options_(options), what_(what), task_(task), parse_(parse) {}

  std::string name() const override {
    return fmt::format("{} by {}", what_, model_.contestant().name);
  }

  Result<std::vector<std::optional<double>>> Rate(std::span<const PoolItem> items) override {
    std::vector<Instruction> questions;
    for (const PoolItem& item : items) questions.push_back(Question(task_, item));
    std::vector<Sum> sums(items.size());
    for (int sample = 0; sample < options_.attempts; ++sample) {
      ARENA_RETURN_IF_ERROR(Ask(questions, sample, sums));
    }
    std::vector<std::optional<double>> ratings;
    for (const Sum& sum : sums) {
      ratings.push_back(sum.count > 0 ? std::optional(sum.total / sum.count) : std::nullopt);
    }
    return ratings;
  }

 private:
  struct Sum {
    double total = 0;
    int count = 0;
  };

  // One more reply for each item that has not enough.
  Status Ask(const std::vector<Instruction>& questions, int sample, std::vector<Sum>& sums) {
    std::vector<const Instruction*> open;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < questions.size(); ++i) {
      if (sums[i].count >= options_.samples) continue;
      open.push_back(&questions[i]);
      places.push_back(i);
    }
    if (open.empty()) return {};
    const auto answers = model_.RespondAll(open, sample, options_.threads);
    for (std::size_t k = 0; k < answers.size(); ++k) {
      if (!answers[k]) return Cancelled("interrupted while prompts were rated");
      if (!answers[k]->ok()) return Error(answers[k]->error());
      const Answer& answer = **answers[k];
      if (answer.state != WorkState::kDone) continue;
      const auto rating = parse_(answer.text());
      if (!rating) continue;
      sums[places[k]].total += *rating;
      ++sums[places[k]].count;
    }
    return {};
  }

  ChatModel& model_;
  const ModelRaterOptions options_;
  const std::string_view what_;
  const std::string_view task_;
  const Parser parse_;
};

}  // namespace

std::optional<double> ParseDifficulty(std::string_view reply) {
  // What follows the number tells 7 from 7-8 and from 70.
  static const RE2 kNamed(
      R"((?i)difficulty(?:[^\w\n]{0,11}[^\w\n-])?(?:is[^\w\n]{1,4})?(\d{1,4}(?:\.\d{1,4})?)([^\n]?[^\n]?))");
  static const RE2 kAlone(R"(\s*(\d{1,2}(?:\.\d{1,4})?)(?:\s*/\s*10)?\s*)");
  const re2::StringPiece text(reply.data(), reply.size());
  std::string number;
  if (RE2::FullMatch(text, kAlone, &number)) return DifficultyOf(number);
  static const RE2 kSpan(R"(\s?(?:-|–|\d|\.\d|e).*)");
  std::string after, last, last_after;
  re2::StringPiece rest = text;
  while (RE2::FindAndConsume(&rest, kNamed, &number, &after)) {
    last = number;
    last_after = after;
  }
  if (last.empty() || RE2::FullMatch(last_after, kSpan)) return std::nullopt;
  return DifficultyOf(last);
}

std::optional<double> ParseTagCount(std::string_view reply) {
  auto tags = TagsOfJson(reply);
  if (!tags) tags = TagsOfLines(reply);
  if (!tags) return std::nullopt;
  const auto count = CountTags(*tags);
  if (!count) return std::nullopt;
  return static_cast<double>(*count);
}

std::unique_ptr<InstructionRater> MakeDifficultyRater(ChatModel& model,
                                                      const ModelRaterOptions& options) {
  return std::make_unique<ModelRater>(model, options, "difficulty", kDifficultyTask,
                                      &ParseDifficulty);
}

std::unique_ptr<InstructionRater> MakeTagRater(ChatModel& model, const ModelRaterOptions& options) {
  return std::make_unique<ModelRater>(model, options, "tags", kTagTask, &ParseTagCount);
}

}  // namespace arena
