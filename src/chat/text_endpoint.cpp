#include "chat/text_endpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>
#include <span>
#include <utility>
#include <vector>

#include "base/json.h"
#include "chat/internal/text_calls.h"

namespace arena {
namespace {

using Values = std::vector<std::string>;

Error NotAReply(const char* what) { return InvalidInput(fmt::format("the reply {}", what)); }

// The floats of one vector as bytes.
Result<std::string> ReadVector(const Json& vector) {
  if (!vector.is_array() || vector.empty()) return NotAReply("has an embedding without numbers");
  std::string bytes;
  for (const Json& element : vector) {
    if (!element.is_number()) return NotAReply("has an embedding that is no list of numbers");
    const auto number = element.get<float>();
    if (!std::isfinite(number)) return NotAReply("has an embedding that is not finite");
    bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
  }
  return bytes;
}

Result<Values> ReadEmbeddings(const Json& reply, std::size_t count) {
  if (!reply.is_object() || !reply.contains("data") || !reply.at("data").is_array() ||
      reply.at("data").size() != count) {
    return NotAReply("has not one embedding for each text");
  }
  Values values(count);
  std::size_t place = 0;
  for (const Json& entry : reply.at("data")) {
    if (!entry.is_object() || !entry.contains("embedding")) return NotAReply("has no embedding");
    std::size_t index = place++;
    if (entry.contains("index") && entry.at("index").is_number_unsigned()) {
      index = entry.at("index").get<std::size_t>();
    }
    if (index >= count || !values[index].empty()) return NotAReply("numbers its embeddings wrong");
    ARENA_ASSIGN_OR_RETURN(values[index], ReadVector(entry.at("embedding")));
  }
  return values;
}

// The names of the categories that are flagged, or "flagged".
std::string FlaggedCategories(const Json& result) {
  std::string names;
  if (result.contains("categories") && result.at("categories").is_object()) {
    for (const auto& [name, flagged] : result.at("categories").items()) {
      if (!flagged.is_boolean() || !flagged.get<bool>()) continue;
      names += (names.empty() ? "" : ", ") + name;
    }
  }
  return names.empty() ? "flagged" : names;
}

Result<Values> ReadModeration(const Json& reply, std::size_t count) {
  if (!reply.is_object() || !reply.contains("results") || !reply.at("results").is_array() ||
      reply.at("results").size() != count) {
    return NotAReply("has not one result for each text");
  }
  Values values;
  for (const Json& result : reply.at("results")) {
    if (!result.is_object() || !result.contains("flagged") || !result.at("flagged").is_boolean()) {
      return NotAReply("has a result that does not say whether it is flagged");
    }
    values.push_back(result.at("flagged").get<bool>() ? FlaggedCategories(result) : "");
  }
  return values;
}

// Writes the kept vector, scaled to length 1; zeros for none.
Status WriteUnit(const std::string& bytes, std::span<float> out) {
  std::fill(out.begin(), out.end(), 0.0F);
  if (bytes.empty()) return {};
  if (bytes.size() != out.size_bytes()) {
    return InvalidInput(fmt::format("embeddings of {} and of {} dimensions came from one model",
                                    out.size(), bytes.size() / sizeof(float)));
  }
  std::memcpy(out.data(), bytes.data(), bytes.size());
  ScaleToUnit(out);
  return {};
}

class Embeddings final : public EndpointEmbedder {
 public:
  explicit Embeddings(TextEndpoint endpoint)
      : calls_(std::move(endpoint),
               {"/embeddings", "input", Json::object(), false, ReadEmbeddings}) {}

  Status FindDimensions() {
    const std::vector<std::string_view> probe = {"a"};
    ARENA_ASSIGN_OR_RETURN(const Values values, calls_.Ask(probe));
    dimensions_ = values[0].size() / sizeof(float);
    return {};
  }

  std::size_t dimensions() const override { return dimensions_; }
  std::size_t texts_at_once() const override { return calls_.texts_at_once(); }
  std::string behaviour() const override { return calls_.behaviour(); }
  TextCallCounts counts() const override { return calls_.counts(); }

  Status Embed(std::span<const std::string_view> texts, std::span<float> vectors) const override {
    ARENA_ASSIGN_OR_RETURN(const Values values, calls_.Ask(texts));
    for (std::size_t i = 0; i < texts.size(); ++i) {
      ARENA_RETURN_IF_ERROR(WriteUnit(values[i], vectors.subspan(i * dimensions_, dimensions_)));
    }
    return {};
  }

 private:
  const TextCalls calls_;
  std::size_t dimensions_ = 0;
};

class Moderation final : public EndpointModerator {
 public:
  explicit Moderation(TextEndpoint endpoint)
      : calls_(std::move(endpoint),
               {"/moderations", "input", Json::object(), false, ReadModeration}) {}

  std::string behaviour() const override { return calls_.behaviour(); }
  TextCallCounts counts() const override { return calls_.counts(); }
  Result<Values> Check(std::span<const std::string_view> texts) override {
    return calls_.Ask(texts);
  }

 private:
  const TextCalls calls_;
};

}  // namespace

Result<std::unique_ptr<EndpointEmbedder>> EndpointEmbedder::Make(TextEndpoint endpoint) {
  auto embeddings = std::make_unique<Embeddings>(std::move(endpoint));
  ARENA_RETURN_IF_ERROR(embeddings->FindDimensions());
  return std::unique_ptr<EndpointEmbedder>(std::move(embeddings));
}

std::unique_ptr<EndpointModerator> EndpointModerator::Make(TextEndpoint endpoint) {
  return std::make_unique<Moderation>(std::move(endpoint));
}

}  // namespace arena
