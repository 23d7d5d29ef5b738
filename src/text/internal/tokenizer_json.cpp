#include "text/internal/tokenizer_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "text/internal/bpe_tokenizer.h"
#include "text/internal/json_fields.h"

namespace arena {
namespace {

namespace dom = simdjson::dom;

/// A small part of the file; null where it is absent.
Result<Json> PartOf(const dom::object& object, std::string_view key) {
  dom::element element;
  if (object[key].get(element) != simdjson::SUCCESS) return Json();
  return ParseJson(simdjson::minify(element));
}

Result<dom::object> ObjectIn(const dom::object& object, std::string_view key) {
  dom::object found;
  if (object[key].get(found) == simdjson::SUCCESS) return found;
  return InvalidInput(fmt::format("has no object \"{}\"", key));
}

/// Puts a token to its id in a table that grows.
Status PlaceToken(std::string_view token, TokenId id, std::vector<std::string>& tokens) {
  if (token.empty()) return InvalidInput(fmt::format("the token of id {} is empty", id));
  const auto index = static_cast<std::size_t>(id);
  if (index >= tokens.size()) tokens.resize(index + 1);
  if (!tokens[index].empty()) {
    return InvalidInput(
        fmt::format("\"{}\" and \"{}\" have the same id {}", tokens[index], token, id));
  }
  tokens[index] = token;
  return {};
}

Status ReadVocabulary(const dom::object& model, BpeSpec& spec) {
  ARENA_ASSIGN_OR_RETURN(const dom::object vocabulary, ObjectIn(model, "vocab"));
  std::size_t count = 0;
  for ([[maybe_unused]] const dom::key_value_pair& entry : vocabulary) ++count;
  spec.tokens.reserve(count);
  const TokenId largest = LargestId(count);
  for (const dom::key_value_pair& entry : vocabulary) {
    std::int64_t id = -1;
    if (entry.value.get(id) != simdjson::SUCCESS || id < 0 || id > largest) {
      return InvalidInput(fmt::format(
          "the id of \"{}\" in \"vocab\" is not an integer from 0 to {}", entry.key, largest));
    }
    ARENA_RETURN_IF_ERROR(PlaceToken(entry.key, static_cast<TokenId>(id), spec.tokens));
  }
  return {};
}

/// "left right", or ["left", "right"].
Status ReadMerge(dom::element element, std::size_t rank, BpeSpec& spec) {
  std::string_view left, right;
  std::string_view text;
  dom::array pair;
  if (element.get(text) == simdjson::SUCCESS) {
    const std::size_t space = text.find(' ');
    if (space != std::string_view::npos && text.find(' ', space + 1) == std::string_view::npos) {
      left = text.substr(0, space);
      right = text.substr(space + 1);
    }
  } else if (element.get(pair) == simdjson::SUCCESS && pair.size() == 2) {
    if (pair.at(0).get(left) != simdjson::SUCCESS || pair.at(1).get(right) != simdjson::SUCCESS) {
      left = right = {};
    }
  }
  if (left.empty() || right.empty()) {
    return InvalidInput(fmt::format("merge {} is not two tokens", rank));
  }
  spec.merges.emplace_back(left, right);
  return {};
}

Status ReadMerges(const dom::object& model, BpeSpec& spec) {
  dom::array merges;
  if (model["merges"].get(merges) != simdjson::SUCCESS) {
    return InvalidInput("has no array \"merges\"");
  }
  for (const dom::element element : merges) {
    ARENA_RETURN_IF_ERROR(ReadMerge(element, spec.merges.size(), spec));
  }
  return {};
}

Status ReadModelOptions(const dom::object& model, BpeSpec& spec) {
  Json options = Json::object();
  for (const dom::key_value_pair& entry : model) {
    if (entry.key == "vocab" || entry.key == "merges") continue;
    ARENA_ASSIGN_OR_RETURN(options[std::string(entry.key)],
                           ParseJson(simdjson::minify(entry.value)));
  }
  constexpr std::string_view kWhat = "the model";
  ARENA_ASSIGN_OR_RETURN(const auto type, OptionalString(options, "type", kWhat));
  if (type && *type != "BPE") {
    return InvalidInput(fmt::format("model \"{}\" is not supported", *type));
  }
  for (const std::string key : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    ARENA_ASSIGN_OR_RETURN(const auto text, OptionalString(options, key, kWhat));
    if (text && !text->empty()) {
      return InvalidInput(fmt::format("\"{}\" of the model is not supported", key));
    }
  }
  const auto dropout = options.find("dropout");
  if (dropout != options.end() && !dropout->is_null() && *dropout != 0) {
    return InvalidInput("\"dropout\" of the model is not supported");
  }
  ARENA_ASSIGN_OR_RETURN(spec.unk_token, OptionalString(options, "unk_token", kWhat));
  ARENA_ASSIGN_OR_RETURN(spec.byte_fallback, BoolOr(options, "byte_fallback", false, kWhat));
  ARENA_ASSIGN_OR_RETURN(spec.fuse_unk, BoolOr(options, "fuse_unk", false, kWhat));
  ARENA_ASSIGN_OR_RETURN(spec.ignore_merges, BoolOr(options, "ignore_merges", false, kWhat));
  return {};
}

Result<std::vector<AddedToken>> ReadAddedTokens(const dom::object& root, const TokenNames& names) {
  std::vector<AddedToken> added;
  ARENA_ASSIGN_OR_RETURN(const Json listed, PartOf(root, "added_tokens"));
  if (!listed.is_null() && !listed.is_array()) {
    return InvalidInput("\"added_tokens\" is not an array");
  }
  std::unordered_map<std::string, bool> known;
  for (const Json& object : listed) {
    if (!object.is_object() || !object.contains("id") || !object["id"].is_number_unsigned()) {
      return InvalidInput("an added token has no id");
    }
    const auto id = object["id"].get<std::uint64_t>();
    if (id > (std::uint64_t{1} << 24)) return InvalidInput("the id of an added token is too large");
    ARENA_ASSIGN_OR_RETURN(AddedToken token, ParseAddedToken(object, static_cast<TokenId>(id)));
    if (known.emplace(token.content, true).second) added.push_back(std::move(token));
  }
  for (const AddedToken& token : names.added) {
    if (known.emplace(token.content, true).second) added.push_back(token);
  }
  return added;
}

/// Added tokens have the id that the vocabulary gives them, and no other token's.
Status CheckAddedTokens(const std::vector<AddedToken>& added, const BpeSpec& spec) {
  const TokenId largest = LargestId(spec.tokens.size() + added.size());
  std::unordered_map<std::string_view, TokenId> ids;
  for (std::size_t i = 0; i < spec.tokens.size(); ++i) {
    if (!spec.tokens[i].empty()) ids.emplace(spec.tokens[i], static_cast<TokenId>(i));
  }
  std::unordered_map<TokenId, std::string_view> taken;
  for (const AddedToken& token : added) {
    const auto index = static_cast<std::size_t>(token.id);
    if (token.id > largest) {
      return InvalidInput(fmt::format("added token \"{}\" has the id {}, beyond {}", token.content,
                                      token.id, largest));
    }
    const auto in_vocabulary = ids.find(token.content);
    if (in_vocabulary != ids.end() && in_vocabulary->second != token.id) {
      return InvalidInput(fmt::format("added token \"{}\" has id {}, and {} in the vocabulary",
                                      token.content, token.id, in_vocabulary->second));
    }
    const bool other_in_vocabulary = index < spec.tokens.size() && !spec.tokens[index].empty() &&
                                     spec.tokens[index] != token.content;
    if (other_in_vocabulary || !taken.emplace(token.id, token.content).second) {
      return InvalidInput(fmt::format("added token \"{}\" has the id {} of another token",
                                      token.content, token.id));
    }
  }
  return {};
}

/// The special tokens that a TemplateProcessing puts before and after a single text.
struct Surroundings {
  std::optional<std::string> before, after;
  bool known = false;  ///< whether there is a template
};

Status ReadTemplate(const Json& json, Surroundings& found) {
  constexpr std::string_view kWhat = "the post_processor";
  ARENA_ASSIGN_OR_RETURN(const Json* parts, RequiredArray(json, "single", kWhat));
  bool text_seen = false;
  for (const Json& part : *parts) {
    const bool special = part.is_object() && part.contains("SpecialToken");
    if (!special) {
      text_seen = true;
      continue;
    }
    ARENA_ASSIGN_OR_RETURN(std::string name, RequiredString(part["SpecialToken"], "id", kWhat));
    std::optional<std::string>& place = text_seen ? found.after : found.before;
    if (!place) place = std::move(name);
  }
  found.known = true;
  return {};
}

Status ReadPostProcessor(const Json& json, Surroundings& found) {
  if (json.is_null()) return {};
  constexpr std::string_view kWhat = "the post_processor";
  ARENA_ASSIGN_OR_RETURN(const std::string type, ComponentType(json, kWhat));
  if (type == "ByteLevel") return {};
  if (type == "TemplateProcessing") return ReadTemplate(json, found);
  if (type == "Sequence") {
    ARENA_ASSIGN_OR_RETURN(const Json* parts, RequiredArray(json, "processors", kWhat));
    for (const Json& part : *parts) ARENA_RETURN_IF_ERROR(ReadPostProcessor(part, found));
    return {};
  }
  return InvalidInput(fmt::format("post_processor \"{}\" is not supported", type));
}

Result<std::optional<TokenId>> IdOf(const BpeParts& parts, const std::optional<std::string>& name,
                                    std::string_view what) {
  if (!name) return std::optional<TokenId>();
  for (const AddedToken& token : parts.added) {
    if (token.content == *name) return std::optional(token.id);
  }
  const auto id = parts.model->Find(*name);
  if (id) return id;
  return InvalidInput(fmt::format("{} \"{}\" is not in the vocabulary", what, *name));
}

Status ResolveNames(const Json& post_processor, const TokenNames& names, BpeParts& parts) {
  Surroundings around;
  ARENA_RETURN_IF_ERROR(ReadPostProcessor(post_processor, around));
  const auto& bos = names.bos ? names.bos : around.before;
  const auto& eos = names.eos ? names.eos : around.after;
  ARENA_ASSIGN_OR_RETURN(parts.bos_id, IdOf(parts, bos, "bos_token"));
  ARENA_ASSIGN_OR_RETURN(parts.eos_id, IdOf(parts, eos, "eos_token"));
  ARENA_ASSIGN_OR_RETURN(parts.unk_id, IdOf(parts, names.unk, "unk_token"));
  if (!parts.unk_id) parts.unk_id = parts.model->unk_id();
  parts.add_bos = around.known ? around.before && around.before == bos
                               : parts.bos_id && names.add_bos.value_or(false);
  parts.add_eos = around.known ? around.after && around.after == eos
                               : parts.eos_id && names.add_eos.value_or(false);
  return {};
}

Result<BpeParts> ReadParts(const dom::object& root, const TokenNames& names) {
  BpeParts parts;
  ARENA_ASSIGN_OR_RETURN(const Json normalizer, PartOf(root, "normalizer"));
  ARENA_ASSIGN_OR_RETURN(parts.normalizer, Normalizer::Parse(normalizer));
  ARENA_ASSIGN_OR_RETURN(const Json pre_tokenizer, PartOf(root, "pre_tokenizer"));
  ARENA_ASSIGN_OR_RETURN(parts.pre_tokenizer, PreTokenizer::Parse(pre_tokenizer));
  ARENA_ASSIGN_OR_RETURN(const Json decoder, PartOf(root, "decoder"));
  ARENA_ASSIGN_OR_RETURN(parts.decoder, TokenDecoder::Parse(decoder));

  ARENA_ASSIGN_OR_RETURN(const dom::object model, ObjectIn(root, "model"));
  BpeSpec spec;
  spec.byte_level = parts.pre_tokenizer.byte_level();
  ARENA_RETURN_IF_ERROR(ReadModelOptions(model, spec));
  ARENA_RETURN_IF_ERROR(ReadVocabulary(model, spec));
  ARENA_RETURN_IF_ERROR(ReadMerges(model, spec));
  ARENA_ASSIGN_OR_RETURN(parts.added, ReadAddedTokens(root, names));
  ARENA_RETURN_IF_ERROR(CheckAddedTokens(parts.added, spec));
  spec.special.resize(spec.tokens.size());
  for (const AddedToken& token : parts.added) {
    const auto index = static_cast<std::size_t>(token.id);
    if (token.special && index < spec.special.size()) spec.special[index] = true;
  }
  ARENA_ASSIGN_OR_RETURN(parts.model, BpeModel::Make(std::move(spec)));

  ARENA_ASSIGN_OR_RETURN(const Json post_processor, PartOf(root, "post_processor"));
  ARENA_RETURN_IF_ERROR(ResolveNames(post_processor, names, parts));
  return parts;
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakeTokenizerFromJson(std::string_view content,
                                                         const TokenNames& names) {
  dom::parser parser;
  dom::element document;
  const simdjson::padded_string padded(content);
  if (const auto error = parser.parse(padded).get(document); error != simdjson::SUCCESS) {
    return InvalidInput(fmt::format("not valid JSON: {}", simdjson::error_message(error)));
  }
  dom::object root;
  if (document.get(root) != simdjson::SUCCESS) return InvalidInput("is not a JSON object");
  ARENA_ASSIGN_OR_RETURN(BpeParts parts, ReadParts(root, names));
  return std::unique_ptr<Tokenizer>(std::make_unique<BpeTokenizer>(std::move(parts)));
}

}  // namespace arena
