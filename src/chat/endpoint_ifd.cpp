#include "chat/endpoint_ifd.h"

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json.h"
#include "chat/internal/chat_protocol.h"
#include "chat/internal/closing_answer.h"
#include "chat/internal/text_calls.h"

namespace arena {
namespace {

// Of the tokens of a text but its first.
struct TextLogprob {
  double sum = 0;
  std::int64_t tokens = 0;
};

std::string ToBytes(const TextLogprob& logprob) {
  return {reinterpret_cast<const char*>(&logprob), sizeof logprob};
}

// None where the server refused the text.
std::optional<TextLogprob> FromBytes(const std::string& bytes) {
  TextLogprob logprob;
  if (bytes.size() != sizeof logprob) return std::nullopt;
  std::memcpy(&logprob, bytes.data(), sizeof logprob);
  return logprob;
}

Result<std::string> ReadLogprob(const Json& choice) {
  const Json& logprobs = ObjectAt(choice, "logprobs");
  if (!logprobs.contains("token_logprobs") || !logprobs.at("token_logprobs").is_array()) {
    return InvalidInput("the reply has no token_logprobs");
  }
  TextLogprob text;
  for (const Json& logprob : logprobs.at("token_logprobs")) {
    if (logprob.is_null()) continue;
    if (!logprob.is_number()) return InvalidInput("the reply has a log-probability without number");
    text.sum += logprob.get<double>();
    ++text.tokens;
  }
  return ToBytes(text);
}

Result<std::vector<std::string>> ReadLogprobs(const Json& reply, std::size_t count) {
  const Json* const choices =
      reply.is_object() && reply.contains("choices") && reply.at("choices").is_array()
          ? &reply.at("choices")
          : nullptr;
  if (choices == nullptr || choices->size() != count) {
    return InvalidInput("the reply has not one choice for each text");
  }
  std::vector<std::string> values(count);
  for (std::size_t place = 0; place < count; ++place) {
    const Json& choice = choices->at(place);
    const auto index = choice.is_object() ? choice.value("index", place) : count;
    if (index >= count || !values[index].empty()) {
      return InvalidInput("the reply numbers its choices wrong");
    }
    ARENA_ASSIGN_OR_RETURN(values[index], ReadLogprob(choice));
  }
  return values;
}

// The mean log-probability of the tokens that `whole` has beyond `prompt`.
std::optional<double> MeanBeyond(const std::string& whole_bytes, const std::string& prompt_bytes) {
  const auto whole = FromBytes(whole_bytes);
  const auto prompt = FromBytes(prompt_bytes);
  if (!whole || !prompt || whole->tokens <= prompt->tokens) return std::nullopt;
  return (whole->sum - prompt->sum) / static_cast<double>(whole->tokens - prompt->tokens);
}

class Rater final : public EndpointIfdRater {
 public:
  Rater(TextEndpoint endpoint, ChatTemplate chat_template)
      : calls_(std::move(endpoint),
               {.path = "/completions",
                .texts_field = "prompt",
                .more = {{"max_tokens", 0}, {"echo", true}, {"logprobs", 1}, {"temperature", 0}},
                .skips_refused = true,
                .read = ReadLogprobs}),
        template_(std::move(chat_template)) {}

  Status Probe() const {
    const std::vector<std::string_view> probe = {"one two three"};
    ARENA_ASSIGN_OR_RETURN(const auto values, calls_.Ask(probe));
    if (!values[0].empty()) return {};
    return Error{ErrorCode::kUnavailable,
                 "the server refuses /completions with echo, logprobs and max_tokens 0, which IFD "
                 "needs"};
  }

  std::string name() const override { return "ifd"; }
  TextCallCounts counts() const override { return calls_.counts(); }

  Result<std::vector<std::optional<double>>> Rate(std::span<const PoolItem> items) override {
    ARENA_ASSIGN_OR_RETURN(const std::string empty, Shown({{Role::kUser, ""}}));
    // Of each rated item: the answer after the prompt, the prompt, the answer after the empty one.
    std::vector<std::string> texts = {empty};
    std::vector<std::size_t> first(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto closing = SplitClosingAnswer(items[i].conversation);
      if (!closing) continue;
      auto prompt = Shown(closing->asked);
      if (!prompt.ok()) continue;  // the template has no such roles
      first[i] = texts.size();
      texts.push_back(*prompt + closing->answer);
      texts.push_back(*std::move(prompt));
      texts.push_back(empty + closing->answer);
    }
    ARENA_ASSIGN_OR_RETURN(const auto values,
                           calls_.Ask(std::vector<std::string_view>(texts.begin(), texts.end())));
    std::vector<std::optional<double>> ratings(items.size());
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (first[i] == 0) continue;
      const auto with = MeanBeyond(values[first[i]], values[first[i] + 1]);
      const auto without = MeanBeyond(values[first[i] + 2], values[0]);
      if (!with || !without) continue;
      const double ifd = std::exp(*without - *with);
      if (std::isfinite(ifd)) ratings[i] = ifd;
    }
    return ratings;
  }

 private:
  // What the model reads before its answer.
  Result<std::string> Shown(const Conversation& conversation) const {
    ARENA_ASSIGN_OR_RETURN(RenderedPrompt rendered, template_.Render(conversation));
    return std::move(rendered.text);
  }

  const TextCalls calls_;
  const ChatTemplate template_;
};

}  // namespace

Result<std::unique_ptr<EndpointIfdRater>> EndpointIfdRater::Make(TextEndpoint endpoint,
                                                                 ChatTemplate chat_template) {
  auto rater = std::make_unique<Rater>(std::move(endpoint), std::move(chat_template));
  ARENA_RETURN_IF_ERROR(rater->Probe());
  return std::unique_ptr<EndpointIfdRater>(std::move(rater));
}

}  // namespace arena
