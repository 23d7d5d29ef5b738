// The embedding of a local checkpoint.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "chat/local_model.h"
#include "core/embedder.h"

namespace arena {

/// The mean of a checkpoint's last hidden states over a text's tokens, scaled to length 1; zeros
/// for a blank text. Thread-safe.
class LocalEmbedder : public Embedder {
 public:
  /// Errors: those of LocalModel::Load.
  static Result<std::unique_ptr<LocalEmbedder>> Load(const LocalModelOptions& options);

  std::size_t dimensions() const override { return dimensions_; }
  std::size_t texts_at_once() const override { return 1024; }
  /// Errors: a text that is too long for the model, with its beginning; the model's workers have
  /// failed for good.
  Status Embed(std::span<const std::string_view> texts, std::span<float> vectors) const override;
  /// Of what makes the vectors.
  const std::string& version() const { return model_->version(); }

 private:
  LocalEmbedder(std::unique_ptr<LocalModel> model, unsigned threads, std::size_t dimensions)
      : model_(std::move(model)), threads_(threads), dimensions_(dimensions) {}

  const std::unique_ptr<LocalModel> model_;
  const unsigned threads_;
  const std::size_t dimensions_;
};

}  // namespace arena
