#include "checkpoint/checkpoint.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <unordered_set>

#include "base/parallel.h"

namespace arena {
namespace {

constexpr std::string_view kHead = "lm_head.weight";
constexpr std::string_view kEmbedding = "model.embed_tokens.weight";

Result<TensorView> TakeExpected(const SafetensorsDirectory& weights, const TensorSpec& spec,
                                const std::filesystem::path& directory) {
  const TensorView* tensor = weights.Find(spec.name);
  if (tensor == nullptr) {
    return InvalidInput(fmt::format("{}: tensor \"{}\" {} is missing", directory.string(),
                                    spec.name, ShapeText(spec.shape)));
  }
  if (tensor->shape != spec.shape) {
    return InvalidInput(fmt::format(
        "{}: tensor \"{}\" has the shape {}, and config.json asks for {}", directory.string(),
        spec.name, ShapeText(tensor->shape), ShapeText(spec.shape)));
  }
  if (!IsWeightDType(tensor->dtype)) {
    return InvalidInput(fmt::format("{}: tensor \"{}\" is {}; supported: F32, F16, BF16",
                                    directory.string(), spec.name, DTypeName(tensor->dtype)));
  }
  return *tensor;
}

// Old conversions stored the rotary frequencies, which follow from the configuration.
bool IsDerived(std::string_view name) { return name.ends_with(".rotary_emb.inv_freq"); }

std::vector<std::string> UnusedTensors(const SafetensorsDirectory& weights,
                                       const std::vector<TensorView>& used) {
  std::unordered_set<std::string_view> names;
  for (const TensorView& tensor : used) names.insert(tensor.name);
  std::vector<std::string> unused;
  for (const TensorView& tensor : weights.tensors()) {
    if (!names.contains(tensor.name) && !IsDerived(tensor.name)) unused.push_back(tensor.name);
  }
  return unused;
}

std::string UnusedWarning(std::vector<std::string> unused) {
  constexpr std::size_t kNamed = 5;
  const std::size_t count = unused.size();
  unused.resize(std::min(count, kNamed));
  return fmt::format("{} {} not used: {}{}", count, count == 1 ? "tensor is" : "tensors are",
                     fmt::join(unused, ", "), count > kNamed ? ", ..." : "");
}

}  // namespace

Result<Checkpoint> Checkpoint::Open(const std::filesystem::path& directory) {
  Checkpoint checkpoint;
  checkpoint.directory_ = directory;
  ARENA_ASSIGN_OR_RETURN(checkpoint.config_, LoadConfig(directory));
  ARENA_ASSIGN_OR_RETURN(checkpoint.weights_, SafetensorsDirectory::Open(directory));
  for (const TensorSpec& spec : ExpectedTensors(checkpoint.config_)) {
    ARENA_ASSIGN_OR_RETURN(TensorView view, TakeExpected(*checkpoint.weights_, spec, directory));
    checkpoint.tensors_.push_back(std::move(view));
  }
  std::vector<std::string> unused = UnusedTensors(*checkpoint.weights_, checkpoint.tensors_);
  if (!unused.empty()) checkpoint.warnings_.push_back(UnusedWarning(std::move(unused)));
  return checkpoint;
}

const TensorView* Checkpoint::Find(std::string_view name) const {
  if (name == kHead && config_.tie_word_embeddings && config_.has_language_head()) {
    name = kEmbedding;
  }
  const auto found = std::find_if(tensors_.begin(), tensors_.end(),
                                  [name](const TensorView& view) { return view.name == name; });
  return found == tensors_.end() ? nullptr : &*found;
}

std::int64_t Checkpoint::total_bytes() const {
  std::int64_t total = 0;
  for (const TensorView& tensor : tensors_) total += static_cast<std::int64_t>(tensor.bytes.size());
  return total;
}

const TensorView* Checkpoint::FindAny(std::string_view name) const {
  const TensorView* tensor = Find(name);
  return tensor != nullptr ? tensor : weights_->Find(name);
}

std::optional<NonFinite> Checkpoint::FindNonFinite(unsigned threads) const {
  std::vector<std::optional<std::size_t>> found(tensors_.size());
  ParallelFor(tensors_.size(), threads, [&](std::size_t i) {
    found[i] = FirstNonFinite(tensors_[i]);
    ReleasePages(tensors_[i].bytes);
  });
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i]) continue;
    NonFinite result{tensors_[i].name, *found[i], 0};
    ReadFloats(tensors_[i], *found[i], {&result.value, 1});
    return result;
  }
  return std::nullopt;
}

std::string Describe(const NonFinite& found) {
  return fmt::format("{}: element {} is {}", found.tensor, found.index, found.value);
}

}  // namespace arena
