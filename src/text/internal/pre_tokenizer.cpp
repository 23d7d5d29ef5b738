#include "text/internal/pre_tokenizer.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "text/internal/json_fields.h"
#include "text/internal/utf8.h"

namespace arena {
namespace {

constexpr std::string_view kPreTokenizer = "the pre_tokenizer";
constexpr std::string_view kGpt2Pattern =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

/// Patterns that llama.cpp has a name for.
struct NamedPattern {
  std::string_view name;
  std::string_view pattern;
};
constexpr std::array<NamedPattern, 3> kNamedPatterns = {{
    {"llama-bpe",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
     R"(\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"qwen2",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|)"
     R"(\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"gpt-2", kGpt2Pattern},
}};

Result<SplitBehavior> ParseBehavior(const std::string& name) {
  constexpr std::pair<std::string_view, SplitBehavior> kBehaviors[] = {
      {"Removed", SplitBehavior::kRemoved},
      {"Isolated", SplitBehavior::kIsolated},
      {"MergedWithPrevious", SplitBehavior::kMergedWithPrevious},
      {"MergedWithNext", SplitBehavior::kMergedWithNext},
      {"Contiguous", SplitBehavior::kContiguous}};
  for (const auto& [known, behavior] : kBehaviors) {
    if (name == known) return behavior;
  }
  return InvalidInput(fmt::format("behavior \"{}\" of pre_tokenizer \"Split\" is unknown", name));
}

void SplitByPattern(const SplitPattern& pattern, SplitBehavior behavior, bool invert,
                    PieceList& list) {
  const auto find = [&](std::string_view piece, MatchVisitor visit) {
    pattern.ForEachMatch(piece, visit);
  };
  SplitPieces(find, behavior, invert, list);
}

void SplitByText(std::string_view literal, SplitBehavior behavior, bool invert, PieceList& list) {
  const auto find = [&](std::string_view piece, MatchVisitor visit) {
    for (std::size_t at = piece.find(literal); at != std::string_view::npos;
         at = piece.find(literal, at + literal.size())) {
      visit(at, at + literal.size());
    }
  };
  if (!literal.empty()) SplitPieces(find, behavior, invert, list);
}

void SplitDigits(bool individual, PieceList& list) {
  const auto find = [](std::string_view piece, MatchVisitor visit) {
    for (std::size_t at = 0; at < piece.size();) {
      const Utf8Character c = CharacterAt(piece, at);
      if (IsNumeric(c)) visit(at, at + c.size);
      at += c.size;
    }
  };
  SplitPieces(find, individual ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, false,
              list);
}

}  // namespace

Result<PreTokenizer> PreTokenizer::Parse(const Json& json) {
  PreTokenizer pre_tokenizer;
  if (json.is_null()) return pre_tokenizer;
  ARENA_RETURN_IF_ERROR(pre_tokenizer.Add(json));
  return pre_tokenizer;
}

Status PreTokenizer::Add(const Json& json) {
  ARENA_ASSIGN_OR_RETURN(const std::string type, ComponentType(json, kPreTokenizer));
  return AddOfType(type, json);
}

Status PreTokenizer::AddOfType(const std::string& type, const Json& json) {
  if (type == "Sequence") {
    ARENA_ASSIGN_OR_RETURN(const Json* parts, RequiredArray(json, "pretokenizers", kPreTokenizer));
    for (const Json& part : *parts) ARENA_RETURN_IF_ERROR(Add(part));
    return {};
  }
  if (byte_level_) {
    return InvalidInput(
        fmt::format("pre_tokenizer \"{}\" after \"ByteLevel\" is not supported", type));
  }
  if (type == "ByteLevel") return AddByteLevel(json);
  if (type == "Split") return AddSplit(json);
  if (type == "Metaspace") return AddMetaspace(json);
  if (type == "Digits") {
    ARENA_ASSIGN_OR_RETURN(const bool individual,
                           BoolOr(json, "individual_digits", false, kPreTokenizer));
    steps_.emplace_back(Digits{individual});
    return {};
  }
  return InvalidInput(fmt::format("pre_tokenizer \"{}\" is not supported", type));
}

Status PreTokenizer::AddByteLevel(const Json& json) {
  ByteLevel step;
  ARENA_ASSIGN_OR_RETURN(step.add_prefix_space,
                         BoolOr(json, "add_prefix_space", true, kPreTokenizer));
  ARENA_ASSIGN_OR_RETURN(const bool use_regex, BoolOr(json, "use_regex", true, kPreTokenizer));
  if (use_regex) {
    ARENA_ASSIGN_OR_RETURN(step.pattern, SplitPattern::Compile(kGpt2Pattern));
  }
  steps_.emplace_back(std::move(step));
  byte_level_ = true;
  return {};
}

Status PreTokenizer::AddSplit(const Json& json) {
  SplitStep step;
  ARENA_ASSIGN_OR_RETURN(const std::string behavior,
                         RequiredString(json, "behavior", kPreTokenizer));
  ARENA_ASSIGN_OR_RETURN(step.behavior, ParseBehavior(behavior));
  ARENA_ASSIGN_OR_RETURN(step.invert, BoolOr(json, "invert", false, kPreTokenizer));
  const auto pattern = json.find("pattern");
  if (pattern == json.end()) return InvalidInput("pre_tokenizer \"Split\" has no pattern");
  ARENA_ASSIGN_OR_RETURN(const auto regex, OptionalString(*pattern, "Regex", kPreTokenizer));
  if (regex) {
    auto compiled = SplitPattern::Compile(*regex);
    if (!compiled.ok()) {
      return InvalidInput(fmt::format("the pattern {} of pre_tokenizer \"Split\": {}", *regex,
                                      compiled.error().message));
    }
    step.pattern = *std::move(compiled);
    step.source = *regex;
  } else {
    ARENA_ASSIGN_OR_RETURN(step.literal, RequiredString(*pattern, "String", kPreTokenizer));
  }
  steps_.emplace_back(std::move(step));
  return {};
}

Status PreTokenizer::AddMetaspace(const Json& json) {
  Metaspace step;
  ARENA_ASSIGN_OR_RETURN(step.replacement, RequiredString(json, "replacement", kPreTokenizer));
  if (step.replacement.empty())
    return InvalidInput("pre_tokenizer \"Metaspace\" replaces by nothing");
  ARENA_ASSIGN_OR_RETURN(step.split, BoolOr(json, "split", true, kPreTokenizer));
  ARENA_ASSIGN_OR_RETURN(const bool add_prefix,
                         BoolOr(json, "add_prefix_space", true, kPreTokenizer));
  ARENA_ASSIGN_OR_RETURN(const auto scheme, OptionalString(json, "prepend_scheme", kPreTokenizer));
  step.scheme = add_prefix ? Scheme::kAlways : Scheme::kNever;
  if (scheme == "first") {
    step.scheme = Scheme::kFirst;
  } else if (scheme == "never") {
    step.scheme = Scheme::kNever;
  } else if (scheme == "always") {
    step.scheme = Scheme::kAlways;
  } else if (scheme) {
    return InvalidInput(fmt::format("prepend_scheme \"{}\" is unknown", *scheme));
  }
  steps_.emplace_back(std::move(step));
  return {};
}

bool PreTokenizer::adds_space() const {
  return std::any_of(steps_.begin(), steps_.end(), [](const Step& step) {
    if (const auto* metaspace = std::get_if<Metaspace>(&step)) {
      return metaspace->scheme != Scheme::kNever;
    }
    const auto* byte_level = std::get_if<ByteLevel>(&step);
    return byte_level != nullptr && byte_level->add_prefix_space;
  });
}

std::string PreTokenizer::GgufName() const {
  if (!byte_level_) return "";
  const bool gpt2 = std::get<ByteLevel>(steps_.back()).pattern.has_value();
  if (steps_.size() == 1) return gpt2 ? "gpt-2" : "";
  if (steps_.size() != 2) return "";
  if (const auto* digits = std::get_if<Digits>(&steps_.front())) {
    return digits->individual && gpt2 ? "smollm" : "";
  }
  const auto* split = std::get_if<SplitStep>(&steps_.front());
  if (split == nullptr || gpt2) return "";
  // A pattern that covers all text gives the same pieces under each of these.
  const bool pieces_are_matches = split->behavior == SplitBehavior::kIsolated ||
                                  (split->behavior == SplitBehavior::kRemoved && split->invert);
  for (const NamedPattern& named : kNamedPatterns) {
    if (pieces_are_matches && split->source == named.pattern) return std::string(named.name);
  }
  return "";
}

PieceList PreTokenizer::Split(std::string text, bool at_start) const {
  PieceList list{std::move(text), {}};
  if (!list.text.empty()) list.pieces.push_back({0, list.text.size()});
  for (const Step& step : steps_) Apply(step, at_start, list);
  return list;
}

void PreTokenizer::Apply(const Step& step, bool at_start, PieceList& list) {
  if (const auto* split = std::get_if<SplitStep>(&step)) {
    ApplySplit(*split, list);
  } else if (const auto* digits = std::get_if<Digits>(&step)) {
    SplitDigits(digits->individual, list);
  } else if (const auto* metaspace = std::get_if<Metaspace>(&step)) {
    ApplyMetaspace(*metaspace, at_start, list);
  } else {
    ApplyByteLevel(std::get<ByteLevel>(step), list);
  }
}

void PreTokenizer::ApplyByteLevel(const ByteLevel& step, PieceList& list) {
  const auto prefix = [](std::string_view piece, std::size_t, std::string& out) {
    if (!piece.starts_with(' ')) out += ' ';
    out += piece;
  };
  if (step.add_prefix_space) RewritePieces(prefix, list);
  if (step.pattern) SplitByPattern(*step.pattern, SplitBehavior::kIsolated, false, list);
}

void PreTokenizer::ApplySplit(const SplitStep& step, PieceList& list) {
  if (step.pattern) {
    SplitByPattern(*step.pattern, step.behavior, step.invert, list);
  } else {
    SplitByText(step.literal, step.behavior, step.invert, list);
  }
}

void PreTokenizer::ApplyMetaspace(const Metaspace& step, bool at_start, PieceList& list) {
  const std::string& replacement = step.replacement;
  const auto rewrite = [&](std::string_view piece, std::size_t begin, std::string& out) {
    const bool starts_with_space = piece.starts_with(' ') || piece.starts_with(replacement);
    const bool wanted =
        step.scheme == Scheme::kAlways || (step.scheme == Scheme::kFirst && at_start && begin == 0);
    if (wanted && !starts_with_space) out += replacement;
    for (const char c : piece) {
      if (c == ' ') {
        out += replacement;
      } else {
        out += c;
      }
    }
  };
  RewritePieces(rewrite, list);
  if (step.split) SplitByText(replacement, SplitBehavior::kMergedWithNext, false, list);
}

}  // namespace arena
