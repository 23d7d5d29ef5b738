// Ratings that a language model is asked for.
#pragma once

#include <memory>
#include <optional>
#include <string_view>

#include "core/contestant.h"
#include "core/instruction_rater.h"

namespace arena {

struct ModelRaterOptions {
  int samples = 2;   ///< readable replies that are averaged
  int attempts = 4;  ///< replies asked for at most, before fewer samples must do
  unsigned threads = 0;
};

/// The difficulty that a reply names, 0 to 10: the number after the last "difficulty", or a reply
/// that is nothing but a number. Nothing for no number, one out of range, or a span ("7-8").
std::optional<double> ParseDifficulty(std::string_view reply);

/// How many different tags a reply lists: the last JSON list of strings in it, or else its lines
/// that begin with a bullet or a number. Tags that differ in case or punctuation only are one.
/// Nothing where there is no list, or one of more than 50.
std::optional<double> ParseTagCount(std::string_view reply);

/// Asks `model` how hard each prompt is, 0 to 10. A reply that cannot be read is asked for again;
/// an item without any readable reply has no rating. `model` must outlive the rater and should
/// sample, as else all samples are the same. Errors: those of the model; kCancelled when the user
/// interrupts.
std::unique_ptr<InstructionRater> MakeDifficultyRater(ChatModel& model,
                                                      const ModelRaterOptions& options);

/// Asks `model` for tags of what each prompt wants, and counts them: more tags, more complex (Lu et
/// al. 2023, "#InsTag", whose own tagger and tag merging this is not).
std::unique_ptr<InstructionRater> MakeTagRater(ChatModel& model, const ModelRaterOptions& options);

}  // namespace arena
