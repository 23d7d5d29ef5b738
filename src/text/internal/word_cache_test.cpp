// Many threads encode with one tokenizer, whose cache of words they share.
#include "text/internal/word_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "base/rng.h"
#include "text/byte_tokenizer.h"
#include "text/internal/test_tokenizers.h"

namespace arena {
namespace {

constexpr unsigned kThreads = 4;

TEST(WordCacheTest, WhatThreadsReadIsWhatOneOfThemWrote) {
  // More words than the cache has places, so that they take each other's.
  constexpr std::uint64_t kWords = 60'000;
  const auto tokens_of = [](std::uint64_t word) {
    std::vector<TokenId> tokens;
    for (std::uint64_t i = 0; i <= word % 9; ++i) tokens.push_back(static_cast<TokenId>(word + i));
    return tokens;
  };
  const WordCache cache;
  std::atomic<std::int64_t> found{0}, wrong{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&, thread] {
      Rng rng(3, thread);
      for (int round = 0; round < 100'000; ++round) {
        const std::uint64_t word = rng.Below(kWords);
        const std::string text = "word " + std::to_string(word);
        const std::vector<TokenId> expected = tokens_of(word);
        std::vector<TokenId> tokens;
        if (cache.Append(text, tokens)) {
          ++found;
          wrong += tokens == expected ? 0 : 1;
        } else {
          cache.Put(text, expected.data(), expected.size());
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(found, 1000);
}

TEST(WordCacheTest, ThreadsThatShareATokenizerEncodeAsOneDoes) {
  const TokenizerFolder folder;
  ASSERT_TRUE(WriteByteTokenizer(folder.path(), 300).ok());
  const auto tokenizer = LoadTokenizer(folder.path());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
  std::vector<std::string> texts;
  Rng rng(4);
  for (int i = 0; i < 200; ++i) {
    std::string text;
    for (int k = 0; k < 40; ++k) text += " w" + std::to_string(rng.Below(100'000));
    texts.push_back(text + AllBytes());
  }
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&] {
      for (const std::string& text : texts) {
        const std::vector<TokenId> tokens = (*tokenizer)->Encode(text);
        wrong +=
            (*tokenizer)->Decode(tokens, false) == text && tokens.size() == text.size() ? 0 : 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace arena
