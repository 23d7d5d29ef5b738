// The real openai client against `arena serve`. Needs node and, in this folder,
// npm ci --ignore-scripts.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/integration/program.h"
#include "tests/integration/served_model.h"

namespace arena {
namespace {

constexpr int kNotInstalled = 77;

TEST(OpenaiInteropTest, TheClientGetsWhatItExpects) {
  if (std::system("node --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "there is no node";
  const TemporaryFolder folder;
  ASSERT_TRUE(WriteServedModel(folder / "mini", 512));
  ::setenv("ARENA_INTEROP_TOKEN", "secret", 1);
  const ServerProgram server(folder / "mini",
                             {"--workers", "1", "--token-env", "ARENA_INTEROP_TOKEN"});
  ::unsetenv("ARENA_INTEROP_TOKEN");
  ASSERT_TRUE(server.is_ready());
  const int status =
      std::system(fmt::format("node {}/openai_client.mjs http://127.0.0.1:{} mini 96",
                              ARENA_OPENAI_DIR, server.port())
                      .c_str());
  if (WEXITSTATUS(status) == kNotInstalled) GTEST_SKIP() << "the openai client is not installed";
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace arena
