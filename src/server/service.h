// What the server does for a request, without HTTP.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/rng.h"
#include "chat/local_model.h"
#include "server/admission.h"
#include "server/api_error.h"
#include "server/completion_job.h"
#include "server/metrics.h"
#include "server/openai_reply.h"
#include "server/openai_request.h"

namespace arena {

struct ServiceOptions {
  std::string model_name;    ///< as clients name the model
  std::int64_t places = 64;  ///< sequences that the model's workers run at once
  std::int64_t queue = 256;  ///< sequences that may wait for a place
  std::int64_t created = 0;  ///< what replies about the model say, seconds since 1970
  std::uint64_t seed = 0;    ///< of requests that have none, and of ids
};

/// Checks requests against the model and its limits and asks it. Thread-safe. `model` outlives the
/// object and calls nothing of it after it is gone.
class CompletionService {
 public:
  CompletionService(LocalModel& model, const ServiceOptions& options);

  /// Asks for all choices. `now`: seconds since 1970. Errors: 404 for another model, 400 for a
  /// prompt that does not fit, 429 when too much waits, 503 when the server ends.
  ApiResult<std::unique_ptr<CompletionJob>> StartChat(const ChatBody& body, std::int64_t now);
  ApiResult<std::unique_ptr<CompletionJob>> StartCompletion(const CompletionBody& body,
                                                            std::int64_t now);
  /// Waits for the log-probabilities of the prompts' tokens; for `body.echo`. Errors as above, and
  /// 503 once `is_wanted` is false.
  ApiResult<std::string> Score(const CompletionBody& body, FunctionRef<bool()> is_wanted,
                               std::int64_t now);
  /// Waits for all vectors, each of length 1; errors as Score().
  ApiResult<std::string> Embed(const EmbeddingBody& body, FunctionRef<bool()> is_wanted);

  std::string Models() const;
  ApiResult<std::string> Model(std::string_view name) const;
  std::string MetricsPage() const;

  /// From now on new requests are refused.
  void StopAdmitting() { is_stopping_ = true; }
  bool is_stopping() const { return is_stopping_; }

  Admission& admission() { return *admission_; }
  ServerMetrics& metrics() { return *metrics_; }

 private:
  std::uint64_t Random();
  ApiResult<void> Admit(std::string_view model, std::int64_t sequences);
  ApiResult<void> CheckModel(std::string_view model) const;
  ApiResult<std::unique_ptr<CompletionJob>> Start(const CompletionSettings& settings,
                                                  std::vector<ChatRequest> prompts, bool is_chat,
                                                  std::int64_t now);
  using Inputs = std::vector<std::vector<TokenId>>;
  /// `field`, here and below: what errors call the texts.
  ApiResult<Inputs> EncodeInputs(std::span<const std::string> texts, std::string_view field) const;
  /// The texts' tokens, with a sequence admitted for each; none are where there is an error.
  ApiResult<Inputs> AdmitInputs(std::string_view model, std::span<const std::string> texts,
                                std::string_view field);
  using AskModel = FunctionRef<LmPool::Id(std::span<const TokenId>, LmPool::OnVector)>;
  /// Asks about each of the texts and waits; the sequences that were admitted for them leave.
  ApiResult<std::vector<std::vector<float>>> AskOfEach(const Inputs& inputs, AskModel ask,
                                                       FunctionRef<bool()> is_wanted);
  ReplyHead MakeHead(std::string_view kind, std::int64_t now);

  LocalModel& model_;
  const ServiceOptions options_;
  // Shared with callbacks, which may come later than the request's end.
  std::shared_ptr<Admission> admission_;
  std::shared_ptr<ServerMetrics> metrics_;
  std::atomic<bool> is_stopping_ = false;
  std::mutex random_mutex_;
  Rng random_;  // guarded by random_mutex_
};

}  // namespace arena
