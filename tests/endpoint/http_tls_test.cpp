// Whom the client trusts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <filesystem>
#include <thread>

#include "base/temporary_folder.h"
#include "net/client.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

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

TEST(HttpTlsTest, ACertificateNobodyVouchesForIsRefusedUnlessToldOtherwise) {
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
  HttpCall call;
  call.request.url = fmt::format("https://127.0.0.1:{}/v1/chat/completions", port);
  call.request.body = "{}";

  const CallResult refused = client->Call(client->AddEndpoint(LaneOptions{}, {}), call);
  EXPECT_EQ(refused.end, CallEnd::kFailed);
  EXPECT_THAT(refused.error, HasSubstr("certificate"));
  EXPECT_EQ(refused.attempts, 1);

  TransferLimits trusting;
  trusting.ca_file = folder / "cert.pem";
  EXPECT_EQ(client->Call(client->AddEndpoint(LaneOptions{}, trusting), call).end, CallEnd::kDone);
  TransferLimits careless;
  careless.verify_tls = false;
  EXPECT_EQ(client->Call(client->AddEndpoint(LaneOptions{}, careless), call).end, CallEnd::kDone);
  server.stop();
  serving.join();
}

}  // namespace
}  // namespace arena
