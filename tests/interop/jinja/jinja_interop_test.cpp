// Chat templates of real models and of our own give the same text as npm's @huggingface/jinja and
// as Python's Jinja2.
//
// Needs node and the packages of this folder (npm ci --ignore-scripts), and python3-jinja2.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/json.h"
#include "text/chat_template.h"

namespace arena {
namespace {

namespace fs = std::filesystem;

const fs::path kHere = ARENA_SOURCE_DIR "/tests/interop/jinja";

struct Case {
  const ChatTemplate* chat_template;
  std::string label;
  Conversation conversation;
  RenderOptions options;
};

std::vector<Conversation> Conversations() {
  const auto user = [](std::string text) { return Message{Role::kUser, std::move(text)}; };
  const auto model = [](std::string text) { return Message{Role::kAssistant, std::move(text)}; };
  const Message system{Role::kSystem, "  Be brief.\n"};
  return {
      {user("What is 2+2?")},
      {system, user("What is 2+2?")},
      {user(" Hi \n"), model("Hello!\n"), user("Why?")},
      {system, user("a"), model("b"), user("W"), model("d"), user("e.")},
      {user("Think."), model("<think>\nfirst\n</think>\n\nDone."), user("More."),
       model("<think>\nx</think>y")},
      {user("{{ 7*7 }} {% for %} <|im_start|>system </s> [/INST] <|eot_id|>")},
      {user("Größe \xE6\x9D\xB1\xE4\xBA\xAC \xF0\x9F\x98\x80 \xC2\xA0"), model("\"quoted\"\t'"),
       user("<tool_response>x</tool_response>")},
      {user("a"), user("b")},
      {model("first"), user("second")},
      {system},
      {user("")},
  };
}

// By name; those of packages are named after them.
void AddTemplates(std::map<std::string, ChatTemplate>& templates) {
  const auto add = [&](const std::string& name, Result<ChatTemplate> parsed) {
    if (parsed.ok()) {
      templates.emplace(name, std::move(*parsed));
    } else {
      ADD_FAILURE() << name << ": " << parsed.error().message;
    }
  };
  for (const std::string_view name : ChatTemplateNames()) {
    add(std::string(name), ChatTemplate::Named(name));
  }
  // ARENA_TEMPLATES: a directory with further *.jinja files to compare.
  const char* extra = std::getenv("ARENA_TEMPLATES");
  for (const fs::path& folder : {kHere / "templates", fs::path(extra == nullptr ? "" : extra)}) {
    if (folder.empty()) continue;
    for (const auto& entry : fs::directory_iterator(folder)) {
      const auto source = ReadFile(entry.path());
      ASSERT_TRUE(source.ok()) << source.error().message;
      const std::string name = entry.path().filename().string();
      add(name, ChatTemplate::Parse(*source, name, {"<s>", "</s>", {}}));
    }
  }
  const fs::path packages = kHere / "node_modules/@lenml";
  if (!fs::exists(packages)) return;
  for (const auto& entry : fs::directory_iterator(packages)) {
    auto loaded = LoadChatTemplate(entry.path() / "models");
    if (!loaded.ok() && loaded.error().code == ErrorCode::kNotFound) continue;
    add(entry.path().filename().string(), std::move(loaded));
  }
}

std::vector<Case> Cases(const std::map<std::string, ChatTemplate>& templates) {
  std::vector<Case> cases;
  for (const auto& [name, chat_template] : templates) {
    int index = 0;
    for (const Conversation& conversation : Conversations()) {
      RenderOptions options;
      for (const bool prompt : {false, true}) {
        options.add_generation_prompt = prompt;
        if (prompt) options.variables["enable_thinking"] = false;
        cases.push_back({&chat_template,
                         fmt::format("{}, conversation {}, prompt {}", name, index, prompt),
                         conversation, options});
      }
      ++index;
    }
  }
  return cases;
}

Json CaseJson(const Case& c) {
  Json messages = Json::array();
  for (const Message& message : c.conversation) {
    messages.push_back({{"role", RoleName(message.role)}, {"content", message.content}});
  }
  Json variables = {{"messages", std::move(messages)},
                    {"tools", nullptr},
                    {"documents", nullptr},
                    {"add_generation_prompt", c.options.add_generation_prompt},
                    {"bos_token", c.chat_template->tokens().bos},
                    {"eos_token", c.chat_template->tokens().eos}};
  if (c.options.add_generation_prompt) variables["enable_thinking"] = false;
  return {{"template", c.chat_template->source()}, {"variables", std::move(variables)}};
}

// What `command CASES OUTPUT` makes of the cases.
Json Reference(const std::string& command, const std::vector<Case>& cases) {
  Json input = Json::array();
  for (const Case& c : cases) input.push_back(CaseJson(c));
  const fs::path folder = testing::TempDir();
  const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  const fs::path input_path = folder / (name + ".cases.json");
  const fs::path output_path = folder / (name + ".results.json");
  EXPECT_TRUE(WriteFileAtomic(input_path, DumpJson(input)).ok());
  const std::string line =
      fmt::format("{} '{}' '{}'", command, input_path.string(), output_path.string());
  EXPECT_EQ(std::system(line.c_str()), 0) << line;
  const auto text = ReadFile(output_path);
  auto output = ParseJson(text.ok() ? *text : "");
  return output.ok() ? std::move(*output) : Json();
}

void ExpectEqualTexts(const std::string& command, const std::vector<Case>& cases) {
  const Json results = Reference(command, cases);
  ASSERT_EQ(results.size(), cases.size());
  std::size_t texts = 0;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    SCOPED_TRACE(cases[i].label);
    const auto rendered = cases[i].chat_template->Render(cases[i].conversation, cases[i].options);
    if (results[i].contains("error")) {
      EXPECT_FALSE(rendered.ok()) << results[i]["error"];
      continue;
    }
    EXPECT_TRUE(rendered.ok()) << rendered.error().message;
    if (!rendered.ok()) continue;
    EXPECT_EQ(rendered->text, results[i]["text"].get<std::string>());
    ++texts;
  }
  std::cout << texts << " texts of " << cases.size() << " cases; the others are refused\n";
  EXPECT_GT(texts, cases.size() / 2);
}

TEST(JinjaInteropTest, TextsEqualThoseOfJavaScript) {
  if (!fs::exists(kHere / "node_modules/@huggingface/jinja")) {
    GTEST_SKIP() << "run: npm ci --ignore-scripts, in tests/interop/jinja";
  }
  std::map<std::string, ChatTemplate> templates;
  AddTemplates(templates);
  templates.erase("python-only.jinja");
  ExpectEqualTexts(fmt::format("node '{}/reference.mjs'", kHere.string()), Cases(templates));
}

TEST(JinjaInteropTest, TextsEqualThoseOfPython) {
  if (std::system("/usr/bin/python3 -c 'import jinja2' 2> /dev/null") != 0) {
    GTEST_SKIP() << "no python3-jinja2";
  }
  std::map<std::string, ChatTemplate> templates;
  AddTemplates(templates);
  ExpectEqualTexts(fmt::format("/usr/bin/python3 '{}/reference.py'", kHere.string()),
                   Cases(templates));
}

}  // namespace
}  // namespace arena
