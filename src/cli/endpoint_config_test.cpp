#include "cli/endpoint_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/file.h"
#include "base/temporary_folder.h"
#include "cli/config.h"
#include "cli/network.h"

namespace arena {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class EndpointConfigTest : public ::testing::Test {
 protected:
  LoadedConfig Load(std::string_view text) {
    EXPECT_TRUE(WriteFileAtomic(folder_ / "arena.toml", text).ok());
    auto loaded = LoadConfig(folder_ / "arena.toml", {});
    EXPECT_TRUE(loaded.ok());
    return std::move(*loaded);
  }
  std::string FirstFinding(std::string_view text) {
    const LoadedConfig loaded = Load(text);
    return loaded.findings.empty() ? "none" : loaded.findings[0].message;
  }

  const TemporaryFolder folder_;
};

TEST_F(EndpointConfigTest, AContestantTakesItsEndpointsKeysAndItsOwnWin) {
  const LoadedConfig loaded = Load(R"(
[endpoint.local]
base_url = "http://127.0.0.1:8000/v1/"
api_key_env = "LOCAL_KEY"
max_in_flight = 64
requests_per_minute = 600
first_byte_timeout_s = 0.5
temperature = 0.7
max_tokens = 256
headers = {"X-Team" = "a"}
[[contestant]]
name = "x"
family = "f"
kind = "openai"
endpoint = "local"
model = "x-7b"
temperature = 0
seed = 3
stop = ["END"]
input_usd_per_million = 0.5
body = {reasoning_effort = "low", nested = {a = [1, 2.5, true]}}
[[contestant]]
name = "y"
kind = "ollama"
model = "y"
)");
  ASSERT_THAT(loaded.findings, IsEmpty());
  ASSERT_EQ(loaded.config.contestants.size(), 2U);
  const EndpointConfig& x = loaded.config.contestants[0].endpoint;
  EXPECT_EQ(x.model.protocol, EndpointProtocol::kOpenAi);
  EXPECT_EQ(x.model.name, "x");
  EXPECT_EQ(x.model.family, "f");
  EXPECT_EQ(x.model.base_url, "http://127.0.0.1:8000/v1");
  EXPECT_EQ(x.model.model, "x-7b");
  EXPECT_EQ(x.model.temperature, 0.0);
  EXPECT_EQ(x.model.top_p, std::nullopt);
  EXPECT_EQ(x.model.seed, 3);
  EXPECT_EQ(x.model.max_tokens, 256);
  EXPECT_THAT(x.model.stop, ElementsAre("END"));
  EXPECT_EQ(x.model.headers.size(), 1U);
  EXPECT_EQ(x.model.answers_at_once, 64);
  EXPECT_EQ(x.api_key_env, "LOCAL_KEY");
  EXPECT_EQ(x.limits.requests_per_minute, 600);
  EXPECT_EQ(x.limits.name, "http://127.0.0.1:8000/v1");
  EXPECT_EQ(x.transfers.first_byte, std::chrono::milliseconds(500));
  EXPECT_TRUE(x.transfers.verify_tls);
  EXPECT_THAT(x.model.body, HasSubstr("reasoning_effort"));
  EXPECT_EQ(loaded.config.contestants[1].endpoint.model.base_url, "http://127.0.0.1:11434");
}

TEST_F(EndpointConfigTest, SaysWhatIsWrong) {
  const std::string start = "[[contestant]]\nname = \"x\"\nkind = \"openai\"\n";
  EXPECT_THAT(FirstFinding(start), HasSubstr("the contestant \"x\" needs model"));
  const auto finding = [&](const std::string& line) {
    return FirstFinding(start + "model = \"m\"\n" + line);
  };
  EXPECT_EQ(finding(""), "none");
  EXPECT_THAT(finding("endpoint = \"nowhere\""), HasSubstr("there is no [endpoint.nowhere]"));
  EXPECT_THAT(finding("base_url = \"localhost:8000\""), HasSubstr("must be an address"));
  EXPECT_THAT(finding("base_url = \"ftp://host\""), HasSubstr("must be an address"));
  EXPECT_THAT(finding("base_url = \"http://me:key@host/v1\""), HasSubstr("api_key_env"));
  EXPECT_THAT(finding("max_in_flight = 0"), HasSubstr("at least 1"));
  EXPECT_THAT(finding("total_timeout_s = 0"), HasSubstr("more than 0 seconds"));
  EXPECT_THAT(finding("total_timeout_s = nan"), HasSubstr("more than 0 seconds"));
  EXPECT_THAT(finding("requests_per_minute = -1"), HasSubstr("at least 0"));
  EXPECT_THAT(finding("headers = {A = \"b\\nC: d\"}"), HasSubstr("one line"));
  EXPECT_THAT(finding("max_tokens_field = \"max\""), HasSubstr("max_completion_tokens"));
  EXPECT_THAT(finding("api_key = \"sk\""), HasSubstr("must not stand in a file"));
  EXPECT_THAT(FirstFinding("[endpoint.a]\nbase_ulr = \"x\""),
              HasSubstr("did you mean endpoint.a.base_url"));
}

class NetworkTest : public ::testing::Test {
 protected:
  static EndpointConfig Config(const std::string& name) {
    EndpointConfig config;
    config.model.name = name;
    config.model.model = "m";
    config.limits.name = config.model.base_url = "http://127.0.0.1:9";
    return config;
  }
};

TEST_F(NetworkTest, AKeyThatIsNotThereIsAnErrorThatNamesTheVariable) {
  Network network(1);
  EndpointConfig config = Config("x");
  config.api_key_env = "ARENA_TEST_NO_SUCH_KEY";
  const auto model = network.MakeModel(config);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("ARENA_TEST_NO_SUCH_KEY"));
}

TEST_F(NetworkTest, ModelsOfOneEndpointMustAgreeOnItsLimits) {
  Network network(1);
  ASSERT_TRUE(network.MakeModel(Config("x")).ok());
  ASSERT_TRUE(network.MakeModel(Config("y")).ok());
  EndpointConfig other = Config("z");
  other.limits.max_in_flight = 7;
  const auto model = network.MakeModel(other);
  ASSERT_FALSE(model.ok());
  EXPECT_THAT(model.error().message, HasSubstr("different limits"));
}

TEST_F(NetworkTest, ACapOnCostNeedsAnswersOfLimitedLength) {
  Network network(1, 5.0);
  EndpointConfig config = Config("x");
  config.model.prices.output = 10;
  EXPECT_FALSE(network.MakeModel(config).ok());
  config.model.max_tokens = 100;
  EXPECT_TRUE(network.MakeModel(config).ok());
}

}  // namespace
}  // namespace arena
