#include "judge/reference_match.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "judge/choice_letter.h"
#include "judge/edit_similarity.h"
#include "judge/final_number.h"
#include "judge/graded_reference.h"
#include "judge/plain_text.h"

namespace arena {
namespace {

constexpr double kRight = 10;
constexpr double kWrong = 1;

class NumericMatcher final : public ReferenceMatcher {
 public:
  NumericMatcher(const ReferenceJudgeOptions& options, FinalNumber reference)
      : options_(options), shown_(reference.shown), reference_(ValueOf(reference.number)) {}

  Result<AnswerScore> Score(std::string_view answer) const override {
    const auto found = FindFinalNumber(answer, options_.last_number);
    if (!found) {
      const std::string_view what = options_.last_number ? "number" : "marked number";
      return AnswerScore{kWrong, fmt::format("no {} found, reference {}", what, shown_)};
    }
    const std::string prefix =
        fmt::format("found {} by {}, reference {}: ", found->shown, found->where, shown_);
    if (!found->number.problem.empty()) {
      return AnswerScore{kWrong, prefix + fmt::format("not equal, it {}", found->number.problem)};
    }
    const bool same = SameNumber(ValueOf(found->number), reference_, options_.tolerance);
    return AnswerScore{same ? kRight : kWrong, prefix + (same ? "equal" : "not equal")};
  }

 private:
  WrittenNumber ValueOf(const FoundNumber& number) const {
    WrittenNumber value = number.value;
    if (number.percent && options_.percent_as_fraction) value.exponent -= 2;
    return value;
  }

  ReferenceJudgeOptions options_;
  std::string shown_;
  WrittenNumber reference_;
};

Result<std::unique_ptr<ReferenceMatcher>> ReadNumber(const ReferenceJudgeOptions& options,
                                                     std::string_view reference) {
  auto found = FindFinalNumber(reference, true);
  if (!found) return InvalidInput("the reference has no number; for words use match = \"text\"");
  if (!found->number.problem.empty()) {
    return InvalidInput(
        fmt::format("the reference's number {} {}", found->shown, found->number.problem));
  }
  return std::make_unique<NumericMatcher>(options, std::move(*found));
}

class ExactMatcher final : public ReferenceMatcher {
 public:
  explicit ExactMatcher(std::string_view reference) : reference_(reference) {}

  Result<AnswerScore> Score(std::string_view answer) const override {
    if (answer == reference_) return AnswerScore{kRight, "equal byte for byte"};
    const auto difference =
        std::mismatch(answer.begin(), answer.end(), reference_.begin(), reference_.end()).first -
        answer.begin();
    return AnswerScore{kWrong, fmt::format("differs from the reference at byte {}", difference)};
  }

 private:
  std::string reference_;
};

class TextMatcher final : public ReferenceMatcher {
 public:
  TextMatcher(PlainTextOptions options, std::string reference)
      : options_(options), reference_(std::move(reference)) {}

  Result<AnswerScore> Score(std::string_view answer) const override {
    ARENA_ASSIGN_OR_RETURN(const std::string text, PlainText(answer, options_));
    if (text.empty()) return AnswerScore{kWrong, "no words found"};
    return text == reference_ ? AnswerScore{kRight, "equal after normalisation"}
                              : AnswerScore{kWrong, "differs after normalisation"};
  }

 private:
  PlainTextOptions options_;
  std::string reference_;
};

Result<std::unique_ptr<ReferenceMatcher>> ReadText(const ReferenceJudgeOptions& options,
                                                   std::string_view reference) {
  const PlainTextOptions plain{options.keep_punctuation, options.drop_articles};
  ARENA_ASSIGN_OR_RETURN(std::string text, PlainText(reference, plain));
  if (text.empty()) {
    return InvalidInput(
        "nothing is left of the reference after normalisation; for signs use keep_punctuation or "
        "match = \"exact\"");
  }
  return std::make_unique<TextMatcher>(plain, std::move(text));
}

class ChoiceMatcher final : public ReferenceMatcher {
 public:
  ChoiceMatcher(std::string letters, char reference)
      : letters_(std::move(letters)), reference_(reference) {}

  Result<AnswerScore> Score(std::string_view answer) const override {
    const ChosenLetter chosen = FindChosenLetter(answer, letters_);
    if (chosen.letter == '\0') {
      return AnswerScore{kWrong, fmt::format("{}, reference {}", chosen.reason, reference_)};
    }
    const bool same = chosen.letter == reference_;
    return AnswerScore{same ? kRight : kWrong,
                       fmt::format("found {} by {}, reference {}: {}", chosen.letter, chosen.reason,
                                   reference_, same ? "equal" : "not equal")};
  }

 private:
  std::string letters_;
  char reference_;
};

Result<std::unique_ptr<ReferenceMatcher>> ReadChoice(const ReferenceJudgeOptions& options,
                                                     std::string_view reference) {
  const ChosenLetter chosen = FindChosenLetter(reference, options.choice_letters);
  if (chosen.letter == '\0') {
    return InvalidInput(fmt::format("the reference names no choice of {} ({})",
                                    options.choice_letters, chosen.reason));
  }
  return std::make_unique<ChoiceMatcher>(options.choice_letters, chosen.letter);
}

// Keeps one comparison below about 50 million steps of 64 cells.
constexpr std::size_t kMaxEditReference = 20000;

// The distance is at least the difference in length: below an eighth the score is 1 anyway.
bool TooDifferentInLength(std::u32string_view a, std::u32string_view b) {
  return std::min(a.size(), b.size()) * 8 < std::max(a.size(), b.size());
}

class EditMatcher final : public ReferenceMatcher {
 public:
  explicit EditMatcher(std::u32string reference) : reference_(std::move(reference)) {}

  Result<AnswerScore> Score(std::string_view answer) const override {
    const std::u32string text = CodePoints(answer);
    if (text == reference_) return AnswerScore{kRight, "equal to the reference"};
    const std::size_t longest = std::max(text.size(), reference_.size());
    if (TooDifferentInLength(text, reference_)) {
      return AnswerScore{kWrong, fmt::format("{} and {} characters: too different in length",
                                             text.size(), reference_.size())};
    }
    const std::size_t distance = CodePointDistance(text, reference_);
    const std::size_t grade = std::min<std::size_t>(8, 8 * (longest - distance) / longest);
    return AnswerScore{1 + static_cast<double>(grade),
                       fmt::format("edit distance {} in {} characters", distance, longest)};
  }

 private:
  std::u32string reference_;
};

Result<std::unique_ptr<ReferenceMatcher>> ReadForEdit(std::string_view reference) {
  std::u32string points = CodePoints(reference);
  if (points.size() > kMaxEditReference) {
    return InvalidInput(fmt::format("the reference has {} characters; match = \"edit\" takes {}",
                                    points.size(), kMaxEditReference));
  }
  return std::make_unique<EditMatcher>(std::move(points));
}

class GradedMatcher final : public ReferenceMatcher {
 public:
  struct Entry {
    double worth;
    std::u32string points;
  };

  /// The best first.
  explicit GradedMatcher(std::vector<Entry> answers) : answers_(std::move(answers)) {}

  Result<AnswerScore> Score(std::string_view answer) const override {
    const std::u32string text = CodePoints(answer);
    for (const Entry& entry : answers_) {
      if (text != entry.points) continue;
      return AnswerScore{entry.worth, fmt::format("a right answer, of worth {}", entry.worth)};
    }
    // A wrong answer stays below every right one: at most one less than the lowest worth.
    const auto steps = static_cast<std::size_t>(std::max(2.0, answers_.back().worth)) - 2;
    std::size_t grade = 0;
    for (const Entry& entry : answers_) {
      if (TooDifferentInLength(text, entry.points)) continue;
      const std::size_t longest = std::max(text.size(), entry.points.size());
      const std::size_t distance = CodePointDistance(text, entry.points);
      grade = std::max(grade, steps * (longest - distance) / longest);
    }
    return AnswerScore{1 + static_cast<double>(grade),
                       fmt::format("none of the {} right answers", answers_.size())};
  }

 private:
  std::vector<Entry> answers_;
};

Result<std::unique_ptr<ReferenceMatcher>> ReadGraded(std::string_view reference) {
  ARENA_ASSIGN_OR_RETURN(const std::vector<GradedAnswer> answers, ReadGradedReference(reference));
  std::vector<GradedMatcher::Entry> entries;
  std::size_t points = 0;
  for (const GradedAnswer& answer : answers) {
    entries.push_back({answer.worth, CodePoints(answer.text)});
    points += entries.back().points.size();
  }
  if (points > kMaxEditReference) {
    return InvalidInput(
        fmt::format("the reference's answers have {} characters; match = "
                    "\"graded\" takes {}",
                    points, kMaxEditReference));
  }
  return std::make_unique<GradedMatcher>(std::move(entries));
}

}  // namespace

Result<std::unique_ptr<ReferenceMatcher>> ReadReference(const ReferenceJudgeOptions& options,
                                                        std::string_view reference) {
  if (reference.empty()) return InvalidInput("the reference is empty");
  switch (options.match) {
    case ReferenceMatch::kNumeric:
      return ReadNumber(options, reference);
    case ReferenceMatch::kExact:
      return std::make_unique<ExactMatcher>(reference);
    case ReferenceMatch::kText:
      return ReadText(options, reference);
    case ReferenceMatch::kChoice:
      return ReadChoice(options, reference);
    case ReferenceMatch::kEdit:
      return ReadForEdit(reference);
    case ReferenceMatch::kGraded:
      return ReadGraded(reference);
  }
  return InternalError("no such kind of match");
}

}  // namespace arena
