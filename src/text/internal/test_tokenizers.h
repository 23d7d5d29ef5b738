// Small tokenizers for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "text/tokenizer.h"

namespace arena {

/// A folder that goes with the test.
class TokenizerFolder : public TemporaryFolder {
 public:
  void Write(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(WriteFileAtomic(path() / name, content).ok());
  }
};

/// Text of all byte values, in an order that holds valid and invalid UTF-8.
inline std::string AllBytes() {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
  return text + "\xC3\xA9 \xF0\x9F\x98\x80\xED\xA0\x80\xF0\x9F";
}

inline RenderedPrompt Trusted(const std::string& text) { return {text, {{0, text.size()}}}; }

}  // namespace arena
