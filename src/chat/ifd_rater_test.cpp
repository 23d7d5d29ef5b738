// With the real arena-lm beside this program.
#include "chat/ifd_rater.h"

#include <gmock/gmock.h>

#include <cmath>
#include <vector>

#include "base/temporary_folder.h"
#include "chat/local_testing.h"

namespace arena {
namespace {

double Perplexity(const std::vector<float>& logprobs) {
  double product = 1;
  for (const float logprob : logprobs) product *= std::exp(static_cast<double>(logprob));
  return std::pow(product, -1.0 / static_cast<double>(logprobs.size()));
}

TEST(IfdRater, IsTheRatioOfThePerplexities) {
  const TemporaryFolder folder;
  testing::WriteSmallModel(folder.path() / "model");
  const auto model = testing::MustLoad(testing::SmallOptions(folder.path() / "model", 2));
  std::vector<PoolItem> items(4);
  items[0].conversation = {{Role::kUser, "Count to three."}, {Role::kAssistant, "1 2 3"}};
  items[1].conversation = {{Role::kSystem, "Be short."},
                           {Role::kUser, "Hi"},
                           {Role::kAssistant, "Hello"},
                           {Role::kUser, "Again"},
                           {Role::kAssistant, "Hello again"}};
  items[2].conversation = {{Role::kUser, "No answer."}};
  items[3].conversation = {{Role::kUser, "Too long."},
                           {Role::kAssistant, std::string(100000, 'x')}};
  const auto ratings = IfdRater(*model, 2).Rate(items);
  ASSERT_TRUE(ratings.ok()) << ratings.error().message;
  ASSERT_EQ(ratings->size(), 4U);
  for (std::size_t i = 0; i < 2; ++i) {
    Conversation asked = items[i].conversation;
    const std::string answer = asked.back().content;
    asked.pop_back();
    const double with = Perplexity(*model->ScoreAnswer(asked, answer));
    const double without = Perplexity(*model->ScoreAnswer({{Role::kUser, ""}}, answer));
    ASSERT_TRUE((*ratings)[i]);
    EXPECT_NEAR(*(*ratings)[i], with / without, 1e-6 * with / without);
    EXPECT_NE(*(*ratings)[i], 1);
  }
  EXPECT_EQ((*ratings)[2], std::nullopt);
  EXPECT_EQ((*ratings)[3], std::nullopt);
}

}  // namespace
}  // namespace arena
