// The store's speed beside what its database library does with the least possible work.
//
//   store_bench [BATTLES] [ROUNDS]
//
// Each round writes the same number of rows three ways: through plain SOCI into a table of two
// columns in SQLite's default mode and in the store's mode (a prepared statement, transactions of
// 1,000 rows), and through the store's interface, from the first put until Flush has returned. Then
// the store is read. The figures printed are medians of the rounds.
#include <fmt/format.h>
#include <soci/soci.h>
#include <soci/sqlite3/soci-sqlite3.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <vector>

#include "base/rng.h"
#include "store/store.h"
#include "store/store_fixture.h"

namespace {

using arena::Answer;
using arena::AnswerKey;
using arena::Battle;
using arena::BattleKey;
using arena::BattleRecord;
using arena::Contestant;
using arena::Game;
using arena::Instruction;
using arena::Key;
using arena::Rng;
using arena::Status;
using arena::Store;

constexpr int kContestants = 20;
constexpr int kBatchRows = 1000;
constexpr std::size_t kExplanationBytes = 60;

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void Check(const Status& status) {
  if (status.ok()) return;
  fmt::print(stderr, "store_bench: {}\n", status.error().message);
  std::exit(1);
}

/// Rows per second of plain SOCI.
double RawRate(int rows, const std::vector<std::string>& settings) {
  const arena::TemporaryFolder folder;
  soci::session session(soci::sqlite3, "db=\"" + (folder / "raw.db") + "\"");
  for (const std::string& setting : settings) session << setting;
  session << "CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)";
  int key = 0;
  std::string text = "a short text";
  soci::statement insert =
      (session.prepare << "INSERT INTO t (k, v) VALUES (:k, :v)", soci::use(key), soci::use(text));
  const auto start = std::chrono::steady_clock::now();
  while (key < rows) {
    soci::transaction transaction(session);
    for (int i = 0; i < kBatchRows && key < rows; ++i) {
      insert.execute(true);
      ++key;
    }
    transaction.commit();
  }
  return rows / SecondsSince(start);
}

/// All pairs of contestants on as many instructions as it takes.
struct Material {
  arena::JudgeIdentity judge{"judge", "", "{}"};
  std::vector<Contestant> contestants;
  std::vector<Instruction> instructions;
  std::vector<Answer> answers;
  std::vector<std::array<Game, 2>> games;  ///< of the battle at the same place
  std::vector<Battle> battles;
};

std::string Sentence(Rng& rng) {
  std::string text(kExplanationBytes, ' ');
  for (char& c : text) c = static_cast<char>('a' + rng.Below(26));
  return text;
}

void AddBattle(Material& material, const Instruction& instruction, const Answer& a, const Answer& b,
               Rng& rng) {
  Battle battle;
  battle.instruction = instruction.key;
  battle.contestant_a = a.contestant;
  battle.contestant_b = b.contestant;
  battle.answer_a = a.key;
  battle.answer_b = b.key;
  battle.judge = material.judge.key();
  battle.key = BattleKey(a.key, b.key, battle.judge, 0);
  std::array<Game, 2> games;
  for (const bool a_first : {true, false}) {
    const Key text_a = arena::TextKey(a.turns);
    const Key text_b = arena::TextKey(b.turns);
    Game& game = games[a_first ? 0 : 1];
    game.key =
        GameKey(instruction, a_first ? text_a : text_b, a_first ? text_b : text_a, battle.judge, 0);
    game.judge = battle.judge;
    game.state = arena::WorkState::kDone;
    game.verdict = {1.0 + static_cast<double>(rng.Below(10)),
                    1.0 + static_cast<double>(rng.Below(10)), Sentence(rng)};
  }
  battle.game_ab = games[0].key;
  battle.game_ba = games[1].key;
  material.games.push_back(std::move(games));
  material.battles.push_back(battle);
}

Material MakeMaterial(std::size_t battles) {
  Material material;
  Rng rng(1);
  for (int i = 0; i < kContestants; ++i) {
    material.contestants.push_back(
        {fmt::format("model-{}", i), "", fmt::format("{{\"n\":{}}}", i)});
  }
  std::sort(material.contestants.begin(), material.contestants.end(),
            [](const Contestant& x, const Contestant& y) { return x.key() < y.key(); });
  while (material.battles.size() < battles) {
    const Instruction instruction =
        arena::MakeInstruction(fmt::format("question {}", material.instructions.size()));
    const std::size_t first = material.answers.size();
    for (const Contestant& contestant : material.contestants) {
      Answer answer;
      answer.contestant = contestant.key();
      answer.instruction = instruction.key;
      answer.key = AnswerKey(answer.contestant, answer.instruction, 0);
      answer.turns = {Sentence(rng)};
      answer.style = {static_cast<double>(rng.Below(500)), 1, 2, 3};
      material.answers.push_back(std::move(answer));
    }
    for (std::size_t a = first; a < material.answers.size(); ++a) {
      for (std::size_t b = a + 1; b < material.answers.size(); ++b) {
        if (material.battles.size() == battles) break;
        AddBattle(material, instruction, material.answers[a], material.answers[b], rng);
      }
    }
    material.instructions.push_back(instruction);
  }
  return material;
}

struct StoreRates {
  double written = 0;  ///< rows per second
  double scanned = 0;  ///< battles per second
};

StoreRates MeasureStore(const Material& material, bool survive_power_loss) {
  const arena::TemporaryFolder folder;
  auto opened = arena::OpenStore(folder / "store.db", {.survive_power_loss = survive_power_loss});
  if (!opened.ok()) Check(opened.error());
  Store& store = **opened;
  Check(store.PutJudge(material.judge));
  for (const Contestant& contestant : material.contestants) {
    Check(store.PutContestant(contestant));
  }
  Check(store.PutInstructions(material.instructions));
  Check(store.PutAnswers(material.answers));
  Check(store.Flush());

  StoreRates rates;
  auto start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < material.battles.size(); ++i) {
    Check(store.PutGames(material.games[i]));
    Check(store.PutBattles({&material.battles[i], 1}));
  }
  Check(store.Flush());
  rates.written = static_cast<double>(3 * material.battles.size()) / SecondsSince(start);

  std::size_t count = 0;
  start = std::chrono::steady_clock::now();
  Check(store.ForEachBattle({}, [&](const BattleRecord& record) -> Status {
    count += record.games[0].is_void ? 0 : 1;
    return {};
  }));
  rates.scanned = static_cast<double>(count) / SecondsSince(start);
  if (count != material.battles.size()) Check(arena::InternalError("battles are missing"));
  return rates;
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

long NumberOr(int argc, char** argv, int index, long otherwise) {
  if (index >= argc) return otherwise;
  const std::string_view text = argv[index];
  long number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < 1) {
    fmt::print(stderr, "usage: store_bench [BATTLES] [ROUNDS]\n");
    std::exit(2);
  }
  return number;
}

}  // namespace

int main(int argc, char** argv) {
  const long battles = NumberOr(argc, argv, 1, 100'000);
  const long rounds = NumberOr(argc, argv, 2, 5);
  const Material material = MakeMaterial(static_cast<std::size_t>(battles));
  const int rows = static_cast<int>(3 * battles);
  std::vector<double> raw_default, raw_wal, full, normal, scanned;
  for (long round = 0; round < rounds; ++round) {
    raw_default.push_back(RawRate(rows, {}));
    raw_wal.push_back(RawRate(rows, {"PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"}));
    const StoreRates rates = MeasureStore(material, true);
    full.push_back(rates.written);
    scanned.push_back(rates.scanned);
    normal.push_back(MeasureStore(material, false).written);
  }
  const auto print = [&](const char* what, const std::vector<double>& rates) {
    fmt::print("{:<52} {:>9.0f}/s  {:>6.2f}  {:>6.2f}\n", what, Median(rates),
               Median(rates) / Median(raw_default), Median(rates) / Median(raw_wal));
  };
  fmt::print("{} rows, median of {} rounds{:>32}  {:>6}  {:>6}\n", rows, rounds, "", "/raw",
             "/WAL");
  print("SOCI, two columns, SQLite's defaults: rows", raw_default);
  print("SOCI, two columns, WAL: rows", raw_wal);
  print("store, games and battles: rows", full);
  print("store, survive_power_loss = false: rows", normal);
  print("store, ForEachBattle: battles", scanned);
  return 0;
}
