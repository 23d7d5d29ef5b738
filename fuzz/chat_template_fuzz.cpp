// A template from outside, rendered with messages from outside: what stands before the first NUL is
// the template, what follows is the content of messages, separated by NUL.
#include <cstdint>
#include <string>

#include "check.h"
#include "text/chat_template.h"

namespace {

void CheckSpans(const arena::RenderedPrompt& prompt) {
  using arena::fuzz::Demand;
  std::size_t at = 0;
  for (const arena::Span& span : prompt.trusted) {
    Demand(span.begin >= at && span.begin < span.end, "trusted ranges ascend");
    at = span.end;
  }
  Demand(at <= prompt.text.size(), "trusted ranges are within the text");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using arena::fuzz::Demand;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t end = input.find('\0');
  const auto parsed =
      arena::ChatTemplate::Parse(input.substr(0, end), "input", {"<s>", "</s>", {}});
  if (!parsed.ok()) {
    Demand(!parsed.error().message.empty(), "an error says what is wrong");
    return 0;
  }
  arena::Conversation conversation;
  std::string_view rest = end == std::string_view::npos ? "" : input.substr(end + 1);
  while (!rest.empty() && conversation.size() < 8) {
    const std::size_t next = rest.find('\0');
    const auto role = static_cast<arena::Role>(conversation.size() % 3);
    conversation.push_back({role, std::string(rest.substr(0, next))});
    rest = next == std::string_view::npos ? "" : rest.substr(next + 1);
  }
  arena::RenderOptions options;
  options.max_work = 1 << 20;
  options.now = std::chrono::system_clock::from_time_t(0);
  const auto rendered = parsed->Render(conversation, options);
  if (!rendered.ok()) {
    Demand(rendered.error().message.starts_with("input:"), "an error names its place");
    return 0;
  }
  CheckSpans(*rendered);
  Demand(parsed->Render(conversation, options)->text == rendered->text, "rendering repeats itself");
  return 0;
}
