// Reading an object of a configuration key by key, with errors that name the key.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace arena::internal {

/// A JSON object. The first error is kept and later reads return fallbacks, so that a reader of
/// many keys checks once at the end. A null counts as absent, as it does in transformers. The JSON
/// must outlive it. Not thread-safe.
class ConfigKeys {
 public:
  /// `where` names the file, and for nested objects the key: "config.json: rope_scaling".
  ConfigKeys(const Json& object, std::string where);

  bool Has(std::string_view key) const;
  /// An integer in [low, high]; no fallback: the key is required.
  std::int64_t Integer(std::string_view key, std::int64_t low, std::int64_t high,
                       std::optional<std::int64_t> fallback = std::nullopt);
  /// A finite number in [low, high].
  double Number(std::string_view key, double low, double high,
                std::optional<double> fallback = std::nullopt);
  std::optional<double> OptionalNumber(std::string_view key, double low, double high);
  bool Boolean(std::string_view key, bool fallback);
  std::string Text(std::string_view key, std::string_view fallback);
  /// An integer or a list of integers, each in [low, high].
  std::vector<std::int64_t> Integers(std::string_view key, std::int64_t low, std::int64_t high);
  /// The member as JSON; nullptr: absent or null.
  const Json* Find(std::string_view key) const;

  /// Keeps an error: "FILE: KEY is VALUE; supported: WHAT".
  void Refuse(std::string_view key, std::string_view supported);
  /// Keeps an error about a key that is not there.
  void Missing(std::string_view key);
  /// Refuses keys other than these.
  void AllowOnly(std::initializer_list<std::string_view> keys);
  /// Keeps an error of this text, after the file.
  void Fail(std::string_view message);
  /// Keeps the first error of a nested object.
  void Adopt(const ConfigKeys& nested);

  const std::string& where() const { return where_; }
  const Status& status() const { return status_; }

 private:
  const Json& object_;
  std::string where_;
  Status status_;
};

}  // namespace arena::internal
