// `arena serve`: an OpenAI-compatible endpoint for a local checkpoint.
#include <fmt/format.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/interrupt.h"
#include "base/parallel.h"
#include "chat/local_model.h"
#include "cli/command.h"
#include "server/server.h"

namespace arena {
namespace {

constexpr std::chrono::milliseconds kPollTime{50};

struct ServeArguments {
  CommonOptions common;
  std::string model;
  std::string name;
  std::string chat_template;
  std::string precision = "auto";
  std::string host = "127.0.0.1";
  std::string token_env = "ARENA_TOKEN";
  bool token_env_given = false;
  int port = 8000;
  unsigned workers = 0;
  std::int64_t max_batch = 64;
  std::int64_t cache_mb = 512;
  std::int64_t queue = 256;
  std::int64_t grace_s = 30;
};

/// The directory's name, also of "." and of a path that ends with a slash.
std::string ModelName(const ServeArguments& arguments) {
  if (!arguments.name.empty()) return arguments.name;
  std::error_code error;
  const auto path = std::filesystem::canonical(arguments.model, error);
  return error ? arguments.model : path.filename().string();
}

Result<std::string> Token(const ServeArguments& arguments) {
  const char* const value = std::getenv(arguments.token_env.c_str());
  const std::string token = value == nullptr ? "" : value;
  if (token.empty() && arguments.token_env_given) {
    return InvalidInput(
        fmt::format("--token-env: the variable {} is not set", arguments.token_env));
  }
  return token;
}

LocalModelOptions ModelOptions(const ServeArguments& arguments) {
  LocalModelOptions options;
  options.pool.model = arguments.model;
  options.pool.precision = arguments.precision;
  options.pool.workers = arguments.workers == 0 ? DefaultThreads() : arguments.workers;
  options.pool.max_batch = arguments.max_batch;
  options.pool.cache_mb = arguments.cache_mb;
  options.chat_template = arguments.chat_template;
  return options;
}

void PrintReady(const std::string& name, const ApiServer& server, bool json) {
  if (json) {
    PrintText(DumpJson({{"model", name}, {"url", server.url()}, {"port", server.port()}}) + "\n");
  } else {
    PrintText(fmt::format("serving {} on {}\n", name, server.url()));
  }
  std::fflush(stdout);
}

Result<Exit> RunServe(const ServeArguments& arguments) {
  InstallInterruptHandler();
  ServerOptions options;
  ARENA_ASSIGN_OR_RETURN(options.token, Token(arguments));
  const LocalModelOptions model_options = ModelOptions(arguments);
  ARENA_ASSIGN_OR_RETURN(const auto model, LocalModel::Load(model_options));
  const SystemClock clock;
  std::random_device device;
  options.host = arguments.host;
  options.port = arguments.port;
  options.service.model_name = ModelName(arguments);
  options.service.places = model_options.pool.max_batch * model_options.pool.workers;
  options.service.queue = arguments.queue;
  options.service.seed = std::uint64_t{device()} << 32 | device();
  options.service.created =
      std::chrono::duration_cast<std::chrono::seconds>(clock.Now().time_since_epoch()).count();
  ARENA_ASSIGN_OR_RETURN(const auto server, ApiServer::Start(*model, clock, options));
  PrintReady(options.service.model_name, *server, arguments.common.json);
  while (!Interrupted()) std::this_thread::sleep_for(kPollTime);
  fmt::print(stderr, "arena serve: stopping; what is in flight has {} s\n", arguments.grace_s);
  const bool is_complete = server->Stop(std::chrono::seconds(arguments.grace_s));
  if (is_complete) return Exit::kDone;
  fmt::print(stderr, "arena serve: some requests were cancelled\n");
  return Exit::kFailuresListed;
}

void AddModelOptions(CLI::App& command, ServeArguments& arguments) {
  command.add_option("--model", arguments.model, "A checkpoint in Hugging Face layout")
      ->type_name("DIR")
      ->required();
  command.add_option("--name", arguments.name, "The model's name for clients (default: DIR's)");
  command.add_option("--template", arguments.chat_template,
                     "A built-in chat template in place of the model's own");
  command.add_option("--precision", arguments.precision, "auto, f32 or bf16")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "f32", "bf16"}));
  command
      .add_option("--workers", arguments.workers,
                  "Processes that run the model (default: one for each processor)")
      ->check(CLI::Range(1, 1024));
  command.add_option("--max-batch", arguments.max_batch, "Sequences at once in each worker")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command.add_option("--cache-mb", arguments.cache_mb, "Memory for keys and values in each worker")
      ->capture_default_str()
      ->check(CLI::Range(1, 1 << 20));
}

void AddServerOptions(CLI::App& command, ServeArguments& arguments) {
  command.add_option("--port", arguments.port, "0: any free one")
      ->capture_default_str()
      ->check(CLI::Range(0, 65535));
  command
      .add_option("--host", arguments.host,
                  "Address to listen on; one that others can reach needs a token")
      ->capture_default_str();
  command
      .add_option("--token-env", arguments.token_env,
                  "Environment variable with the bearer token of clients; where it is set, they "
                  "must send it")
      ->type_name("NAME")
      ->capture_default_str()
      ->each([&arguments](const std::string&) { arguments.token_env_given = true; });
  command
      .add_option("--queue", arguments.queue,
                  "Sequences that may wait for a place in a batch; beyond them clients get 429")
      ->capture_default_str()
      ->check(CLI::Range(0, 65536));
  command
      .add_option("--grace", arguments.grace_s,
                  "Seconds that requests in flight get after SIGINT or SIGTERM")
      ->capture_default_str()
      ->check(CLI::Range(0, 86400));
  AddJsonOption(command, arguments.common);
}

}  // namespace

void AddServe(CLI::App& app, Exit& exit) {
  CLI::App& command =
      *app.add_subcommand("serve", "OpenAI-compatible endpoint for a local checkpoint");
  auto arguments = std::make_shared<ServeArguments>();
  AddModelOptions(command, *arguments);
  AddServerOptions(command, *arguments);
  command.footer(
      "Answers /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/models, /health and "
      "/metrics.\nExample:\n  arena serve --model models/mini --port 8000");
  OnRun(command, exit, [arguments] { return RunServe(*arguments); });
}

}  // namespace arena
