#include "curate/filters.h"

#include <fmt/format.h>
#include <re2/re2.h>
#include <re2/set.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <utility>

#include "base/trim.h"
#include "curate/words.h"

namespace arena {
namespace {

constexpr std::int64_t kPatternMemory = std::int64_t{64} << 20;

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

RE2::Options PatternOptions() {
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kPatternMemory);
  return options;
}

std::optional<std::string> ReasonUnsafe(const PoolItem& item, const UnsafeOptions& options) {
  for (const ItemFlag& flag : item.flags) {
    if (std::find(options.flags.begin(), options.flags.end(), flag.name) == options.flags.end()) {
      continue;
    }
    return fmt::format("flagged in the data: {}{}{}", flag.name, flag.detail.empty() ? "" : ", ",
                       flag.detail);
  }
  if (options.patterns == nullptr) return std::nullopt;
  for (const Message& message : item.conversation) {
    if (const auto pattern = options.patterns->Find(message.content)) {
      return fmt::format("the pattern of {} occurs", *pattern);
    }
  }
  return std::nullopt;
}

std::int64_t CodePoints(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return !U8_IS_TRAIL(static_cast<std::uint8_t>(c)); });
}

}  // namespace

struct PatternSet::Impl {
  std::string name;
  std::vector<int> lines;  // of the patterns
  RE2::Set set{PatternOptions(), RE2::UNANCHORED};
};

PatternSet::PatternSet(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PatternSet::PatternSet(PatternSet&&) noexcept = default;
PatternSet& PatternSet::operator=(PatternSet&&) noexcept = default;
PatternSet::~PatternSet() = default;

Result<PatternSet> PatternSet::Parse(std::string_view name, std::string_view text) {
  auto impl = std::make_unique<Impl>();
  impl->name = std::string(name);
  for (int line = 1; !text.empty(); ++line) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view pattern = TrimSpace(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pattern.empty() || pattern.front() == '#') continue;
    std::string problem;
    if (impl->set.Add(Piece(pattern), &problem) < 0) {
      return InvalidLine(name, line, fmt::format("not a valid RE2 pattern: {}", problem));
    }
    impl->lines.push_back(line);
  }
  if (!impl->set.Compile()) {
    return InvalidInput(
        fmt::format("{}: the patterns need more than 64 MB when compiled; use fewer or simpler "
                    "ones",
                    name));
  }
  return PatternSet(std::move(impl));
}

std::optional<std::string> PatternSet::Find(std::string_view text) const {
  std::vector<int> matched;
  if (!impl_->set.Match(Piece(text), &matched)) return std::nullopt;
  const int first = *std::min_element(matched.begin(), matched.end());
  return fmt::format("{}:{}", impl_->name, impl_->lines[static_cast<std::size_t>(first)]);
}

namespace {

// Prompts on their way to the moderator.
class PromptsToCheck {
 public:
  explicit PromptsToCheck(Moderator& moderator) : moderator_(moderator) {}

  Status Add(std::uint32_t item, std::string prompt, std::vector<Removal>& removals) {
    bytes_ += prompt.size();
    items_.push_back(item);
    prompts_.push_back(std::move(prompt));
    constexpr std::size_t kMostPrompts = 8192, kMostBytes = std::size_t{16} << 20;
    if (items_.size() < kMostPrompts && bytes_ < kMostBytes) return {};
    return Check(removals);
  }

  Status Check(std::vector<Removal>& removals) {
    const std::vector<std::string_view> texts(prompts_.begin(), prompts_.end());
    ARENA_ASSIGN_OR_RETURN(const std::vector<std::string> reasons, moderator_.Check(texts));
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (reasons[i].empty()) continue;
      removals.push_back({items_[i], fmt::format("flagged by the moderation: {}", reasons[i])});
    }
    items_.clear();
    prompts_.clear();
    bytes_ = 0;
    return {};
  }

 private:
  Moderator& moderator_;
  std::vector<std::uint32_t> items_;
  std::vector<std::string> prompts_;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<std::vector<Removal>> RemoveUnsafe(const KeptPool& pool, const UnsafeOptions& options) {
  std::vector<Removal> removals;
  std::optional<PromptsToCheck> prompts;
  if (options.moderator != nullptr) prompts.emplace(*options.moderator);
  ARENA_RETURN_IF_ERROR(pool.ForEach([&](std::uint32_t number, const PoolItem& item) -> Status {
    if (const auto reason = ReasonUnsafe(item, options)) {
      removals.push_back({number, *reason});
      return {};
    }
    return prompts ? prompts->Add(number, PromptText(item.conversation), removals) : Status{};
  }));
  if (prompts) ARENA_RETURN_IF_ERROR(prompts->Check(removals));
  std::sort(removals.begin(), removals.end(),
            [](const Removal& a, const Removal& b) { return a.item < b.item; });
  return removals;
}

std::string_view LengthUnitName(LengthUnit unit) {
  return unit == LengthUnit::kCharacters ? "characters" : "words";
}

std::optional<LengthUnit> ParseLengthUnit(std::string_view name) {
  for (const LengthUnit unit : {LengthUnit::kCharacters, LengthUnit::kWords}) {
    if (LengthUnitName(unit) == name) return unit;
  }
  return std::nullopt;
}

std::int64_t PromptLength(std::string_view text, LengthUnit unit) {
  if (unit == LengthUnit::kCharacters) return CodePoints(TrimSpace(text));
  std::vector<std::uint64_t> words;
  AppendWordHashes(text, words);
  return static_cast<std::int64_t>(words.size());
}

Result<std::vector<Removal>> RemoveByLength(const KeptPool& pool, const LengthOptions& options) {
  std::vector<Removal> removals;
  ARENA_RETURN_IF_ERROR(pool.ForEach([&](std::uint32_t number, const PoolItem& item) -> Status {
    const std::int64_t length = PromptLength(PromptText(item.conversation), options.unit);
    const std::string_view unit = LengthUnitName(options.unit);
    if (length < options.least) {
      removals.push_back(
          {number, fmt::format("{} {}, fewer than {}", length, unit, options.least)});
    } else if (options.most > 0 && length > options.most) {
      removals.push_back({number, fmt::format("{} {}, more than {}", length, unit, options.most)});
    }
    return {};
  }));
  return removals;
}

}  // namespace arena
