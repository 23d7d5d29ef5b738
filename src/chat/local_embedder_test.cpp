// With the real arena-lm beside this program.
#include "chat/local_embedder.h"

#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

#include "base/temporary_folder.h"
#include "chat/local_testing.h"

namespace arena {
namespace {

TEST(LocalEmbedder, GivesTheModelsVectorsAtLengthOne) {
  const TemporaryFolder folder;
  testing::WriteSmallModel(folder.path() / "model");
  const LocalModelOptions options = testing::SmallOptions(folder.path() / "model", 2);
  const auto model = testing::MustLoad(options);
  const auto embedder = LocalEmbedder::Load(options);
  ASSERT_TRUE(embedder.ok()) << embedder.error().message;
  EXPECT_EQ((*embedder)->version(), model->version());
  const std::size_t size = (*embedder)->dimensions();
  const std::vector<std::string_view> texts = {"Count to three.", " \n", "Hello"};
  std::vector<float> vectors(texts.size() * size, 7);
  const Status done = (*embedder)->Embed(texts, vectors);
  ASSERT_TRUE(done.ok()) << done.error().message;
  for (const std::size_t i : {0U, 2U}) {
    const auto plain = model->Embed(texts[i]);
    ASSERT_TRUE(plain.ok());
    ASSERT_EQ(plain->size(), size);
    double squares = 0;
    for (const float value : *plain) {
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
    ASSERT_GT(squares, 0);
    for (std::size_t d = 0; d < size; ++d) {
      const double scaled = static_cast<double>((*plain)[d]) / std::sqrt(squares);
      EXPECT_NEAR(static_cast<double>(vectors[i * size + d]), scaled, 1e-6);
    }
  }
  for (std::size_t d = 0; d < size; ++d) EXPECT_EQ(vectors[size + d], 0);

  const std::string endless = "an endless tale " + std::string(100000, 'x');
  const std::vector<std::string_view> one = {endless};
  const Status failed = (*embedder)->Embed(one, std::span(vectors).first(size));
  ASSERT_FALSE(failed.ok());
  EXPECT_THAT(failed.error().message,
              ::testing::HasSubstr("the text that begins \"an endless tale xxx"));
}

}  // namespace
}  // namespace arena
