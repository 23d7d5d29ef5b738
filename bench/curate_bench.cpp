// Near-duplicates of a file of documents, one a line: shingling, MinHash, LSH and the exact check.
//
//   curate_bench FILE [THREADS]     prints one line of JSON with the time of each part
//   curate_bench --make FILE COUNT  writes COUNT synthetic documents of about 100 words: Zipfian
//                                   words, one document in five an edited copy of an earlier one
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/parallel.h"
#include "base/rng.h"
#include "curate/minhash.h"
#include "curate/near_duplicates.h"

namespace arena {
namespace {

using Clock = std::chrono::steady_clock;

double Since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Words of 2 to 11 letters; word r is drawn with a probability of about 1 / (r + 10).
class Vocabulary {
 public:
  explicit Vocabulary(Rng& rng) {
    double sum = 0;
    for (int r = 0; r < kSize; ++r) {
      std::string word;
      for (std::uint64_t n = 2 + rng.Below(10); n > 0; --n) {
        word += static_cast<char>('a' + static_cast<char>(rng.Below(26)));
      }
      words_.push_back(word);
      sum += 1.0 / (r + 10);
      ends_.push_back(sum);
    }
  }
  const std::string& Draw(Rng& rng) const {
    const double at = rng.Uniform() * ends_.back();
    const auto found = std::upper_bound(ends_.begin(), ends_.end(), at) - ends_.begin();
    return words_[static_cast<std::size_t>(found)];
  }

 private:
  static constexpr int kSize = 50000;
  std::vector<std::string> words_;
  std::vector<double> ends_;
};

using Document = std::vector<std::string_view>;

Document MakeDocument(const std::vector<Document>& earlier, const Vocabulary& vocabulary,
                      Rng& rng) {
  if (!earlier.empty() && rng.Below(5) == 0) {
    Document copy = earlier[rng.Below(earlier.size())];
    for (std::uint64_t edits = rng.Below(12); edits > 0; --edits) {
      copy[rng.Below(copy.size())] = vocabulary.Draw(rng);
    }
    return copy;
  }
  Document document(70 + rng.Below(61));
  for (std::string_view& word : document) word = vocabulary.Draw(rng);
  return document;
}

int Make(const char* file, std::size_t count) {
  Rng rng(1);
  const Vocabulary vocabulary(rng);
  constexpr std::size_t kRemembered = 20000;
  std::vector<Document> earlier;
  std::ofstream out(file, std::ios::binary);
  for (std::size_t i = 0; i < count; ++i) {
    const Document document = MakeDocument(earlier, vocabulary, rng);
    out << fmt::format("{}\n", fmt::join(document, " "));
    if (earlier.size() < kRemembered) {
      earlier.push_back(document);
    } else {
      earlier[rng.Below(kRemembered)] = document;
    }
  }
  return out.flush() ? 0 : 1;
}

std::vector<std::string_view> Lines(std::string_view bytes) {
  std::vector<std::string_view> lines;
  while (!bytes.empty()) {
    const std::size_t end = std::min(bytes.find('\n'), bytes.size());
    lines.push_back(bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  return lines;
}

/// Of the process, in seconds. The system's share is mostly the clearing of new pages.
struct CpuTime {
  double user = 0, system = 0;
};

CpuTime CpuNow() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return {seconds(usage.ru_utime), seconds(usage.ru_stime)};
}

int Run(const char* file, unsigned threads) {
  const auto bytes = ReadFile(file);
  if (!bytes.ok()) {
    fmt::print(stderr, "curate_bench: {}\n", bytes.error().message);
    return 1;
  }
  const auto lines = Lines(*bytes);
  const CpuTime cpu_start = CpuNow();
  const auto start = Clock::now();
  ShingleSets sets;
  constexpr std::size_t kBatch = 8192;
  for (std::size_t at = 0; at < lines.size(); at += kBatch) {
    sets.Add(std::span(lines).subspan(at, std::min(kBatch, lines.size() - at)), {}, threads);
  }
  const double shingle_s = Since(start);
  const CpuTime cpu_sign = CpuNow();
  const auto sign_start = Clock::now();
  const MinHasher hasher(128, 1);
  std::vector<std::uint32_t> signature(128);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sets.size(); ++i) {
    hasher.Sign(sets[i], signature);
    sum += signature[i % 128];
  }
  const double sign_s = Since(sign_start);
  const CpuTime cpu_signed = CpuNow();
  const auto find_start = Clock::now();
  std::vector<std::uint32_t> order(lines.size());
  std::iota(order.begin(), order.end(), 0U);
  NearDuplicateOptions options;
  options.threads = threads;
  const auto removed = FindNearDuplicates(sets, order, options);
  const double find_s = Since(find_start);
  const CpuTime cpu_end = CpuNow();
  const double user_s = cpu_end.user - cpu_signed.user + cpu_sign.user - cpu_start.user;
  const double system_s = cpu_end.system - cpu_signed.system + cpu_sign.system - cpu_start.system;
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  fmt::print(
      "{{\"documents\": {}, \"removed\": {}, \"threads\": {}, \"shingle_s\": {:.4f}, "
      "\"find_s\": {:.4f}, \"total_s\": {:.4f}, \"cpu_s\": {:.4f}, \"system_s\": {:.4f}, "
      "\"sign_one_thread_s\": {:.4f}, "
      "\"kernel\": "
      "\"{}\", \"peak_mb\": {}, \"check\": {}}}\n",
      lines.size(), removed.size(), threads, shingle_s, find_s, shingle_s + find_s,
      user_s + system_s, system_s, sign_s, UsableMinHashKernels().front().name,
      usage.ru_maxrss / 1024, sum % 1000);
  return 0;
}

}  // namespace
}  // namespace arena

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments(argv, argv + argc);
  if (argc == 4 && arguments[1] == "--make") {
    return arena::Make(argv[2], std::strtoull(argv[3], nullptr, 10));
  }
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: curate_bench FILE [THREADS] | --make FILE COUNT\n");
    return 2;
  }
  const unsigned threads = argc == 3 ? static_cast<unsigned>(std::atoi(argv[2])) : 0;
  return arena::Run(argv[1], threads == 0 ? arena::DefaultThreads() : threads);
}
