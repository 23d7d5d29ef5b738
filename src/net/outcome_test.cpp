#include "net/outcome.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace arena {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::system_clock;
using ::testing::HasSubstr;

// Sunday, 6 November 1994, 08:49:37 GMT.
const auto kNow = system_clock::from_time_t(784111777);

TransferResult Status(int status, const std::string& body = "",
                      std::vector<HttpHeader> headers = {}) {
  TransferResult result;
  result.reply = {status, std::move(headers), body};
  return result;
}

std::optional<milliseconds> Wait(const std::string& name, const std::string& value) {
  return RetryAfter(HttpReply{429, {{name, value}}, ""}, kNow);
}

TEST(RetryAfterTest, ReadsSecondsMillisecondsAndDates) {
  EXPECT_EQ(Wait("Retry-After", "7"), seconds(7));
  EXPECT_EQ(Wait("retry-after", "0.5"), milliseconds(500));
  EXPECT_EQ(Wait("retry-after-ms", "1250"), milliseconds(1250));
  EXPECT_EQ(Wait("Retry-After", "Sun, 06 Nov 1994 08:50:07 GMT"), seconds(30));
  EXPECT_EQ(Wait("Retry-After", "Sunday, 06-Nov-94 08:50:07 GMT"), seconds(30));
  EXPECT_EQ(Wait("Retry-After", "Sun Nov  6 08:50:07 1994"), seconds(30));
  EXPECT_EQ(Wait("Retry-After", "Sun, 06 Nov 1994 08:00:00 GMT"), seconds(0)) << "it has passed";
}

TEST(RetryAfterTest, WhatIsNeitherIsNone) {
  for (const char* value : {"", "soon", "-1", "nan", "inf", "7 s"}) {
    EXPECT_EQ(Wait("Retry-After", value), std::nullopt) << value;
  }
  EXPECT_EQ(Wait("Retry-Later", "7"), std::nullopt);
  EXPECT_GT(*Wait("Retry-After", "Sun, 06 Nov 9994 08:49:07 GMT"), seconds(86400));
  EXPECT_GT(*Wait("Retry-After", "1e300"), seconds(86400));
}

TEST(JudgeAttemptTest, StatusesFallIntoTheirKinds) {
  for (const int status : {200, 201}) {
    EXPECT_EQ(JudgeAttempt(Status(status), kNow).kind, OutcomeKind::kSuccess) << status;
  }
  for (const int status : {429, 503, 529}) {
    const AttemptOutcome outcome = JudgeAttempt(Status(status), kNow);
    EXPECT_EQ(outcome.kind, OutcomeKind::kRefused) << status;
    EXPECT_TRUE(outcome.is_congested);
    EXPECT_FALSE(outcome.may_be_billed);
  }
  for (const int status : {408, 409, 425, 500, 502, 504, 520}) {
    EXPECT_EQ(JudgeAttempt(Status(status), kNow).kind, OutcomeKind::kRetry) << status;
  }
  for (const int status : {400, 413, 422}) {
    const AttemptOutcome outcome = JudgeAttempt(Status(status), kNow);
    EXPECT_EQ(outcome.kind, OutcomeKind::kFinal) << status;
    EXPECT_FALSE(outcome.blames_endpoint) << status;
  }
  for (const int status : {301, 401, 402, 403, 404}) {
    const AttemptOutcome outcome = JudgeAttempt(Status(status), kNow);
    EXPECT_EQ(outcome.kind, OutcomeKind::kFinal) << status;
    EXPECT_TRUE(outcome.blames_endpoint) << status;
  }
}

TEST(JudgeAttemptTest, OnlyWhatWasSentMayBeBilled) {
  TransferResult result;
  result.end = TransferEnd::kNotSent;
  EXPECT_FALSE(JudgeAttempt(result, kNow).may_be_billed);
  for (const TransferEnd end : {TransferEnd::kTimedOut, TransferEnd::kBroken}) {
    result.end = end;
    const AttemptOutcome outcome = JudgeAttempt(result, kNow);
    EXPECT_EQ(outcome.kind, OutcomeKind::kRetry);
    EXPECT_TRUE(outcome.may_be_billed);
  }
  result.end = TransferEnd::kUntrusted;
  EXPECT_EQ(JudgeAttempt(result, kNow).kind, OutcomeKind::kFinal);
}

TEST(ErrorMessageTest, IsFoundInTheShapesThatServersUse) {
  const auto message = [](const std::string& body) {
    return ErrorMessageOf(HttpReply{400, {}, body});
  };
  EXPECT_EQ(message(R"({"error":{"message":"too long","code":1}})"), "too long");
  EXPECT_EQ(message(R"({"error":"model not found"})"), "model not found");
  EXPECT_EQ(message(R"({"object":"error","message":"bad"})"), "bad");
  EXPECT_EQ(message(R"({"detail":"Not Found"})"), "Not Found");
  EXPECT_EQ(message("<html>\nBad\tGateway</html>"), "<html> Bad Gateway</html>");
  EXPECT_EQ(message(""), "");
  EXPECT_EQ(message(R"({"error":{"message":7}})"), R"({"error":{"message":7}})");
  const std::string longest = message(std::string(299, 'x') + "\xC3\xA9 and so on");
  EXPECT_EQ(longest, std::string(299, 'x') + "...");
  EXPECT_THAT(JudgeAttempt(Status(401, R"({"error":{"message":"no key"}})"), kNow).error,
              HasSubstr("HTTP 401: no key"));
}

}  // namespace
}  // namespace arena
