#include "rating/internal/connectivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace arena::rating_internal {
namespace {

constexpr std::uint32_t kUnseen = 0xFFFFFFFFU;
constexpr std::size_t kMaxNames = 5;
constexpr std::size_t kMaxWarnings = 5;

using Edges = std::vector<std::vector<std::uint32_t>>;

// Numbers everything reachable from `start` along `edges` and appends it in order of finishing.
void Visit(const Edges& edges, std::uint32_t start, std::uint32_t label,
           std::vector<std::uint32_t>& labels, std::vector<std::uint32_t>& finished) {
  std::vector<std::pair<std::uint32_t, std::size_t>> stack{{start, 0}};
  labels[start] = label;
  while (!stack.empty()) {
    auto& [node, next] = stack.back();
    if (next == edges[node].size()) {
      finished.push_back(node);
      stack.pop_back();
      continue;
    }
    const std::uint32_t to = edges[node][next++];
    if (labels[to] != kUnseen) continue;
    labels[to] = label;
    stack.emplace_back(to, 0);
  }
}

// Labels in the order given; each unlabelled start opens the next label.
std::uint32_t Label(const Edges& edges, const std::vector<std::uint32_t>& starts,
                    std::vector<std::uint32_t>& labels, std::vector<std::uint32_t>& finished) {
  labels.assign(edges.size(), kUnseen);
  finished.clear();
  std::uint32_t count = 0;
  for (const std::uint32_t start : starts) {
    if (labels[start] == kUnseen) Visit(edges, start, count++, labels, finished);
  }
  return count;
}

std::string Names(const Canonical& canonical, const std::vector<std::uint32_t>& members) {
  std::string text;
  for (std::size_t i = 0; i < std::min(members.size(), kMaxNames); ++i) {
    text += fmt::format("{}{}", i == 0 ? "" : ", ", canonical.names[members[i]]);
  }
  if (members.size() > kMaxNames) text += fmt::format(" and {} more", members.size() - kMaxNames);
  return text;
}

using Groups = std::map<std::uint32_t, std::vector<std::uint32_t>>;

Groups GroupBy(const std::vector<std::uint32_t>& labels) {
  Groups groups;
  for (std::uint32_t i = 0; i < labels.size(); ++i) groups[labels[i]].push_back(i);
  return groups;
}

std::string ComponentsWarning(const Canonical& canonical, const Connectivity& connectivity) {
  std::string text = fmt::format(
      "the contestants form {} groups that never met, so ratings of different groups cannot be "
      "compared (each group's mean is the same):",
      connectivity.components);
  std::size_t shown = 0;
  for (const auto& [label, members] : GroupBy(connectivity.component)) {
    if (++shown > kMaxNames) {
      text += " ...";
      break;
    }
    text += fmt::format(" [{}]", Names(canonical, members));
  }
  return text;
}

// How much the group took from contestants outside it, and gave to them.
struct Exchange {
  double taken = 0;
  double given = 0;
};

std::map<std::uint32_t, Exchange> Exchanges(const Canonical& canonical,
                                            const std::vector<std::uint32_t>& strong) {
  std::map<std::uint32_t, Exchange> exchanges;
  for (const UniqueRow& row : canonical.rows) {
    if (strong[row.a] == strong[row.b]) continue;
    const double weight = row.weight * row.count;
    exchanges[strong[row.a]].taken += weight * row.share;
    exchanges[strong[row.a]].given += weight * (1 - row.share);
    exchanges[strong[row.b]].taken += weight * (1 - row.share);
    exchanges[strong[row.b]].given += weight * row.share;
  }
  return exchanges;
}

std::string SeparationWarning(const std::string& names, bool several, bool won) {
  return fmt::format(
      "{} {} every battle{}: only the ridge keeps the rating finite, and how far {} is not known",
      names, won ? "won" : "lost", several ? " with the others" : "",
      won ? "above the others" : "below the others");
}

}  // namespace

Connectivity FindConnectivity(const Canonical& canonical) {
  const std::size_t n = canonical.size();
  Edges took(n);  // i -> those it took a share from
  Edges gave(n);
  Edges met(n);
  const auto link = [&](std::uint32_t winner, std::uint32_t loser) {
    if (!took[winner].empty() && took[winner].back() == loser) return;
    took[winner].push_back(loser);
    gave[loser].push_back(winner);
  };
  std::vector<double> won(n, 0);
  std::vector<double> lost(n, 0);
  for (const UniqueRow& row : canonical.rows) {
    if (met[row.a].empty() || met[row.a].back() != row.b) {
      met[row.a].push_back(row.b);
      met[row.b].push_back(row.a);
    }
    if (row.share > 0) link(row.a, row.b);
    if (row.share < 1) link(row.b, row.a);
    won[row.a] += row.share;
    won[row.b] += 1 - row.share;
    lost[row.a] += 1 - row.share;
    lost[row.b] += row.share;
  }
  Connectivity connectivity;
  std::vector<std::uint32_t> order(n);
  for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
  std::vector<std::uint32_t> finished;
  connectivity.components = Label(met, order, connectivity.component, finished);
  // Kosaraju: reversed order of finishing, then the reversed graph.
  Label(took, order, connectivity.strong, finished);
  const std::vector<std::uint32_t> reversed(finished.rbegin(), finished.rend());
  connectivity.strong_components = Label(gave, reversed, connectivity.strong, finished);
  for (std::size_t i = 0; i < n; ++i) {
    connectivity.one_sided.push_back(won[i] == 0 || lost[i] == 0);
  }
  return connectivity;
}

std::vector<std::string> ConnectivityWarnings(const Canonical& canonical,
                                              const Connectivity& connectivity) {
  std::vector<std::string> warnings;
  if (connectivity.components > 1) {
    warnings.push_back(ComponentsWarning(canonical, connectivity));
  }
  if (connectivity.strong_components == connectivity.components) return warnings;
  const auto exchanges = Exchanges(canonical, connectivity.strong);
  std::vector<std::string> separated;
  // In the order of the groups' first contestants, which the labels' numbers are not.
  for (std::uint32_t i = 0; i < canonical.size(); ++i) {
    const std::vector<std::uint32_t>& strong = connectivity.strong;
    if (std::find(strong.begin(), strong.begin() + i, strong[i]) != strong.begin() + i) continue;
    std::vector<std::uint32_t> members;
    for (std::uint32_t j = i; j < canonical.size(); ++j) {
      if (strong[j] == strong[i]) members.push_back(j);
    }
    const auto exchange = exchanges.find(strong[i]);
    if (exchange == exchanges.end()) continue;
    const bool unbeaten = exchange->second.given == 0;
    if (!unbeaten && exchange->second.taken > 0) continue;
    separated.push_back(SeparationWarning(Names(canonical, members), members.size() > 1, unbeaten));
  }
  if (separated.size() > kMaxWarnings) {
    const std::size_t more = separated.size() - kMaxWarnings;
    separated.resize(kMaxWarnings);
    separated.push_back(fmt::format("{} more groups won or lost every battle", more));
  }
  warnings.insert(warnings.end(), separated.begin(), separated.end());
  return warnings;
}

}  // namespace arena::rating_internal
