// The speed of generation beside node-llama-cpp's on the same weights.
//
//   lm_bench [SHAPES] [BATCHES] [ROUNDS] [TOKENS]      for example: lm_bench mini,135m 1,16,64,256
//   3 16
//
// Makes a model of random weights in bfloat16 for each shape and its GGUF files (bf16, q8_0). Each
// round lets arena-lm (one worker, two workers) and node-llama-cpp (one thread, two threads)
// generate one after the other, sampling at temperature 1, and prints tokens per second, medians of
// the rounds, and the ratio of our two workers to the peer's better number of threads. A batch of 1
// is one worker against that. Needs `npm ci --ignore-scripts --omit=optional` in
// tests/interop/llama-cpp for the peer; without it only our speed is printed.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
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

void MakeModel(const std::string& shape_name, const std::string& directory) {
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

void MeasureShape(const std::string& shape, const std::vector<int>& batches, int rounds,
                  int tokens) {
  const arena::TemporaryFolder folder;
  const std::string model = folder / shape;
  MakeModel(shape, model);
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
    fmt::print("{:<6} {:>5} {:>10.0f} {:>10.0f} {:>10.0f} {:>10.0f} {:>8.2f} {:>8.2f}\n", shape,
               batch, one, two, bf16, q8, bf16 > 0 ? ours / bf16 : 0, q8 > 0 ? ours / q8 : 0);
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
  fmt::print("{:<6} {:>5} {:>10} {:>10} {:>10} {:>10} {:>8} {:>8}\n", "shape", "batch", "1 worker",
             "2 workers", "llama bf16", "llama q8_0", "/bf16", "/q8_0");
  for (const std::string& shape : Split(argument(1, "mini,60m,135m"))) {
    MeasureShape(shape, batches, rounds, tokens);
  }
  return 0;
}
