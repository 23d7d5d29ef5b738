// The batch APIs of the fake endpoint: OpenAI's files and batches, Anthropic's message batches.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "tests/endpoint/fake_replies.h"

namespace arena {

/// Not thread-safe. A batch is worked on when it is handed in, and says so at the third look. Of
/// its requests some fail at their first time for the server's own reasons, and some have no
/// result.
class FakeBatches {
 public:
  static bool IsBatchPath(const std::string& path);
  FakeReply Answer(const FakeEndpointOptions& options, const ReceivedRequest& request);
  /// How often each request (its body) was answered well, over all batches.
  const std::unordered_map<Key, int, KeyHash>& answered() const { return answered_; }
  std::size_t batches() const { return batches_.size(); }

 private:
  struct Batch {
    bool is_openai = true;
    std::string mark;
    int looks = 0;
    int requests = 0;
    std::string output;
    std::string errors;
  };

  FakeReply Create(const FakeEndpointOptions& options, const ReceivedRequest& request);
  void Work(const FakeEndpointOptions& options, const std::string& id, const std::string& body,
            Batch& batch);
  FakeReply State(const std::string& name) const;

  std::map<std::string, std::string> files_;
  std::map<std::string, Batch> batches_;
  std::unordered_map<Key, int, KeyHash> tried_;
  std::unordered_map<Key, int, KeyHash> answered_;
};

}  // namespace arena
