#include "tests/endpoint/fake_replies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rng.h"

namespace arena {
namespace {

FakeReply ErrorReply(int status, std::string_view message) {
  return {status, "", DumpJson({{"error", {{"message", message}, {"type", "fake"}}}})};
}

std::int64_t TokensOf(std::string_view text) {
  return static_cast<std::int64_t>(text.size() / 4 + 1);
}

struct Answered {
  std::string model;
  std::string text;
  bool is_cut = false;
  std::int64_t prompt_tokens = 0;
  std::int64_t completion_tokens = 0;
};

Json OpenAiReply(const Answered& answer) {
  return {{"id", "chatcmpl-fake"},
          {"object", "chat.completion"},
          {"model", answer.model},
          {"choices",
           {{{"index", 0},
             {"message", {{"role", "assistant"}, {"content", answer.text}}},
             {"finish_reason", answer.is_cut ? "length" : "stop"}}}},
          {"usage",
           {{"prompt_tokens", answer.prompt_tokens},
            {"completion_tokens", answer.completion_tokens},
            {"total_tokens", answer.prompt_tokens + answer.completion_tokens}}}};
}

// The same as events: the text word by word, then the end, then the usage.
std::string OpenAiStream(const Answered& answer) {
  const Json whole = OpenAiReply(answer);
  const auto event = [](const Json& delta, const Json& end) {
    return fmt::format(
        "data: {}\n\n",
        DumpJson({{"id", "chatcmpl-fake"},
                  {"object", "chat.completion.chunk"},
                  {"choices", {{{"index", 0}, {"delta", delta}, {"finish_reason", end}}}}}));
  };
  std::string stream = ": the first line of a stream may be a comment\n\n";
  stream += event({{"role", "assistant"}, {"content", ""}}, nullptr);
  for (std::size_t at = 0; at < answer.text.size();) {
    const std::size_t end = std::min(answer.text.find(' ', at), answer.text.size() - 1) + 1;
    stream += event({{"content", answer.text.substr(at, end - at)}}, nullptr);
    at = end;
  }
  stream += event(Json::object(), whole["choices"][0]["finish_reason"]);
  stream += fmt::format("data: {}\n\ndata: [DONE]\n\n",
                        DumpJson({{"choices", Json::array()}, {"usage", whole["usage"]}}));
  return stream;
}

Json AnthropicReply(const Answered& answer) {
  return {{"id", "msg_fake"},
          {"type", "message"},
          {"role", "assistant"},
          {"model", answer.model},
          {"content", {{{"type", "text"}, {"text", answer.text}}}},
          {"stop_reason", answer.is_cut ? "max_tokens" : "end_turn"},
          {"usage",
           {{"input_tokens", answer.prompt_tokens}, {"output_tokens", answer.completion_tokens}}}};
}

Json OllamaReply(const Answered& answer) {
  return {{"model", answer.model},
          {"message", {{"role", "assistant"}, {"content", answer.text}}},
          {"done", true},
          {"done_reason", answer.is_cut ? "length" : "stop"},
          {"prompt_eval_count", answer.prompt_tokens},
          {"eval_count", answer.completion_tokens}};
}

// Throws nlohmann's exceptions where the body is no such request; so do the next two.
std::vector<std::string> InputsOf(const Json& body, const char* field = "input") {
  const Json& input = body.at(field);
  if (input.is_string()) return {input.get<std::string>()};
  return input.get<std::vector<std::string>>();
}

Json EmbeddingsReply(const Json& body) {
  Json data = Json::array();
  std::int64_t tokens = 0;
  for (const std::string& text : InputsOf(body)) {
    tokens += TokensOf(text);
    data.push_back(
        {{"object", "embedding"}, {"index", data.size()}, {"embedding", FakeEmbedding(text)}});
  }
  // The order says nothing; the index does.
  std::reverse(data.begin(), data.end());
  return {{"object", "list"},
          {"model", body.at("model")},
          {"data", std::move(data)},
          {"usage", {{"prompt_tokens", tokens}, {"total_tokens", tokens}}}};
}

// Throws for what asks for more than the prompt's log-probabilities.
Json EchoReply(const Json& body) {
  if (!body.at("echo").get<bool>() || body.at("max_tokens") != 0 || body.at("logprobs") != 1) {
    return Json::parse("only echo");
  }
  Json choices = Json::array();
  for (const std::string& text : InputsOf(body, "prompt")) {
    Json logprobs = FakeLogprobs(text);
    logprobs.at(0) = nullptr;
    choices.push_back({{"index", choices.size()},
                       {"text", text},
                       {"logprobs", {{"token_logprobs", std::move(logprobs)}}},
                       {"finish_reason", "length"}});
  }
  return {{"object", "text_completion"}, {"model", body.at("model")}, {"choices", choices}};
}

Json ModerationReply(const Json& body) {
  Json results = Json::array();
  for (const std::string& text : InputsOf(body)) {
    const bool is_violent = text.find("bomb") != std::string::npos;
    results.push_back(
        {{"flagged", is_violent}, {"categories", {{"hate", false}, {"violence", is_violent}}}});
  }
  return {{"id", "modr-fake"}, {"model", body.at("model")}, {"results", std::move(results)}};
}

FakeReply ReplyToTexts(const ReceivedRequest& request) {
  const Json body = Json::parse(request.body);
  const bool is_echo = request.path == "/v1/completions";
  for (const std::string& text : InputsOf(body, is_echo ? "prompt" : "input")) {
    if (text.size() > kFakeLongestText) return ErrorReply(400, "the input is too long");
    if (text.empty()) return ErrorReply(400, "the input is empty");
  }
  const Json reply = is_echo                            ? EchoReply(body)
                     : request.path == "/v1/embeddings" ? EmbeddingsReply(body)
                                                        : ModerationReply(body);
  return {200, "", DumpJson(reply)};
}

// The text of seat "a" or "b" in the prompt of a judge: between the tags <SEAT-...> and
// </SEAT-...>.
std::string_view SeatText(std::string_view prompt, char seat) {
  const auto open = prompt.find(fmt::format("\n<{}-", seat));
  if (open == std::string_view::npos) return {};
  const auto begin = prompt.find(">\n", open) + 2;
  const auto end = prompt.find(fmt::format("\n</{}-", seat), begin);
  return end == std::string_view::npos ? std::string_view() : prompt.substr(begin, end - begin);
}

// The verdict on the answers in the judge's prompt.
std::string FakeVerdict(std::string_view prompt, VerdictManner manner) {
  const double a = FakeScore(SeatText(prompt, 'a'));
  const double b = FakeScore(SeatText(prompt, 'b'));
  const std::string marks = fmt::format("[[{}, {}]]", a, b);
  switch (manner) {
    case VerdictManner::kMarked:
      return fmt::format("A says one thing and B another, in [brackets] too.\n{}", marks);
    case VerdictManner::kFenced:
      return fmt::format("My verdict:\n```\n**{}**\n```\n", marks);
    case VerdictManner::kProse:
      return fmt::format("Both tried.\n\nAssistant A: {}/10\nAssistant B: {}/10\n", a, b);
    case VerdictManner::kContradictory:
      return "First I thought [[9.25, 2.25]], then [[2.25, 9.25]]; I cannot tell.";
    case VerdictManner::kEmpty:
    case VerdictManner::kCut:
      return "";
  }
  return "";
}

// The verdict as the object that the schema names.
std::string FakeJsonVerdict(std::string_view prompt, const Json& format) {
  Json verdict = Json::object();
  const Json& schema = format.at("json_schema").at("schema");
  for (const auto& [name, ignored] : schema.at("properties").items()) verdict[name] = "as seen";
  verdict["score_a"] = FakeScore(SeatText(prompt, 'a'));
  verdict["score_b"] = FakeScore(SeatText(prompt, 'b'));
  return DumpJson(verdict);
}

constexpr std::string_view kRepair = "No verdict can be read";

bool IsJudge(const Answered& answer) { return answer.model.starts_with("judge"); }

// Throws nlohmann's exceptions where the body is no such request.
Answered AnswerTo(const FakeEndpointOptions& options, const ReceivedRequest& request) {
  const Json body = Json::parse(request.body);
  Answered answer;
  answer.model = body.at("model").get<std::string>();
  std::string first;  // what the user said first, and last
  std::string prompt;
  for (const Json& message : body.at("messages")) {
    const auto content = message.at("content").get<std::string>();
    answer.prompt_tokens += TokensOf(content);
    if (message.at("role") != "user") continue;
    if (first.empty()) first = content;
    prompt = content;
  }
  const Key hash = RequestHash(request);
  if (IsJudge(answer)) {
    const VerdictManner manner = MannerOf(hash, prompt.starts_with(kRepair));
    answer.text = body.contains("response_format") ? FakeJsonVerdict(first, body["response_format"])
                                                   : FakeVerdict(first, manner);
    answer.is_cut = manner == VerdictManner::kCut && !body.contains("response_format");
  } else if (answer.model.starts_with("rater")) {
    answer.text = fmt::format("Difficulty: {}", HashBytes(prompt).low % 11);
  } else {
    answer.text = FakeAnswer(answer.model, prompt);
    answer.is_cut = Rng(hash.high).Uniform() < options.cut_rate;
    if (answer.is_cut) answer.text.resize(answer.text.size() / 2);
  }
  answer.completion_tokens = TokensOf(answer.text);
  return answer;
}

}  // namespace

std::vector<double> FakeLogprobs(std::string_view text) {
  std::vector<double> logprobs;
  std::array<int, 256> seen{};
  for (const char c : text) logprobs.push_back(-1.0 / (1 + seen[static_cast<unsigned char>(c)]++));
  return logprobs;
}

std::vector<float> FakeEmbedding(std::string_view text) {
  std::vector<float> counts(kFakeDimensions, 0);
  for (const char c : text) {
    const int letter = std::tolower(static_cast<unsigned char>(c)) - 'a';
    if (letter >= 0 && letter < static_cast<int>(kFakeDimensions)) {
      counts[static_cast<std::size_t>(letter)] += 1;
    }
  }
  return counts;
}

std::string FakeAnswer(std::string_view model, std::string_view prompt) {
  const auto digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  const auto begin = std::find_if(prompt.begin(), prompt.end(), digit);
  if (begin == prompt.end()) return fmt::format("You said: {}", prompt);
  const auto end = std::find_if_not(begin, prompt.end(), digit);
  const bool is_wrong = KeyBuilder("wrong").Add(model).Add(prompt).Build().low % 4 == 0;
  const std::string number = std::string(begin, end).substr(0, 9);
  return fmt::format("The answer is {}.", std::stoi(number) + (is_wrong ? 1 : 0));
}

double FakeScore(std::string_view answer) {
  constexpr std::uint64_t kSteps = 19;  // 1, 1.5 ... 10
  return 1 + 0.5 * static_cast<double>(HashBytes(answer).low % kSteps);
}

VerdictManner MannerOf(const Key& request, bool is_repair) {
  const std::uint64_t draw = request.high % 100;
  if (is_repair) return draw < 75 ? VerdictManner::kMarked : VerdictManner::kEmpty;
  if (draw < 50) return VerdictManner::kMarked;
  if (draw < 65) return VerdictManner::kFenced;
  if (draw < 80) return VerdictManner::kProse;
  if (draw < 87) return VerdictManner::kContradictory;
  return draw < 94 ? VerdictManner::kEmpty : VerdictManner::kCut;
}

Key RequestHash(const ReceivedRequest& request) {
  return KeyBuilder("request").Add(request.path).Add(request.body).Build();
}

EndpointFault FaultOf(const FakeEndpointOptions& options, const Key& request, int attempt) {
  if (attempt > options.faults_in_a_row || options.faults.empty()) return EndpointFault::kNone;
  Rng rng(request.low, static_cast<std::uint64_t>(attempt));
  if (rng.Uniform() >= options.fault_rate) return EndpointFault::kNone;
  return options.faults[rng.Below(options.faults.size())];
}

FakeReply ReplyTo(const FakeEndpointOptions& options, const ReceivedRequest& request) {
  if (!options.key.empty() && request.key != options.key) {
    return ErrorReply(401, "Incorrect API key provided: " + request.key);
  }
  const bool is_of_texts = request.path == "/v1/embeddings" || request.path == "/v1/moderations" ||
                           request.path == "/v1/completions";
  Json (*form)(const Answered&) = request.path == "/v1/chat/completions" ? OpenAiReply
                                  : request.path == "/v1/messages"       ? AnthropicReply
                                  : request.path == "/api/chat"          ? OllamaReply
                                                                         : nullptr;
  if (form == nullptr && !is_of_texts) return ErrorReply(404, "there is no " + request.path);
  try {
    if (is_of_texts) return ReplyToTexts(request);
    if (form == OpenAiReply && Json::parse(request.body).value("stream", false)) {
      return {200, "Content-Type: text/event-stream\r\n", OpenAiStream(AnswerTo(options, request))};
    }
    return {200, "", DumpJson(form(AnswerTo(options, request)))};
  } catch (const Json::exception& e) {
    return ErrorReply(400, e.what());
  }
}

}  // namespace arena
