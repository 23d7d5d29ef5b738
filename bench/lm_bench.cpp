// The speed of generation beside node-llama-cpp's on the same weights.
//
//   lm_bench [SHAPES] [BATCHES] [ROUNDS] [TOKENS]      for example: lm_bench mini,135m 1,16,64,256
//   3 16
//
// Makes a model of random weights in bfloat16 for each shape and its GGUF files (bf16, q8_0). Each
// round lets arena-lm (one worker, two workers) and node-llama-cpp (one thread, two threads)
// generate one after the other, sampling at temperature 1, and prints tokens per second, medians of
// the rounds, and the ratio of our two workers to the peer's better number of threads. A batch of 1
// is one worker against that. The last column is the share of the limit that binds first: reading
// the weights once a step at the memory bandwidth that is measured, or two operations for each
// weight and token at the measured rate of float32 multiply-adds (two threads; one for a batch of
// 1). A processor with products of bfloat16 has another limit. Needs `npm ci --ignore-scripts
// --omit=optional` in tests/interop/llama-cpp for the peer; without it only our speed is printed.
#include <fmt/format.h>

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
  Lanes sums[kSums] = {}, factor = Lanes{} + 0.5F, term = Lanes{} + 1.0F;
  for (std::int64_t r = 0; r < rounds; ++r) {
    for (Lanes& sum : sums) sum = sum * factor + term;
  }
  for (const Lanes& sum : sums) term += sum;
  return term[0];
}

// Operations a second of the threads together; a multiply-add is two.
double MultiplyAddRate(unsigned threads) {
  constexpr std::int64_t kRounds = 4'000'000;
  const double seconds =
      SecondsOn(threads, [&](unsigned) { sink = static_cast<double>(MultiplyAdd(kRounds)); });
  return static_cast<double>(threads) * kRounds * kSums * kLanes * 2 / seconds;
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
std::vector<std::unique_ptr<arena::LmProcess>> StartWorkers(int count, const std::string& model) {
  std::vector<std::unique_ptr<arena::LmProcess>> workers;
  for (int i = 0; i < count; ++i) {
    workers.push_back(std::make_unique<arena::LmProcess>(ARENA_LM_PROGRAM));
    workers.back()->Send(
        {{"type", "hello"}, {"protocol", 1}, {"model", model}, {"max_batch", 256}});
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

void MeasureOurs(const std::string& model, int workers, const std::vector<int>& batches, int tokens,
                 Rates& rates) {
  const auto started = StartWorkers(workers, model);
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
  Rates ours_one, ours_two;
  std::map<std::string, Rates> peers;
  const bool has_peer = std::filesystem::exists(ARENA_LLAMA_CPP_DIR "/node_modules/node-llama-cpp");
  for (int round = 0; round < rounds; ++round) {
    MeasureOurs(model, 1, batches, tokens, ours_one);
    MeasureOurs(model, 2, batches, tokens, ours_two);
    if (!has_peer) continue;
    for (const char* type : {"bf16", "q8_0"}) {
      for (const int threads : {1, 2}) {
        const std::string file = fmt::format("{}/{}.gguf", model, type);
        Rates& rates = peers[fmt::format("{} {}", type, threads)];
        if (!MeasurePeer(file, threads, batches, tokens, rates)) Fail("node-llama-cpp failed");
      }
    }
  }
  const auto best = [&](const std::string& type, int batch) {
    return std::max(Median(peers[type + " 1"][batch]), Median(peers[type + " 2"][batch]));
  };
  for (const int batch : batches) {
    const double one = Median(ours_one[batch]), two = Median(ours_two[batch]);
    const double ours = batch == 1 ? one : std::max(one, two);
    const double bf16 = best("bf16", batch), q8 = best("q8_0", batch);
    const double most = MostTokens(batch == 1 ? one_thread : two_threads, weights, batch);
    fmt::print("{:<6} {:>5} {:>10.0f} {:>10.0f} {:>10.0f} {:>10.0f} {:>8.2f} {:>8.2f} {:>8.0f}%\n",
               shape, batch, one, two, bf16, q8, bf16 > 0 ? ours / bf16 : 0, q8 > 0 ? ours / q8 : 0,
               100 * ours / most);
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
  const Limits one = {Bandwidth(1), MultiplyAddRate(1)}, two = {Bandwidth(2), MultiplyAddRate(2)};
  fmt::print(
      "reads {:.1f} and {:.1f} GB/s, float32 multiply-adds {:.0f} and {:.0f} GFLOP/s with one "
      "and two threads\n",
      one.bytes_per_second / 1e9, two.bytes_per_second / 1e9, one.operations_per_second / 1e9,
      two.operations_per_second / 1e9);
  fmt::print("{:<6} {:>5} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8} {:>9}\n", "shape", "batch",
             "1 worker", "2 workers", "llama bf16", "llama q8_0", "/bf16", "/q8_0", "of limit");
  for (const std::string& shape : Split(argument(1, "mini,60m,135m"))) {
    MeasureShape(shape, batches, rounds, tokens, one, two);
  }
  return 0;
}
