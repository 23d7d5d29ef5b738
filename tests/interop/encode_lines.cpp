// Encodes texts for the interop test, in the form that the peers' script reads and writes.
//
//   encode_lines DIRECTORY TEXTS.json plain|special   prints one JSON array of ids a line
//   encode_lines DIRECTORY TEXTS.json speed           prints the median seconds of five passes
//
// TEXTS.json is an array of strings. `special`: the whole text counts as written by a template.
// Ends with 1 where decoding the ids of a plain text does not give the text back (--lossy:
// allowed).
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "text/tokenizer.h"

namespace {

using arena::TokenId;
using arena::Tokenizer;

int Fail(std::string_view message) {
  fmt::print(stderr, "encode_lines: {}\n", message);
  return 1;
}

double MedianSeconds(const Tokenizer& tokenizer, const std::vector<std::string>& texts) {
  std::vector<double> seconds;
  std::size_t tokens = 0;
  for (int pass = 0; pass < 5; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& text : texts) tokens += tokenizer.Encode(text).size();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
    seconds.push_back(taken.count());
  }
  std::sort(seconds.begin(), seconds.end());
  return tokens == 0 ? 0 : seconds[seconds.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4)
    return Fail("usage: encode_lines DIRECTORY TEXTS.json plain|special|speed [--lossy]");
  const std::string_view mode = argv[3];
  const bool lossy = argc > 4 && std::string_view(argv[4]) == "--lossy";
  const auto tokenizer = arena::LoadTokenizer(argv[1]);
  if (!tokenizer.ok()) return Fail(tokenizer.error().message);
  const auto content = arena::ReadFile(argv[2]);
  if (!content.ok()) return Fail(content.error().message);
  const auto json = arena::ParseJson(*content);
  if (!json.ok()) return Fail(json.error().message);
  const auto texts = json->get<std::vector<std::string>>();
  if (mode == "speed") {
    fmt::print("{}\n", MedianSeconds(**tokenizer, texts));
    return 0;
  }
  int lost = 0;
  for (const std::string& text : texts) {
    std::vector<TokenId> ids;
    if (mode == "special") {
      ids = (*tokenizer)->EncodePrompt({text, {{0, text.size()}}});
    } else {
      ids = (*tokenizer)->Encode(text);
      if (!lossy && (*tokenizer)->Decode(ids, false) != text) ++lost;
    }
    fmt::print("[{}]\n", fmt::join(ids, ","));
  }
  return lost == 0 ? 0 : Fail(fmt::format("{} texts do not come back from their ids", lost));
}
