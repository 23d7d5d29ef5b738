// The client over real sockets, against a server that breaks the rules.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "base/json.h"
#include "base/temporary_folder.h"
#include "net/client.h"
#include "tests/endpoint/fake_endpoint.h"

namespace arena {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

std::string Body(const std::string& prompt) {
  return fmt::format(R"({{"model":"m","messages":[{{"role":"user","content":"{}"}}]}})", prompt);
}

HttpCall CallFor(const std::string& url, const std::string& prompt) {
  HttpCall call;
  call.request.url = url + "/v1/chat/completions";
  call.request.headers = {{"Content-Type", "application/json"}};
  call.request.body = Body(prompt);
  call.inspect = [](const HttpReply& reply) {
    ReplyFinding finding;
    if (!ParseJson(reply.body).ok()) finding.problem = "not JSON";
    return finding;
  };
  return call;
}

TransferLimits ShortLimits() {
  TransferLimits limits;
  limits.first_byte = limits.idle = milliseconds(300);
  return limits;
}

LaneOptions FastRetries() {
  LaneOptions options;
  options.first_backoff = milliseconds(10);
  options.longest_backoff = milliseconds(20);
  return options;
}

FakeEndpointOptions Always(EndpointFault fault) {
  FakeEndpointOptions options;
  options.fault_rate = 1;
  options.faults = {fault};
  options.faults_in_a_row = 1;
  options.stall = milliseconds(5000);
  return options;
}

class FaultTest : public ::testing::TestWithParam<EndpointFault> {};

TEST_P(FaultTest, TheSecondAttemptSucceedsAndEverySendingIsCounted) {
  const FakeEndpoint endpoint(Always(GetParam()));
  const auto client = HttpClient::Make({});
  const auto id = client->AddEndpoint(FastRetries(), ShortLimits());
  // The second call finds an open connection, on which curl alone would try again unseen.
  for (const char* prompt : {"say 1", "say 2"}) {
    const CallResult result = client->Call(id, CallFor(endpoint.url(), prompt));
    EXPECT_EQ(result.end, CallEnd::kDone) << result.error;
    EXPECT_EQ(result.attempts, 2);
  }
  EXPECT_EQ(endpoint.received(), 4);
  EXPECT_EQ(client->counts().requests, 4);
  for (const auto& [key, count] : endpoint.counts()) EXPECT_EQ(count.delivered, 1);
}

INSTANTIATE_TEST_SUITE_P(All, FaultTest,
                         ::testing::Values(EndpointFault::kRateLimited, EndpointFault::kServerError,
                                           EndpointFault::kReset, EndpointFault::kStallBefore,
                                           EndpointFault::kStallWithin, EndpointFault::kTruncated,
                                           EndpointFault::kInvalidJson));

TEST(HttpTransportTest, ManyAtOnceShareConnectionsAndKeepTheLimit) {
  FakeEndpointOptions slow;
  slow.latency = milliseconds(20);
  const FakeEndpoint endpoint(slow);
  const auto client = HttpClient::Make({});
  LaneOptions limits = FastRetries();
  limits.max_in_flight = 16;
  const auto id = client->AddEndpoint(limits, {});
  std::atomic<int> right = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 40; ++t) {
    callers.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string prompt = fmt::format("a{}b{}", t, i);
        const CallResult result = client->Call(id, CallFor(endpoint.url(), prompt));
        right += result.reply.body.find("The answer is ") != std::string::npos ? 1 : 0;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 400);
  EXPECT_EQ(endpoint.received(), 400);
  EXPECT_LE(endpoint.most_at_once(), 16);
  EXPECT_LE(endpoint.connections(), 16);
}

TEST(HttpTransportTest, AReplyBeyondTheLimitIsAFailureThatIsNotTriedAgain) {
  const FakeEndpoint endpoint({});
  const auto client = HttpClient::Make({});
  TransferLimits limits;
  limits.max_reply_bytes = 1 << 20;
  const auto id = client->AddEndpoint(FastRetries(), limits);
  const HttpCall call = CallFor(endpoint.url(), std::string(2 << 20, 'x'));
  const CallResult result = client->Call(id, call);
  EXPECT_EQ(result.end, CallEnd::kFailed);
  EXPECT_EQ(result.error, "the reply is longer than 1 MiB");
  EXPECT_EQ(result.attempts, 1);
}

TEST(HttpTransportTest, NobodyListensOrTheAddressIsNone) {
  int port = 0;
  { port = FakeEndpoint({}).port(); }
  const auto client = HttpClient::Make({});
  LaneOptions limits = FastRetries();
  limits.max_attempts = 2;
  const auto id = client->AddEndpoint(limits, {});
  const CallResult refused =
      client->Call(id, CallFor(fmt::format("http://127.0.0.1:{}", port), "say 1"));
  EXPECT_EQ(refused.end, CallEnd::kFailed);
  EXPECT_EQ(refused.attempts, 2);
  EXPECT_EQ(refused.undelivered, 0);
  EXPECT_THAT(refused.error, HasSubstr("127.0.0.1"));
  const CallResult file = client->Call(id, CallFor("file:///etc/hostname#", "say 1"));
  EXPECT_EQ(file.end, CallEnd::kFailed);
  EXPECT_EQ(file.attempts, 1);
}

/// A key and a certificate for 127.0.0.1 that nobody but itself vouches for.
void WriteCertificate(const std::filesystem::path& key_file, const std::filesystem::path& file) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  const auto* common = reinterpret_cast<const unsigned char*>("127.0.0.1");
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common, -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* alternative =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "IP:127.0.0.1");
  X509_add_ext(certificate, alternative, -1);
  X509_sign(certificate, key, EVP_sha256());
  std::FILE* out = std::fopen(key_file.c_str(), "w");
  PEM_write_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(out);
  out = std::fopen(file.c_str(), "w");
  PEM_write_X509(out, certificate);
  std::fclose(out);
  X509_EXTENSION_free(alternative);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

TEST(HttpTransportTest, ACertificateNobodyVouchesForIsRefusedUnlessToldOtherwise) {
  const TemporaryFolder folder;
  WriteCertificate(folder / "key.pem", folder / "cert.pem");
  httplib::SSLServer server((folder / "cert.pem").c_str(), (folder / "key.pem").c_str());
  server.set_keep_alive_timeout(1);
  server.Post("/v1/chat/completions", [](const httplib::Request&, httplib::Response& response) {
    response.set_content("{}", "application/json");
  });
  const int port = server.bind_to_any_port("127.0.0.1");
  std::thread serving([&] { server.listen_after_bind(); });
  const auto client = HttpClient::Make({});
  const HttpCall call = CallFor(fmt::format("https://127.0.0.1:{}", port), "say 1");

  const CallResult refused = client->Call(client->AddEndpoint(FastRetries(), {}), call);
  EXPECT_EQ(refused.end, CallEnd::kFailed);
  EXPECT_THAT(refused.error, HasSubstr("certificate"));
  EXPECT_EQ(refused.attempts, 1);

  TransferLimits trusting;
  trusting.ca_file = folder / "cert.pem";
  EXPECT_EQ(client->Call(client->AddEndpoint(FastRetries(), trusting), call).end, CallEnd::kDone);
  TransferLimits careless;
  careless.verify_tls = false;
  EXPECT_EQ(client->Call(client->AddEndpoint(FastRetries(), careless), call).end, CallEnd::kDone);
  server.stop();
  serving.join();
}

}  // namespace
}  // namespace arena
