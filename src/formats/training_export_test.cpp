#include "formats/training_export.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "base/json.h"

namespace arena {
namespace {

using ::testing::HasSubstr;

TrainingExample Simple() {
  TrainingExample example;
  example.prompt = {{Role::kUser, "What is 2+2?"}};
  example.answer = "4";
  example.rejected = "5";
  example.margin = 3.5;
  return example;
}

TrainingExample Long() {
  TrainingExample example;
  example.prompt = {{Role::kSystem, "Be brief."},
                    {Role::kUser, "What is 2+2?"},
                    {Role::kAssistant, "4"},
                    {Role::kUser, "And 3+3?"}};
  example.answer = "6";
  example.rejected = "7";
  example.margin = 2;
  return example;
}

Json Row(TrainerFormat format, TrainingKind kind, const TrainingExample& example) {
  const std::string line = TrainingLine(format, kind, example);
  EXPECT_EQ(line.find('\n'), std::string::npos);
  auto row = ParseJson(line);
  EXPECT_TRUE(row.ok()) << line;
  return row.value_or(Json());
}

Json Expect(const char* text) { return ParseJson(text).value_or(Json()); }

std::set<std::string> Members(const Json& object) {
  std::set<std::string> names;
  for (const auto& [name, value] : object.items()) names.insert(name);
  return names;
}

const std::vector<TrainerFormat> kFormats = {TrainerFormat::kMessages,    TrainerFormat::kShareGpt,
                                             TrainerFormat::kAlpaca,      TrainerFormat::kTrl,
                                             TrainerFormat::kTrlPlain,    TrainerFormat::kOpenRlhf,
                                             TrainerFormat::kLlamaFactory};
const std::vector<TrainingKind> kKinds = {TrainingKind::kSft, TrainingKind::kDpo,
                                          TrainingKind::kRewardModel, TrainingKind::kKto,
                                          TrainingKind::kPpo};

TEST(TrainingExportTest, NamesAreReadBack) {
  for (const TrainerFormat format : kFormats) {
    EXPECT_EQ(ParseTrainerFormat(TrainerFormatName(format)), format);
  }
  for (const TrainingKind kind : kKinds) {
    EXPECT_EQ(ParseTrainingKind(TrainingKindName(kind)), kind);
  }
  EXPECT_FALSE(ParseTrainerFormat("trll").has_value());
  EXPECT_FALSE(ParseTrainingKind("").has_value());
}

TEST(TrainingExportTest, OnlyMessagesHasNoPairs) {
  for (const TrainerFormat format : kFormats) {
    for (const TrainingKind kind : kKinds) {
      const bool one_conversation = kind == TrainingKind::kSft || kind == TrainingKind::kPpo;
      EXPECT_EQ(CheckTrainerFormat(format, kind).ok(),
                format != TrainerFormat::kMessages || one_conversation);
    }
  }
  EXPECT_THAT(CheckTrainerFormat(TrainerFormat::kMessages, TrainingKind::kDpo).error().message,
              HasSubstr("cannot say dpo data; use trl"));
}

TEST(TrainingExportTest, OpenAiMessages) {
  EXPECT_EQ(Row(TrainerFormat::kMessages, TrainingKind::kSft, Long()),
            Expect(R"({"messages": [{"role": "system", "content": "Be brief."},
                                    {"role": "user", "content": "What is 2+2?"},
                                    {"role": "assistant", "content": "4"},
                                    {"role": "user", "content": "And 3+3?"},
                                    {"role": "assistant", "content": "6"}]})"));
  EXPECT_EQ(Row(TrainerFormat::kMessages, TrainingKind::kPpo, Simple()),
            Expect(R"({"messages": [{"role": "user", "content": "What is 2+2?"}]})"));
}

TEST(TrainingExportTest, ShareGpt) {
  EXPECT_EQ(Row(TrainerFormat::kShareGpt, TrainingKind::kSft, Long()),
            Expect(R"({"conversations": [{"from": "human", "value": "What is 2+2?"},
                                         {"from": "gpt", "value": "4"},
                                         {"from": "human", "value": "And 3+3?"},
                                         {"from": "gpt", "value": "6"}],
                       "system": "Be brief."})"));
  EXPECT_EQ(Row(TrainerFormat::kShareGpt, TrainingKind::kRewardModel, Simple()),
            Expect(R"({"conversations": [{"from": "human", "value": "What is 2+2?"}],
                       "chosen": {"from": "gpt", "value": "4"},
                       "rejected": {"from": "gpt", "value": "5"}, "system": ""})"));
}

TEST(TrainingExportTest, Alpaca) {
  EXPECT_EQ(Row(TrainerFormat::kAlpaca, TrainingKind::kSft, Long()),
            Expect(R"({"instruction": "And 3+3?", "input": "", "output": "6",
                       "system": "Be brief.", "history": [["What is 2+2?", "4"]]})"));
  EXPECT_EQ(Row(TrainerFormat::kAlpaca, TrainingKind::kDpo, Simple()),
            Expect(R"({"instruction": "What is 2+2?", "input": "", "chosen": "4",
                       "rejected": "5", "system": "", "history": []})"));
}

TEST(TrainingExportTest, TrlConversational) {
  EXPECT_EQ(Row(TrainerFormat::kTrl, TrainingKind::kSft, Simple()),
            Expect(R"({"prompt": [{"role": "user", "content": "What is 2+2?"}],
                       "completion": [{"role": "assistant", "content": "4"}]})"));
  const Json dpo = Row(TrainerFormat::kTrl, TrainingKind::kDpo, Long());
  EXPECT_EQ(dpo["prompt"].size(), 4U);
  EXPECT_EQ(dpo["prompt"].back()["role"], "user");
  EXPECT_EQ(dpo["chosen"], Expect(R"([{"role": "assistant", "content": "6"}])"));
  EXPECT_EQ(dpo["rejected"], Expect(R"([{"role": "assistant", "content": "7"}])"));
  EXPECT_EQ(dpo["margin"], 2);
  EXPECT_EQ(Row(TrainerFormat::kTrl, TrainingKind::kRewardModel, Simple()),
            Expect(R"({"chosen": [{"role": "user", "content": "What is 2+2?"},
                                  {"role": "assistant", "content": "4"}],
                       "rejected": [{"role": "user", "content": "What is 2+2?"},
                                    {"role": "assistant", "content": "5"}],
                       "margin": 3.5})"));
  EXPECT_EQ(Row(TrainerFormat::kTrl, TrainingKind::kPpo, Simple()),
            Expect(R"({"prompt": [{"role": "user", "content": "What is 2+2?"}]})"));
}

TEST(TrainingExportTest, TrlPlainCompletionsContinueThePrompt) {
  EXPECT_EQ(
      Row(TrainerFormat::kTrlPlain, TrainingKind::kDpo, Long()),
      Expect(R"({"prompt": "System: Be brief.\n\nUser: What is 2+2?\n\nAssistant: 4\n\nUser: )"
             R"(And 3+3?\n\nAssistant:", "chosen": " 6", "rejected": " 7", "margin": 2})"));
  EXPECT_EQ(Row(TrainerFormat::kTrlPlain, TrainingKind::kRewardModel, Simple()),
            Expect(R"({"chosen": "User: What is 2+2?\n\nAssistant: 4",
                       "rejected": "User: What is 2+2?\n\nAssistant: 5", "margin": 3.5})"));
}

TEST(TrainingExportTest, OpenRlhf) {
  EXPECT_EQ(Row(TrainerFormat::kOpenRlhf, TrainingKind::kSft, Simple()),
            Expect(R"({"input": [{"role": "user", "content": "What is 2+2?"},
                                 {"role": "assistant", "content": "4"}]})"));
  EXPECT_EQ(Row(TrainerFormat::kOpenRlhf, TrainingKind::kRewardModel, Simple()),
            Expect(R"({"prompt": [{"role": "user", "content": "What is 2+2?"}],
                       "chosen": [{"role": "assistant", "content": "4"}],
                       "rejected": [{"role": "assistant", "content": "5"}], "margin": 3.5})"));
  EXPECT_EQ(Row(TrainerFormat::kOpenRlhf, TrainingKind::kPpo, Simple()),
            Expect(R"({"input": [{"role": "user", "content": "What is 2+2?"}]})"));
}

TEST(TrainingExportTest, ARejectedAnswerThatWasCutSaysSo) {
  TrainingExample cut = Simple();
  cut.is_rejected_cut = true;
  for (const TrainerFormat format : {TrainerFormat::kTrl, TrainerFormat::kOpenRlhf}) {
    EXPECT_TRUE(CanSayCut(format));
    for (const TrainingKind kind : {TrainingKind::kDpo, TrainingKind::kRewardModel}) {
      const Json row = Row(format, kind, cut);
      EXPECT_EQ(row["rejected"].back(),
                Expect(R"({"role": "assistant", "content": "5", "cut": true})"));
      EXPECT_FALSE(row["chosen"].back().contains("cut"));
    }
  }
  EXPECT_FALSE(CanSayCut(TrainerFormat::kLlamaFactory));
}

TEST(TrainingExportTest, KtoLabelsEachAnswer) {
  TrainingExample bad = Simple();
  bad.answer = "5";
  bad.is_desirable = false;
  for (const bool desirable : {true, false}) {
    const TrainingExample example = desirable ? Simple() : bad;
    const char* text = desirable ? "4" : "5";
    const Json trl = Row(TrainerFormat::kTrl, TrainingKind::kKto, example);
    EXPECT_EQ(Members(trl), (std::set<std::string>{"prompt", "completion", "label"}));
    EXPECT_EQ(trl["label"], desirable);
    EXPECT_EQ(trl["completion"][0]["content"], text);
    const Json rlhf = Row(TrainerFormat::kOpenRlhf, TrainingKind::kKto, example);
    EXPECT_EQ(rlhf["label"], desirable ? 1 : 0);
    EXPECT_EQ(rlhf["output"].back()["content"], text);
    const Json alpaca = Row(TrainerFormat::kAlpaca, TrainingKind::kKto, example);
    EXPECT_EQ(alpaca["kto_tag"], desirable);
    EXPECT_EQ(alpaca["output"], text);
    const Json sharegpt = Row(TrainerFormat::kShareGpt, TrainingKind::kKto, example);
    EXPECT_EQ(sharegpt["kto_tag"], desirable);
    EXPECT_EQ(sharegpt["conversations"].back(), Json({{"from", "gpt"}, {"value", text}}));
    EXPECT_EQ(Row(TrainerFormat::kTrlPlain, TrainingKind::kKto, example)["completion"],
              std::string(" ") + text);
  }
}

// What LLaMA-Factory's readers do with the columns, written down a second time: the columns that
// the info names must be there with the right types, and roles alternate with the right parity.
void CheckLlamaFactoryRow(const Json& info, const Json& row) {
  const bool ranking = info.value("ranking", false);
  for (const auto& [use, column] : info["columns"].items()) {
    ASSERT_TRUE(row.contains(column.get<std::string>())) << use;
  }
  if (info["formatting"] == "alpaca") {
    for (const char* name : {"instruction", "input", "output", "system"}) {
      EXPECT_TRUE(row[name].is_string()) << name;
    }
    for (const Json& exchange : row["history"]) EXPECT_EQ(exchange.size(), 2U);
    return;
  }
  const Json& turns = row[info["columns"]["messages"].get<std::string>()];
  for (std::size_t i = 0; i < turns.size(); ++i) {
    EXPECT_EQ(turns[i][info["tags"]["role_tag"].get<std::string>()],
              info["tags"][i % 2 == 0 ? "user_tag" : "assistant_tag"]);
    EXPECT_TRUE(turns[i][info["tags"]["content_tag"].get<std::string>()].is_string());
  }
  EXPECT_EQ(turns.size() % 2, ranking ? 1U : 0U);
  if (!ranking) return;
  for (const char* side : {"chosen", "rejected"}) {
    EXPECT_EQ(row[side]["from"], info["tags"]["assistant_tag"]);
    EXPECT_TRUE(row[side]["value"].is_string());
  }
}

TEST(TrainingExportTest, LlamaFactoryRowsFitTheirDatasetInfo) {
  for (const TrainingKind kind : kKinds) {
    const auto text = LlamaFactoryDatasetInfo("", "mine", "mine.jsonl", kind);
    ASSERT_TRUE(text.ok());
    const Json info = ParseJson(*text).value_or(Json())["mine"];
    EXPECT_EQ(info["file_name"], "mine.jsonl");
    EXPECT_EQ(info.contains("ranking"), IsPreference(kind));
    EXPECT_EQ(info["columns"].contains("kto_tag"), kind == TrainingKind::kKto);
    for (const TrainingExample& example : {Simple(), Long()}) {
      CheckLlamaFactoryRow(info, Row(TrainerFormat::kLlamaFactory, kind, example));
    }
  }
}

TEST(TrainingExportTest, DatasetInfoKeepsOtherDatasets) {
  const auto one = LlamaFactoryDatasetInfo("", "one", "one.jsonl", TrainingKind::kSft);
  const auto two = LlamaFactoryDatasetInfo(*one, "two", "two.jsonl", TrainingKind::kDpo);
  const Json info = ParseJson(*two).value_or(Json());
  EXPECT_EQ(Members(info), (std::set<std::string>{"one", "two"}));
  EXPECT_EQ(LlamaFactoryDatasetInfo(*two, "two", "two.jsonl", TrainingKind::kDpo).value_or(""),
            *two);
  EXPECT_FALSE(LlamaFactoryDatasetInfo("[1]", "x", "x.jsonl", TrainingKind::kSft).ok());
  EXPECT_FALSE(LlamaFactoryDatasetInfo("{", "x", "x.jsonl", TrainingKind::kSft).ok());
}

TEST(TrainingExportTest, FormatsWithTurnsRefuseOtherOrders) {
  const Conversation two_questions = {{Role::kUser, "a"}, {Role::kUser, "b"}};
  const Conversation late_system = {
      {Role::kUser, "a"}, {Role::kAssistant, "b"}, {Role::kSystem, "s"}, {Role::kUser, "c"}};
  for (const TrainerFormat format : kFormats) {
    const bool has_turns = format == TrainerFormat::kShareGpt || format == TrainerFormat::kAlpaca ||
                           format == TrainerFormat::kLlamaFactory;
    EXPECT_TRUE(CanHold(format, Simple().prompt));
    EXPECT_TRUE(CanHold(format, Long().prompt));
    EXPECT_EQ(CanHold(format, two_questions), !has_turns);
    EXPECT_EQ(CanHold(format, late_system), !has_turns);
  }
}

TEST(TrainingExportTest, AnyBytesMakeValidRows) {
  TrainingExample example = Simple();
  example.answer = std::string("a\xFF\0\"\n\xE2\x80\xA8", 8);
  for (const TrainerFormat format : kFormats) {
    for (const TrainingKind kind : kKinds) {
      if (!CheckTrainerFormat(format, kind).ok()) continue;
      EXPECT_TRUE(Row(format, kind, example).is_object());
    }
  }
}

}  // namespace
}  // namespace arena
