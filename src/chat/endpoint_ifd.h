// Instruction-following difficulty of answers, by a model behind a server.
#pragma once

#include <memory>

#include "chat/text_endpoint.h"
#include "core/instruction_rater.h"
#include "text/chat_template.h"

namespace arena {

/// IFD as IfdRater defines it, but for the end of text, which is not counted: from servers that
/// answer /completions with `echo` and `logprobs`, as vLLM, SGLang and `arena serve` do. An
/// answer's log-probability is that of the conversation with it less that of the conversation
/// alone, both as the template writes them. A text that the server refuses, being too long, gives
/// no rating.
class EndpointIfdRater : public InstructionRater {
 public:
  /// Asks about one short text first. Errors: a server that does not answer such requests; one that
  /// does not answer at all.
  static Result<std::unique_ptr<EndpointIfdRater>> Make(TextEndpoint endpoint,
                                                        ChatTemplate chat_template);
  virtual TextCallCounts counts() const = 0;
};

}  // namespace arena
