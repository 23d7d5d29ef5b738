// How long ratings take, at the sizes of a public arena: 100 contestants, up to a million battles.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/rng.h"
#include "rating/dataset.h"
#include "rating/rate.h"

namespace {

using arena::BattleRecord;
using arena::Clustering;
using arena::Dataset;
using arena::DatasetOptions;
using arena::IntervalMethod;
using arena::RatingOptions;
using arena::Rng;

constexpr std::uint64_t kContestants = 100;
constexpr std::uint64_t kBattlesPerInstruction = 20;

struct Vote {
  std::uint32_t a;
  std::uint32_t b;
  double share_a;
  arena::StyleCounts style_a;
  arena::StyleCounts style_b;
};

arena::StyleCounts DrawStyle(Rng& rng) {
  return {static_cast<double>(20 + rng.Below(800)), static_cast<double>(rng.Below(6)),
          static_cast<double>(rng.Below(20)), static_cast<double>(rng.Below(15))};
}

std::vector<Vote> DrawVotes(std::size_t count) {
  Rng rng(7);
  std::vector<double> skill(kContestants);
  for (double& s : skill) s = 3 * rng.Uniform() - 1.5;
  std::vector<Vote> votes;
  votes.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    Vote vote;
    vote.a = static_cast<std::uint32_t>(rng.Below(kContestants));
    vote.b = static_cast<std::uint32_t>(rng.Below(kContestants - 1));
    if (vote.b >= vote.a) ++vote.b;
    vote.style_a = DrawStyle(rng);
    vote.style_b = DrawStyle(rng);
    const double longer = (vote.style_a.tokens - vote.style_b.tokens) / 800;
    const double wins = 1 / (1 + std::exp(skill[vote.b] - skill[vote.a] - longer));
    vote.share_a = rng.Uniform() < 0.15 ? 0.5 : (rng.Uniform() < wins ? 1.0 : 0.0);
    votes.push_back(vote);
  }
  return votes;
}

Dataset Fill(const std::vector<Vote>& votes, const DatasetOptions& options) {
  std::vector<std::string> names;
  for (std::uint64_t i = 0; i < kContestants; ++i) names.push_back(fmt::format("model-{:03}", i));
  std::vector<std::string> instructions;
  for (std::size_t i = 0; options.keep_clusters && i <= votes.size() / kBattlesPerInstruction;
       ++i) {
    instructions.push_back(fmt::format("instruction number {}", i));
  }
  Dataset data(options);
  BattleRecord battle;
  for (std::size_t i = 0; i < votes.size(); ++i) {
    const Vote& vote = votes[i];
    battle.model_a = names[vote.a];
    battle.model_b = names[vote.b];
    battle.games[0].share_a = vote.share_a;
    if (options.keep_clusters) battle.instruction = instructions[i / kBattlesPerInstruction];
    if (options.keep_style) {
      battle.style_a = vote.style_a;
      battle.style_b = vote.style_b;
    }
    if (!data.Add(battle).ok()) std::abort();
  }
  return data;
}

DatasetOptions Votes(bool clusters, bool style) {
  DatasetOptions options;
  options.outcome.policy = arena::OutcomePolicy::kDisagreeTie;
  options.keep_clusters = clusters;
  options.keep_style = style;
  return options;
}

void RateOrAbort(const Dataset& data, const RatingOptions& options) {
  auto board = arena::Rate(data, options);
  if (!board.ok()) std::abort();
  benchmark::DoNotOptimize(board);
}

void AddMillionBattles(benchmark::State& state) {
  const std::vector<Vote> votes = DrawVotes(1'000'000);
  for (auto _ : state) benchmark::DoNotOptimize(Fill(votes, Votes(state.range(0) != 0, false)));
}
BENCHMARK(AddMillionBattles)->ArgName("clusters")->Arg(0)->Arg(1)->Unit(benchmark::kMillisecond);

void BootstrapMillionBattles(benchmark::State& state) {
  const bool clusters = state.range(0) != 0;
  const Dataset data = Fill(DrawVotes(1'000'000), Votes(clusters, false));
  RatingOptions options;
  options.interval = IntervalMethod::kBootstrap;
  options.clustering = clusters ? Clustering::kInstruction : Clustering::kNone;
  for (auto _ : state) RateOrAbort(data, options);
}
BENCHMARK(BootstrapMillionBattles)
    ->ArgName("clusters")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

void SandwichMillionBattles(benchmark::State& state) {
  const bool clusters = state.range(0) != 0;
  const Dataset data = Fill(DrawVotes(1'000'000), Votes(clusters, false));
  RatingOptions options;
  options.clustering = clusters ? Clustering::kInstruction : Clustering::kNone;
  for (auto _ : state) RateOrAbort(data, options);
}
BENCHMARK(SandwichMillionBattles)
    ->ArgName("clusters")
    ->Arg(0)
    ->Arg(1)
    ->Unit(benchmark::kMillisecond);

void StyleBootstrap(benchmark::State& state) {
  const Dataset data = Fill(DrawVotes(100'000), Votes(false, true));
  RatingOptions options;
  options.interval = IntervalMethod::kBootstrap;
  options.clustering = Clustering::kNone;
  options.bootstrap_rounds = static_cast<int>(state.range(0));
  options.style.enabled = true;
  for (auto _ : state) RateOrAbort(data, options);
}
BENCHMARK(StyleBootstrap)->ArgName("rounds")->Arg(20)->Unit(benchmark::kMillisecond)->UseRealTime();

}  // namespace
