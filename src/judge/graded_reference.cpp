#include "judge/graded_reference.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <unordered_set>

namespace arena {
namespace {

Result<GradedAnswer> ReadLine(std::string_view line, std::size_t number) {
  const std::size_t tab = line.find('\t');
  if (tab == std::string_view::npos || tab + 1 == line.size()) {
    return InvalidInput(
        fmt::format("line {} of the graded reference is not WORTH<tab>ANSWER; here it says \"{}\"",
                    number, line));
  }
  GradedAnswer answer{0, std::string(line.substr(tab + 1))};
  const auto [end, error] = std::from_chars(line.data(), line.data() + tab, answer.worth);
  const bool is_number = error == std::errc() && end == line.data() + tab;
  if (!is_number || !(answer.worth >= 1 && answer.worth <= 10)) {
    return InvalidInput(fmt::format(
        "the worth in line {} of the graded reference is \"{}\" and not a number from 1 to 10",
        number, line.substr(0, tab)));
  }
  return answer;
}

}  // namespace

Result<std::vector<GradedAnswer>> ReadGradedReference(std::string_view reference) {
  if (reference.find('\t') == std::string_view::npos) {
    return std::vector<GradedAnswer>{{10, std::string(reference)}};
  }
  std::vector<GradedAnswer> answers;
  std::unordered_set<std::string> texts;
  for (std::size_t begin = 0; begin < reference.size();) {
    const std::size_t end = std::min(reference.find('\n', begin), reference.size());
    ARENA_ASSIGN_OR_RETURN(GradedAnswer answer,
                           ReadLine(reference.substr(begin, end - begin), answers.size() + 1));
    begin = end + 1;
    if (!texts.insert(answer.text).second) {
      return InvalidInput(
          fmt::format("the graded reference has the answer \"{}\" twice", answer.text));
    }
    answers.push_back(std::move(answer));
  }
  std::stable_sort(answers.begin(), answers.end(),
                   [](const GradedAnswer& a, const GradedAnswer& b) { return a.worth > b.worth; });
  return answers;
}

}  // namespace arena
