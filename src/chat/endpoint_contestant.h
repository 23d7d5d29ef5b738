// A contestant that is a model behind a server.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "chat/endpoint_options.h"
#include "core/contestant.h"
#include "net/client.h"

namespace arena {

/// Asks turn by turn, each with the answers so far. Reasoning (`reasoning_content`, `reasoning`,
/// thinking blocks, a leading `<think>` block) is kept apart and not shown to the model again.
/// Thread-safe.
class EndpointContestant final : public ChatModel {
 public:
  /// `client` must outlive it; `endpoint` is the client's, shared by all that share its limits.
  /// Error: options.body is no JSON object.
  static Result<std::unique_ptr<EndpointContestant>> Make(const EndpointOptions& options,
                                                          HttpClient& client,
                                                          HttpClient::EndpointId endpoint);

  /// Its behaviour is {"kind", "model", ...} with each setting that is set; headers by their hash.
  const Contestant& contestant() const override { return contestant_; }

  /// Failed answers: kLength where the limit of tokens cut the reply, kContentFilter where a filter
  /// did, kApi for the rest, with what the server said. An answer with no attempts was never asked:
  /// its endpoint is quarantined. Error kCancelled: the user, or the cap on cost, stopped it.
  Result<Answer> Respond(const Instruction& instruction, int sample) override;
  /// As many as the endpoint may have requests.
  unsigned answers_at_once() const override {
    return static_cast<unsigned>(options_.answers_at_once);
  }

  /// With answers at their limit in the later turns, and for the cost each byte of a prompt as a
  /// token.
  CallEstimate EstimateOf(const Instruction& instruction) const override;
  const EndpointOptions& options() const { return options_; }

 private:
  struct Turn;
  EndpointContestant(EndpointOptions options, HttpClient& client, HttpClient::EndpointId endpoint);
  Answer Blank(const Instruction& instruction, int sample) const;
  CallNeeds NeedsOf(const Conversation& history) const;
  Result<bool> AskTurn(const Conversation& history, Answer& answer);
  bool TakeReply(const CallResult& result, Turn&& turn, Answer& answer);

  const EndpointOptions options_;
  HttpClient& client_;
  const HttpClient::EndpointId endpoint_;
  Contestant contestant_;
};

}  // namespace arena
