#include "chat/local_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/parallel.h"
#include "base/trim.h"

namespace arena {
Result<std::unique_ptr<LocalEmbedder>> LocalEmbedder::Load(const LocalModelOptions& options) {
  const unsigned workers = options.pool.workers == 0 ? DefaultThreads() : options.pool.workers;
  ARENA_ASSIGN_OR_RETURN(auto model, LocalModel::Load(options));
  ARENA_ASSIGN_OR_RETURN(const std::vector<float> probe, model->Embed("a"));
  // Enough to keep every worker busy while its last answer is read.
  return std::unique_ptr<LocalEmbedder>(
      new LocalEmbedder(std::move(model), 4 * workers, probe.size()));
}

Status LocalEmbedder::Embed(std::span<const std::string_view> texts,
                            std::span<float> vectors) const {
  std::vector<Status> ends(texts.size());
  ParallelFor(texts.size(), threads_, [&](std::size_t i) {
    const auto out = vectors.subspan(i * dimensions_, dimensions_);
    if (TrimSpace(texts[i]).empty()) {
      std::fill(out.begin(), out.end(), 0.0F);
      return;
    }
    const auto vector = model_->Embed(texts[i]);
    if (vector.ok()) {
      std::copy(vector->begin(), vector->end(), out.begin());
      ScaleToUnit(out);
    } else {
      ends[i] = vector.error();
    }
  });
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (ends[i].ok()) continue;
    return Error{ends[i].error().code, fmt::format("the text that begins \"{}\": {}",
                                                   BeginningOf(texts[i]), ends[i].error().message)};
  }
  return {};
}

}  // namespace arena
