#include "flywheel/test_set.h"

#include <string>

#include "base/trim.h"

namespace arena {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// Words in lower case, one space between them.
std::string Normalised(const std::string& text) {
  std::string words;
  bool in_space = false;
  for (const char c : text) {
    if (IsSpace(c)) {
      in_space = true;
      continue;
    }
    if (in_space && !words.empty()) words += ' ';
    in_space = false;
    words += Lower(c);
  }
  return words;
}

}  // namespace

Key AskedKey(const Conversation& conversation) {
  KeyBuilder builder("asked");
  for (const Message& message : conversation) {
    if (message.role == Role::kUser) builder.Add(Normalised(message.content));
  }
  return builder.Build();
}

}  // namespace arena
