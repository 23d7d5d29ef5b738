// Values by key in a file that only grows: for what costs money to ask again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>

#include "base/hash.h"
#include "base/result.h"

namespace arena {

/// What is added is in the file before Add() returns, so that it survives a kill; a record that a
/// kill or a full disk left half written is dropped at the next opening. Keys and places are in
/// memory (some 50 bytes a value), values are not. Thread-safe; one process at a time.
/// Format: docs/formats/key-log.md.
class KeyLog {
 public:
  struct Entry {
    Key key;
    std::string value;
  };

  /// Opens the file, or makes it with its folder. Errors: another process has it open
  /// (kUnavailable), it is no such file, it cannot be read or written.
  static Result<std::unique_ptr<KeyLog>> Open(const std::filesystem::path& file);
  ~KeyLog();
  KeyLog(const KeyLog&) = delete;
  KeyLog& operator=(const KeyLog&) = delete;

  /// The value of a key; nothing where there is none.
  Result<std::optional<std::string>> Find(const Key& key) const;
  /// Appends values. Of a key that is there already the later value counts.
  Status Add(std::span<const Entry> entries);
  std::size_t size() const;

 private:
  struct Place {
    std::uint64_t offset = 0;  ///< of the value
    std::uint32_t size = 0;
  };

  KeyLog(std::filesystem::path file, int fd) : file_(std::move(file)), fd_(fd) {}
  Status ReadAll();

  const std::filesystem::path file_;
  const int fd_;
  mutable std::mutex mutex_;
  std::uint64_t end_ = 0;                           // guarded by mutex_
  std::unordered_map<Key, Place, KeyHash> places_;  // guarded by mutex_
};

}  // namespace arena
