// The speed of generation beside node-llama-cpp's on the same weights.
//
//   lm_bench [SHAPES] [BATCHES] [ROUNDS] [TOKENS]      for example: lm_bench mini,135m 1,16,64,256
//   3 16
//
// Makes a model of random weights in bfloat16 for each shape and its GGUF files (bf16, q8_0). Each
// round lets arena-lm (in float32 and in bfloat16, by one worker and by two) and node-llama-cpp (by
// one thread and by two) generate one after the other, sampling at temperature 1. It prints tokens
// per second, medians of the rounds, and the ratios of our best to the peer's better number of
// threads; for a batch of 1 our best is of one worker. llama.cpp rounds what it multiplies with
// weights of bfloat16 to bfloat16 too. The last column is the share of the limit that binds first:
// reading the weights once a step at the memory bandwidth that is measured, or two operations for
// each weight and token at the rate of multiply-adds that is measured, of bfloat16 where the
// processor has AVX512-BF16, else of float32 (two threads; one for a batch of 1). Tiles of AMX have
// another limit. Needs `npm ci --ignore-scripts --omit=optional` in tests/interop/llama-cpp for the
// peer; without it only our speed is printed.
#include <fmt/format.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/gguf.h"
#include "checkpoint/new_model.h"
#include "tests/integration/lm_process.h"
#include "tests/integration/program.h"

namespace {

using arena::Json;
using Rates = std::map<int, std::vector<double>>;  // by batch size, one for each round

constexpr int kVocabulary = 49152;

[[noreturn]] void Fail(const std::string& message) {
  fmt::print(stderr, "lm_bench: {}\n", message);
  std::exit(1);
}

std::vector<std::string> Split(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) parts.push_back(part);
  return parts;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Pieces without a meaning; only their number matters.
arena::GgufVocabulary Vocabulary(std::int64_t size) {
  arena::GgufVocabulary vocabulary;
  vocabulary.model = "llama";
  for (std::int64_t i = 0; i < size; ++i) {
    const bool is_byte = i >= 1 && i < 257;
    vocabulary.tokens.push_back(i == 0    ? "<unk>"
                                : is_byte ? fmt::format("<0x{:02X}>", i - 1)
                                          : fmt::format("t{}", i));
    vocabulary.scores.push_back(static_cast<float>(-i));
    vocabulary.kinds.push_back(i == 0    ? arena::GgufTokenKind::kUnknown
                               : is_byte ? arena::GgufTokenKind::kByte
                                         : arena::GgufTokenKind::kNormal);
  }
  vocabulary.unknown_id = 0;
  return vocabulary;
}

// Returns how many of its weights each token is multiplied with.
double MakeModel(const std::string& shape_name, const std::string& directory) {
  const auto shape = arena::ParseModelShape(shape_name);
  if (!shape.ok()) Fail(shape.error().message);
  const bool is_mini = *shape == arena::ModelShape::kMini;
  arena::ModelConfig config = arena::ShapeConfig(*shape, is_mini ? 257 : kVocabulary);
  config.dtype = arena::DType::kBf16;
  arena::Status status = arena::NewModel(config, 1, directory);
  if (!status.ok()) Fail(status.error().message);
  const auto checkpoint = arena::Checkpoint::Open(directory);
  if (!checkpoint.ok()) Fail(checkpoint.error().message);
  for (const arena::GgufType type : {arena::GgufType::kBf16, arena::GgufType::kQ80}) {
    status = arena::ExportGguf(*checkpoint, Vocabulary(config.vocab_size),
                               {.type = type, .name = "bench"},
                               fmt::format("{}/{}.gguf", directory, arena::GgufTypeName(type)));
    if (!status.ok()) Fail(status.error().message);
  }
  const auto weights = std::filesystem::file_size(directory + "/model.safetensors") / 2;
  const std::int64_t looked_up =
      config.tie_word_embeddings ? 0 : config.vocab_size * config.hidden_size;
  return static_cast<double>(weights) - static_cast<double>(looked_up);
}

// Runs `work` on so many threads at once and returns the seconds that it took; the best of five.
double SecondsOn(unsigned threads, const std::function<void(unsigned)>& work) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const auto start = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> pool;
      for (unsigned t = 0; t < threads; ++t) pool.emplace_back(work, t);
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
  }
  return best;
}

std::atomic<double> sink = 0;  // keeps what is measured from being left out

// Bytes a second that the threads read from memory together.
double Bandwidth(unsigned threads) {
  constexpr std::size_t kNumbers = std::size_t{32} << 20;  // 256 MB a thread
  std::vector<std::vector<std::uint64_t>> numbers(threads);
  for (auto& of : numbers) of.assign(kNumbers, 1);
  const double seconds = SecondsOn(threads, [&](unsigned t) {
    sink = static_cast<double>(
        std::accumulate(numbers[t].begin(), numbers[t].end(), std::uint64_t{0}));
  });
  return static_cast<double>(threads * kNumbers * sizeof(std::uint64_t)) / seconds;
}

constexpr int kSums = 12;  // enough to hide the latency of two units
constexpr int kLanes = 16;

[[gnu::target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")]] float MultiplyAdd(
    std::int64_t rounds) {
  typedef float Lanes __attribute__((vector_size(kLanes * sizeof(float))));
  Lanes sums[kSums], factor = Lanes{} + 0.5F, term = Lanes{} + 1.0F;
  // They differ, so that a compiler cannot compute one for all.
  for (int i = 0; i < kSums; ++i) sums[i] = Lanes{} + static_cast<float>(i);
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (Lanes& sum : sums) sum = sum * factor + term;
  }
  for (const Lanes& sum : sums) term += sum;
  return term[0];
}

// Operations a second of the threads together; a multiply-add is two.
double RateOf(float (*multiply_add)(std::int64_t), int lanes, unsigned threads) {
  constexpr std::int64_t kRounds = 4'000'000;
  const double seconds =
      SecondsOn(threads, [&](unsigned) { sink = static_cast<double>(multiply_add(kRounds)); });
  return static_cast<double>(threads) * kRounds * kSums * lanes * 2 / seconds;
}

double MultiplyAddRate(unsigned threads) { return RateOf(MultiplyAdd, kLanes, threads); }

#if defined(__x86_64__)
[[gnu::target("avx512f,avx512bf16")]] float MultiplyAddBfloat16(std::int64_t rounds) {
  __m512 sums[kSums];
  for (int i = 0; i < kSums; ++i) sums[i] = _mm512_set1_ps(static_cast<float>(i));
  const __m512bh ones = _mm512_cvtne2ps_pbh(_mm512_set1_ps(1), _mm512_set1_ps(1));
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (__m512& sum : sums) sum = _mm512_dpbf16_ps(sum, ones, ones);
  }
  for (const __m512& sum : sums) sums[0] = _mm512_add_ps(sums[0], sum);
  return _mm512_cvtss_f32(sums[0]);
}
#endif

// Zero where the processor does not have AVX512-BF16.
double MultiplyAddBfloat16Rate([[maybe_unused]] unsigned threads) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bf16")) {
    return RateOf(MultiplyAddBfloat16, 2 * kLanes, threads);
  }
#endif
  return 0;
}

struct Limits {
  double bytes_per_second = 0, operations_per_second = 0;
};

// Tokens a second that a batch can reach at most.
double MostTokens(const Limits& limits, double multiplied_weights, int batch) {
  constexpr double kBytes = 2;  // of a weight
  const double steps = limits.bytes_per_second / (kBytes * multiplied_weights);
  return std::min(steps * batch, limits.operations_per_second / (2 * multiplied_weights));
}

// Workers that are loaded and warm.
std::vector<std::unique_ptr<arena::LmProcess>> StartWorkers(int count, const std::string& model,
                                                            const std::string& precision) {
  std::vector<std::unique_ptr<arena::LmProcess>> workers;
  for (int i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<arena::LmProcess>(ARENA_LM_PROGRAM));
    workers.back()->Send({{"type", "hello"},
                          {"protocol", 1},
                          {"model", model},
                          {"precision", precision},
                          {"max_batch", 256}});
  }
  for (const auto& worker : workers) {
    if (worker->Receive()["type"] != "ready") Fail("a worker did not start");
  }
  return workers;
}

double Generate(const std::vector<std::unique_ptr<arena::LmProcess>>& workers, int batch,
                int tokens) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<int> expected(workers.size());
  for (int i = 0; i < batch; ++i) {
    const std::size_t worker = static_cast<std::size_t>(i) % workers.size();
    ++expected[worker];
    workers[worker]->Send({{"type", "generate"},
                           {"id", std::to_string(i)},
                           {"prompt", {3 + i % 50, 4}},
                           {"max_new_tokens", tokens},
                           {"seed", i},
                           {"stop_tokens", Json::array()}});
  }
  for (std::size_t w = 0; w < workers.size(); ++w) {
    for (int i = 0; i < expected[w]; ++i) {
      if (workers[w]->Receive()["tokens"].size() != static_cast<std::size_t>(tokens)) {
        Fail("an answer is short");
      }
    }
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return batch * tokens / seconds.count();
}

void MeasureOurs(const std::string& model, const std::string& precision, int workers,
                 const std::vector<int>& batches, int tokens, Rates& rates) {
  const auto started = StartWorkers(workers, model, precision);
  Generate(started, workers, 4);
  for (const int batch : batches) rates[batch].push_back(Generate(started, batch, tokens));
}

bool MeasurePeer(const std::string& file, int threads, const std::vector<int>& batches, int tokens,
                 Rates& rates) {
  const std::string command =
      fmt::format("node '{}/bench/lm_peer.mjs' '{}' '{}' {} {} {}", ARENA_SOURCE_DIR,
                  ARENA_LLAMA_CPP_DIR, file, threads, tokens, fmt::join(batches, " "));
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return false;
  std::size_t lines = 0;
  double rate = 0;
  while (lines < batches.size() && std::fscanf(pipe, "%lf", &rate) == 1) {
    rates[batches[lines++]].push_back(rate);
  }
  return ::pclose(pipe) == 0 && lines == batches.size();
}

void MeasureShape(const std::string& shape, const std::vector<int>& batches, int rounds, int tokens,
                  const Limits& one_thread, const Limits& two_threads) {
  const arena::TemporaryFolder folder;
  const std::string model = folder / shape;
  const double weights = MakeModel(shape, model);
  std::map<std::string, Rates> rates;  // by column
  const bool has_peer = std::filesystem::exists(ARENA_LLAMA_CPP_DIR "/node_modules/node-llama-cpp");
  for (int round = 0; round < rounds; ++round) {
    for (const char* precision : {"f32", "bf16"}) {
      for (const int workers : {1, 2}) {
        MeasureOurs(model, precision, workers, batches, tokens,
                    rates[fmt::format("{} {}", precision, workers)]);
      }
    }
    if (!has_peer) continue;
    for (const char* type : {"bf16", "q8_0"}) {
      for (const int threads : {1, 2}) {
        const std::string file = fmt::format("{}/{}.gguf", model, type);
        Rates& of = rates[fmt::format("llama {} {}", type, threads)];
        if (!MeasurePeer(file, threads, batches, tokens, of)) Fail("node-llama-cpp failed");
      }
    }
  }
  for (const int batch : batches) {
    const auto rate = [&](const char* column) { return Median(rates[column][batch]); };
    const double one = std::max(rate("f32 1"), rate("bf16 1"));
    const double two = std::max(rate("f32 2"), rate("bf16 2"));
    const double ours = batch == 1 ? one : std::max(one, two);
    const double bf16 = std::max(rate("llama bf16 1"), rate("llama bf16 2"));
    const double q8 = std::max(rate("llama q8_0 1"), rate("llama q8_0 2"));
    const double most = MostTokens(batch == 1 ? one_thread : two_threads, weights, batch);
    fmt::print(
        "{:<6} {:>5} {:>8.0f} {:>8.0f} {:>8.0f} {:>8.0f} {:>10.0f} {:>10.0f} {:>7.2f} {:>7.2f} "
        "{:>7.0f}%\n",
        shape, batch, rate("f32 1"), rate("f32 2"), rate("bf16 1"), rate("bf16 2"), bf16, q8,
        bf16 > 0 ? ours / bf16 : 0, q8 > 0 ? ours / q8 : 0, 100 * ours / most);
    std::fflush(stdout);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto argument = [&](int index, const char* otherwise) {
    return std::string(argc > index ? argv[index] : otherwise);
  };
  std::vector<int> batches;
  for (const std::string& batch : Split(argument(2, "1,16,64,256"))) {
    batches.push_back(std::atoi(batch.c_str()));
    if (batches.back() < 1) Fail("usage: lm_bench [SHAPES] [BATCHES] [ROUNDS] [TOKENS]");
  }
  const int rounds = std::max(1, std::atoi(argument(3, "3").c_str()));
  const int tokens = std::max(1, std::atoi(argument(4, "16").c_str()));
  const auto measure_limits = [](unsigned threads) {
    const double float32 = MultiplyAddRate(threads), bfloat16 = MultiplyAddBfloat16Rate(threads);
    const Limits limits = {Bandwidth(threads), std::max(float32, bfloat16)};
    fmt::print("{} thread{}: reads {:.1f} GB/s, multiply-adds {:.0f} GFLOP/s of float32", threads,
               threads == 1 ? "" : "s", limits.bytes_per_second / 1e9, float32 / 1e9);
    fmt::print("{}\n", bfloat16 > 0 ? fmt::format(", {:.0f} of bfloat16", bfloat16 / 1e9) : "");
    return limits;
  };
  const Limits one = measure_limits(1), two = measure_limits(2);
  fmt::print(
      "tokens a second: ours by precision and workers, llama.cpp's better of 1, 2 threads\n");
  fmt::print("{:<6} {:>5} {:>8} {:>8} {:>8} {:>8} {:>10} {:>10} {:>7} {:>7} {:>8}\n", "shape",
             "batch", "f32 1", "f32 2", "bf16 1", "bf16 2", "llama bf16", "llama q8_0", "/bf16",
             "/q8_0", "of limit");
  for (const std::string& shape : Split(argument(1, "mini,60m,135m"))) {
    MeasureShape(shape, batches, rounds, tokens, one, two);
  }
  return 0;
}
