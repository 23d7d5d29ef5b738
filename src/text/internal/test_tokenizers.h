// Small tokenizers for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/file.h"
#include "text/tokenizer.h"

namespace arena {

/// A folder that goes with the test.
class TokenizerFolder {
 public:
  TokenizerFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "arena-tokenizer-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TokenizerFolder(const TokenizerFolder&) = delete;
  TokenizerFolder& operator=(const TokenizerFolder&) = delete;
  ~TokenizerFolder() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  const std::filesystem::path& path() const { return path_; }
  void Write(const std::string& name, const std::string& content) const {
    ASSERT_TRUE(WriteFileAtomic(path_ / name, content).ok());
  }

 private:
  std::filesystem::path path_;
};

/// Text of all byte values, in an order that holds valid and invalid UTF-8.
inline std::string AllBytes() {
  std::string text;
  for (int byte = 0; byte < 256; ++byte) text += static_cast<char>(byte);
  return text + "\xC3\xA9 \xF0\x9F\x98\x80\xED\xA0\x80\xF0\x9F";
}

inline RenderedPrompt Trusted(const std::string& text) { return {text, {{0, text.size()}}}; }

}  // namespace arena
