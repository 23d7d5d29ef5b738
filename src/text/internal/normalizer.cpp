#include "text/internal/normalizer.h"

#include <fmt/format.h>
#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "text/internal/json_fields.h"
#include "text/internal/utf8.h"

namespace arena {
namespace {

constexpr std::string_view kNormalizer = "the normalizer";
// ICU counts in 32 bits; longer texts are normalised in parts, which begin at an ASCII character.
constexpr std::size_t kMaxRun = std::size_t{1} << 28;

template <typename... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <typename... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// The end of a part of [begin, end) that can be normalised by itself: no normalisation form joins
/// an ASCII character to what is before it.
std::size_t PartEnd(std::string_view text, std::size_t begin, std::size_t end) {
  if (end - begin <= kMaxRun) return end;
  std::size_t at = begin + kMaxRun;
  while (at < end && static_cast<unsigned char>(text[at]) >= 0x80) ++at;
  return at;
}

}  // namespace

Result<Normalizer> Normalizer::Parse(const Json& json) {
  Normalizer normalizer;
  if (json.is_null()) return normalizer;
  ARENA_RETURN_IF_ERROR(normalizer.Add(json));
  return normalizer;
}

Status Normalizer::Add(const Json& json) {
  ARENA_ASSIGN_OR_RETURN(const std::string type, ComponentType(json, kNormalizer));
  constexpr std::pair<std::string_view, Form> kForms[] = {
      {"NFC", Form::kNfc}, {"NFD", Form::kNfd}, {"NFKC", Form::kNfkc}, {"NFKD", Form::kNfkd}};
  for (const auto& [name, form] : kForms) {
    if (type != name) continue;
    steps_.emplace_back(form);
    return {};
  }
  if (type == "Sequence") {
    ARENA_ASSIGN_OR_RETURN(const Json* parts, RequiredArray(json, "normalizers", kNormalizer));
    for (const Json& part : *parts) ARENA_RETURN_IF_ERROR(Add(part));
    return {};
  }
  if (type == "Prepend") {
    ARENA_ASSIGN_OR_RETURN(std::string text, RequiredString(json, "prepend", kNormalizer));
    steps_.emplace_back(Prepend{std::move(text)});
    return {};
  }
  if (type == "Replace") return AddReplace(json);
  if (type == "Lowercase") {
    steps_.emplace_back(Lowercase{});
    return {};
  }
  if (type == "Strip") {
    ARENA_ASSIGN_OR_RETURN(const bool left, BoolOr(json, "strip_left", true, kNormalizer));
    ARENA_ASSIGN_OR_RETURN(const bool right, BoolOr(json, "strip_right", true, kNormalizer));
    steps_.emplace_back(Strip{left, right});
    return {};
  }
  return InvalidInput(fmt::format("normalizer \"{}\" is not supported", type));
}

Status Normalizer::AddReplace(const Json& json) {
  Replace step;
  ARENA_ASSIGN_OR_RETURN(step.content, RequiredString(json, "content", kNormalizer));
  const auto pattern = json.find("pattern");
  if (pattern == json.end()) return InvalidInput("normalizer \"Replace\" has no pattern");
  ARENA_ASSIGN_OR_RETURN(const auto regex, OptionalString(*pattern, "Regex", kNormalizer));
  if (regex) {
    auto compiled = SplitPattern::Compile(*regex);
    if (!compiled.ok()) {
      return InvalidInput(fmt::format("the pattern {} of normalizer \"Replace\": {}", *regex,
                                      compiled.error().message));
    }
    step.pattern = *std::move(compiled);
  } else {
    ARENA_ASSIGN_OR_RETURN(step.text, RequiredString(*pattern, "String", kNormalizer));
    if (step.text.empty()) return InvalidInput("normalizer \"Replace\" has an empty pattern");
  }
  steps_.emplace_back(std::move(step));
  return {};
}

std::string Normalizer::Apply(std::string_view text) const {
  std::string result(text);
  for (const Step& step : steps_) result = ApplyStep(step, std::move(result));
  return result;
}

std::string Normalizer::ApplyStep(const Step& step, std::string text) {
  return std::visit(
      Overloaded{[&](Form form) { return ApplyForm(form, std::move(text)); },
                 [&](const Prepend& prepend) { return text.empty() ? text : prepend.text + text; },
                 [&](const Replace& replace) { return ApplyReplace(replace, text); },
                 [&](Lowercase) { return ApplyLowercase(text); },
                 [&](const Strip& strip) { return ApplyStrip(strip, text); }},
      step);
}

std::string Normalizer::ApplyForm(Form form, std::string text) {
  if (IsAscii(text)) return text;
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = nullptr;
  if (form == Form::kNfc) normalizer = icu::Normalizer2::getNFCInstance(status);
  if (form == Form::kNfd) normalizer = icu::Normalizer2::getNFDInstance(status);
  if (form == Form::kNfkc) normalizer = icu::Normalizer2::getNFKCInstance(status);
  if (form == Form::kNfkd) normalizer = icu::Normalizer2::getNFKDInstance(status);
  if (U_FAILURE(status) != 0) return text;  // ICU's data are linked in: cannot be
  std::string result;
  result.reserve(text.size());
  ForEachUtf8Run(text, [&](std::size_t begin, std::size_t end, bool valid) {
    if (!valid) {
      result += text[begin];
      return;
    }
    while (begin < end) {
      const std::size_t part_end = PartEnd(text, begin, end);
      const icu::StringPiece part(text.data() + begin, static_cast<int>(part_end - begin));
      icu::StringByteSink<std::string> sink(&result);
      normalizer->normalizeUTF8(0, part, sink, nullptr, status);
      begin = part_end;
    }
  });
  return result;
}

std::string Normalizer::ApplyReplace(const Replace& step, const std::string& text) {
  std::string result;
  std::size_t done = 0;
  const auto replace = [&](std::size_t begin, std::size_t end) {
    result.append(text, done, begin - done);
    result += step.content;
    done = end;
  };
  if (step.pattern) {
    step.pattern->ForEachMatch(text, replace);
  } else {
    for (std::size_t at = text.find(step.text); at != std::string::npos;
         at = text.find(step.text, done)) {
      replace(at, at + step.text.size());
    }
  }
  return result.append(text, done);
}

std::string Normalizer::ApplyLowercase(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const Utf8Character c = CharacterAt(text, at);
    at += c.size;
    if (!c.valid) {
      result += text[at - 1];
    } else if (c.code_point == 0x130) {  // the only one whose lower case is two characters
      result += "i\u0307";
    } else {
      AppendUtf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(c.code_point))), result);
    }
  }
  return result;
}

std::string Normalizer::ApplyStrip(const Strip& step, std::string_view text) {
  while (step.left && !text.empty()) {
    const Utf8Character c = CharacterAt(text, 0);
    if (!IsWhiteSpace(c)) break;
    text.remove_prefix(c.size);
  }
  while (step.right && !text.empty()) {
    const Utf8Character c = CharacterBefore(text, text.size());
    if (!IsWhiteSpace(c)) break;
    text.remove_suffix(c.size);
  }
  return std::string(text);
}

}  // namespace arena
