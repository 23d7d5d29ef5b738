#include "judge/judge_transcript.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "judge/internal/failed_game.h"

namespace arena {

using judge_internal::FailedGame;

namespace {

constexpr std::size_t kQuoted = 80;  // bytes of an unreadable reply that its error shows
constexpr std::string_view kCut = "length";

/// One sample as read.
struct SampleReading {
  std::optional<SeatScores> scores;
  std::string explanation;
  FailureKind failure = FailureKind::kNone;
  std::string error;
};

/// The end of a text, where a verdict would be.
std::string Tail(std::string_view text) {
  if (text.size() <= kQuoted) return std::string(text);
  std::size_t from = text.size() - kQuoted;
  while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0U) == 0x80U) ++from;
  return fmt::format("... {}", text.substr(from));
}

void Fail(const JudgeQuestion& question, SampleReading& sample) {
  sample.failure = question.failure;
  sample.error = question.error;
  if (sample.failure != FailureKind::kNone) return;
  const std::string text = question.replies.empty() ? "" : question.replies.back().text;
  sample.failure = FailureKind::kUnparsable;
  sample.error = fmt::format("no verdict can be read from the judge's reply{}: \"{}\"",
                             question.replies.size() > 1 ? " to the repair" : "", Tail(text));
}

SampleReading ReadSample(VerdictForm form, const std::vector<JudgeQuestion>& questions,
                         VerdictReading reading) {
  SampleReading sample;
  const bool is_single = form == VerdictForm::kSingleScore;
  SeatScores scores;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    auto verdict = ReadQuestion(form, questions[i], reading);
    if (!verdict) {
      Fail(questions[i], sample);
      return sample;
    }
    if (!is_single) {
      scores = verdict->scores;
      sample.explanation = std::move(verdict->explanation);
    } else {
      (i == 0 ? scores.first : scores.second) = verdict->scores.first;
      sample.explanation +=
          fmt::format("{}: {}", i == 0 ? "First" : "\n\nSecond", verdict->explanation);
    }
  }
  if (questions.size() != (is_single ? 2U : 1U)) {
    sample.failure = FailureKind::kMissing;
    sample.error = "the judge was not asked about both answers";
    return sample;
  }
  sample.scores = scores;
  return sample;
}

std::string Spread(std::string_view seat, const std::vector<double>& scores, double mean) {
  const auto [low, high] = std::minmax_element(scores.begin(), scores.end());
  return fmt::format("{} {:.2f} ({:g} to {:g})", seat, mean, *low, *high);
}

Game MeanOf(std::vector<SampleReading>& samples) {
  std::vector<double> first;
  std::vector<double> second;
  Verdict verdict;
  std::string explanation;
  for (SampleReading& sample : samples) {
    if (!sample.scores) continue;
    if (first.empty()) explanation = std::move(sample.explanation);
    first.push_back(sample.scores->first);
    second.push_back(sample.scores->second);
    verdict.score_first += sample.scores->first;
    verdict.score_second += sample.scores->second;
  }
  const auto count = static_cast<double>(first.size());
  verdict.score_first /= count;
  verdict.score_second /= count;
  if (samples.size() == 1) {
    verdict.explanation = std::move(explanation);
  } else {
    verdict.explanation = fmt::format("Mean of {} of {} samples: {}, {}.\n\n{}", first.size(),
                                      samples.size(), Spread("first", first, verdict.score_first),
                                      Spread("second", second, verdict.score_second), explanation);
  }
  Game game;
  game.state = WorkState::kDone;
  game.verdict = std::move(verdict);
  return game;
}

Json QuestionToJson(const JudgeQuestion& question) {
  Json replies = Json::array();
  for (const JudgeReply& reply : question.replies) {
    Json entry = {{"text", reply.text}};
    if (!reply.finish.empty()) entry["finish"] = reply.finish;
    if (!reply.reasoning.empty()) entry["reasoning"] = reply.reasoning;
    replies.push_back(std::move(entry));
  }
  Json json = {{"replies", std::move(replies)}};
  if (question.failure != FailureKind::kNone) {
    json["failure"] = FailureKindName(question.failure);
    json["error"] = question.error;
  }
  return json;
}

JudgeQuestion QuestionFromJson(const Json& json) {
  JudgeQuestion question;
  for (const Json& entry : json.at("replies")) {
    question.replies.push_back({entry.at("text").get<std::string>(), entry.value("finish", ""),
                                entry.value("reasoning", "")});
  }
  const auto failure = ParseFailureKind(json.value("failure", ""));
  // A later version's failure is still one.
  question.failure = failure.value_or(FailureKind::kApi);
  question.error = json.value("error", "");
  return question;
}

}  // namespace

std::optional<ReadVerdict> ReadQuestion(VerdictForm form, const JudgeQuestion& question,
                                        VerdictReading reading) {
  for (const JudgeReply& reply : question.replies) {
    if (reply.finish == kCut) return std::nullopt;
    if (auto verdict = ParseVerdict(form, reply.text, reading)) return verdict;
  }
  return std::nullopt;
}

Game ReadTranscript(const JudgeTranscript& transcript, VerdictReading reading) {
  std::vector<SampleReading> samples;
  std::size_t readable = 0;
  const SampleReading* failed = nullptr;
  samples.reserve(transcript.samples.size());
  for (const auto& questions : transcript.samples) {
    samples.push_back(ReadSample(transcript.form, questions, reading));
    if (samples.back().scores) ++readable;
  }
  for (const SampleReading& sample : samples) {
    if (sample.scores) continue;
    if (failed == nullptr || sample.failure == FailureKind::kApi) failed = &sample;
  }
  if (samples.empty()) return FailedGame(FailureKind::kMissing, "the judge was not asked");
  if (failed != nullptr &&
      (2 * readable <= samples.size() || failed->failure == FailureKind::kApi)) {
    const std::string count = samples.size() == 1 ? ""
                                                  : fmt::format("{} of {} samples can be read; ",
                                                                readable, samples.size());
    return FailedGame(failed->failure, count + failed->error);
  }
  return MeanOf(samples);
}

std::vector<SeatScores> SampleScores(const JudgeTranscript& transcript, VerdictReading reading) {
  std::vector<SeatScores> scores;
  for (const auto& questions : transcript.samples) {
    if (const auto sample = ReadSample(transcript.form, questions, reading); sample.scores) {
      scores.push_back(*sample.scores);
    }
  }
  return scores;
}

Json TranscriptToJson(const JudgeTranscript& transcript) {
  Json samples = Json::array();
  for (const auto& questions : transcript.samples) {
    Json list = Json::array();
    for (const JudgeQuestion& question : questions) list.push_back(QuestionToJson(question));
    samples.push_back(std::move(list));
  }
  return {{"judge", "llm"},
          {"form", VerdictFormName(transcript.form)},
          {"template", transcript.template_name},
          {"template_hash", transcript.template_hash},
          {"samples", std::move(samples)}};
}

Result<JudgeTranscript> TranscriptFromJson(const Json& json) {
  try {
    JudgeTranscript transcript;
    const auto form = ParseVerdictForm(json.at("form").get<std::string>());
    if (!form) return InvalidInput("the form of a stored judge's reply is unknown");
    transcript.form = *form;
    transcript.template_name = json.value("template", "");
    transcript.template_hash = json.value("template_hash", "");
    for (const Json& sample : json.at("samples")) {
      auto& questions = transcript.samples.emplace_back();
      for (const Json& question : sample) questions.push_back(QuestionFromJson(question));
    }
    return transcript;
  } catch (const Json::exception& e) {
    return InvalidInput(fmt::format("a stored judge's reply is damaged: {}", e.what()));
  }
}

}  // namespace arena
