#include "battle/internal/chunk.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/interrupt.h"
#include "base/parallel.h"

namespace arena {
namespace {

constexpr std::chrono::milliseconds kTick{100};

bool IsDone(const std::optional<Answer>& answer) {
  return answer && answer->state == WorkState::kDone;
}

unsigned ThreadsFor(unsigned wanted, unsigned otherwise) {
  if (wanted == 0) wanted = otherwise;
  return wanted == 0 ? DefaultThreads() : wanted;
}

}  // namespace

ChunkPlay::ChunkPlay(const ChunkSetting& setting, std::span<const Instruction> chunk)
    : setting_(setting), chunk_(chunk) {
  const std::size_t slots = chunk.size() * setting.playing.size();
  answers_.resize(slots);
  texts_.resize(slots);
  earlier_.resize(slots);
  meetings_of_.resize(slots);
  OpenMeetings();
}

std::size_t ChunkPlay::SlotOf(std::size_t instruction, std::size_t model) const {
  const auto p = std::find(setting_.playing.begin(), setting_.playing.end(), model);
  return instruction * setting_.playing.size() +
         static_cast<std::size_t>(p - setting_.playing.begin());
}

void ChunkPlay::OpenMeetings() {
  meetings_.reserve(chunk_.size() * setting_.pairs.size());
  for (std::size_t i = 0; i < chunk_.size(); ++i) {
    for (std::size_t pair = 0; pair < setting_.pairs.size(); ++pair) {
      if (!Wants(setting_.options, chunk_[i].key, pair)) continue;
      const auto& [a, b] = setting_.pairs[pair];
      const Meeting meeting{i, SlotOf(i, a), SlotOf(i, b)};
      meetings_of_[meeting.slot_a].push_back(meetings_.size());
      meetings_of_[meeting.slot_b].push_back(meetings_.size());
      meetings_.push_back(meeting);
    }
  }
}

Status ChunkPlay::LoadAnswers() {
  std::vector<Key> keys;
  keys.reserve(answers_.size());
  for (const Instruction& instruction : chunk_) {
    for (const std::size_t m : setting_.playing) {
      keys.push_back(AnswerKey(setting_.models[m]->contestant().key(), instruction.key, 0));
    }
  }
  ARENA_ASSIGN_OR_RETURN(auto stored, setting_.store.GetAnswers(keys));
  for (std::size_t slot = 0; slot < stored.size(); ++slot) {
    if (!stored[slot]) continue;
    if (!IsDone(stored[slot]) && setting_.options.retry_failed) {
      earlier_[slot] = std::move(stored[slot]);
    } else {
      SetAnswer(slot, std::move(*stored[slot]));
    }
  }
  return {};
}

std::vector<std::size_t> ChunkPlay::MissingOf(std::size_t p) const {
  std::vector<std::size_t> slots;
  for (std::size_t slot = p; slot < answers_.size(); slot += setting_.playing.size()) {
    if (!answers_[slot] && !meetings_of_[slot].empty()) slots.push_back(slot);
  }
  return slots;
}

bool ChunkPlay::IsStopped() {
  const std::lock_guard lock(mutex_);
  if (!is_stopped_ && Interrupted()) {
    is_stopped_ = true;
    stopped_ = "stopped by the user";
    work_.notify_all();
  }
  return is_stopped_;
}

void ChunkPlay::StopWith(const Error& error) {
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  if (error.code == ErrorCode::kCancelled) {
    if (stopped_.empty()) stopped_ = error.message;
  } else if (!error_) {
    error_ = error;
  }
  work_.notify_all();
}

void ChunkPlay::SetAnswer(std::size_t slot, Answer&& answer) {
  const Key text = TextKey(answer.turns);
  const std::lock_guard lock(mutex_);
  texts_[slot] = text;
  answers_[slot] = std::move(answer);
  bool is_ready = false;
  for (const std::size_t m : meetings_of_[slot]) {
    Meeting& meeting = meetings_[m];
    if (--meeting.waiting > 0) continue;
    if (!IsDone(answers_[meeting.slot_a]) || !IsDone(answers_[meeting.slot_b])) continue;
    ready_.push_back(&meeting);
    is_ready = true;
  }
  if (is_ready) work_.notify_one();
}

void ChunkPlay::TakeAnswer(std::size_t slot, Answer&& answer) {
  // Without an attempt nothing is known of this answer: the next run may ask for it.
  const bool was_asked = answer.attempts > 0;
  if (const auto& earlier = earlier_[slot]) {
    answer.attempts += earlier->attempts;
    AddUsage(earlier->usage, answer.usage);
  }
  if (was_asked) {
    if (const Status put = setting_.store.PutAnswers({&answer, 1}); !put.ok()) {
      return StopWith(put.error());
    }
  }
  answer.raw_reply.clear();
  answer.reasoning.clear();
  SetAnswer(slot, std::move(answer));
  const std::lock_guard lock(mutex_);
  ++counts_.answers;
}

void ChunkPlay::AskOneByOne(std::size_t p, const std::vector<std::size_t>& slots,
                            std::size_t& next) {
  ChatModel& model = *setting_.models[setting_.playing[p]];
  while (!IsStopped()) {
    std::size_t slot = 0;
    {
      const std::lock_guard lock(mutex_);
      if (next == slots.size()) return;
      slot = slots[next++];
    }
    auto answer = model.Respond(chunk_[slot / setting_.playing.size()], 0);
    if (!answer.ok()) return StopWith(answer.error());
    TakeAnswer(slot, std::move(*answer));
  }
}

void ChunkPlay::AskAsUnit(std::size_t p) {
  if (IsStopped()) return;
  ChatModel& model = *setting_.models[setting_.playing[p]];
  std::vector<const Instruction*> all;
  for (const Instruction& instruction : chunk_) all.push_back(&instruction);
  auto fresh = model.RespondAll(all, 0, setting_.options.threads);
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    const std::size_t slot = i * setting_.playing.size() + p;
    if (!fresh[i]) continue;  // interrupted before it was asked
    if (!fresh[i]->ok()) return StopWith(fresh[i]->error());
    bool is_there = false;
    {
      const std::lock_guard lock(mutex_);
      is_there = answers_[slot].has_value();
    }
    // What was stored before stays as it is.
    if (!is_there) TakeAnswer(slot, std::move(**fresh[i]));
  }
}

Battle ChunkPlay::BattleOf(const Meeting& meeting) const {
  const Instruction& instruction = chunk_[meeting.instruction];
  const Answer& answer_a = *answers_[meeting.slot_a];
  const Answer& answer_b = *answers_[meeting.slot_b];
  const Key& judge = setting_.judge_key;
  Battle battle;
  battle.instruction = instruction.key;
  battle.contestant_a = answer_a.contestant;
  battle.contestant_b = answer_b.contestant;
  battle.answer_a = answer_a.key;
  battle.answer_b = answer_b.key;
  battle.judge = judge;
  battle.key = BattleKey(battle.answer_a, battle.answer_b, judge, 0);
  // Without both answers there is no game: the zero keys name none and the battle is void.
  if (answer_a.state == WorkState::kDone && answer_b.state == WorkState::kDone) {
    const Key& text_a = texts_[meeting.slot_a];
    const Key& text_b = texts_[meeting.slot_b];
    battle.game_ab = GameKey(instruction, text_a, text_b, judge, 0);
    battle.game_ba = GameKey(instruction, text_b, text_a, judge, 0);
  }
  return battle;
}

// Which games of these meetings are stored, and which must be judged.
Status ChunkPlay::FindGames(const std::vector<const Meeting*>& ready) {
  std::vector<PendingGame> needed;
  std::vector<Key> keys;
  {
    const std::lock_guard lock(mutex_);
    for (const Meeting* meeting : ready) {
      const Battle battle = BattleOf(*meeting);
      const std::size_t a = meeting->slot_a, b = meeting->slot_b;
      for (const PendingGame& game : {PendingGame{battle.game_ab, meeting->instruction, a, b},
                                      PendingGame{battle.game_ba, meeting->instruction, b, a}}) {
        if (!queued_.insert(game.key).second) continue;
        needed.push_back(game);
        keys.push_back(game.key);
      }
    }
  }
  ARENA_ASSIGN_OR_RETURN(auto stored, setting_.store.GetGames(keys));
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < needed.size(); ++i) {
    const bool is_done = stored[i] && stored[i]->state == WorkState::kDone;
    if (!stored[i] || (!is_done && setting_.options.retry_failed)) {
      if (stored[i]) {
        needed[i].attempts = stored[i]->attempts;
        needed[i].usage = stored[i]->usage;
      }
      pending_.push_back(std::move(needed[i]));
    } else {
      games_.emplace(needed[i].key, std::move(*stored[i]));
    }
  }
  return {};
}

void ChunkPlay::JudgeOne(const PendingGame& pending) {
  // An answer that is there stays as it is, so it can be read without the lock.
  const Answer* first = nullptr;
  const Answer* second = nullptr;
  {
    const std::lock_guard lock(mutex_);
    first = &*answers_[pending.first];
    second = &*answers_[pending.second];
  }
  auto played = setting_.judge.Play({chunk_[pending.instruction], first->turns, second->turns});
  if (!played.ok()) return StopWith(played.error());
  played->key = pending.key;
  played->judge = setting_.judge_key;
  played->attempts += pending.attempts;
  AddUsage(pending.usage, played->usage);
  if (const Status put = setting_.store.PutGames({&*played, 1}); !put.ok()) {
    return StopWith(put.error());
  }
  played->raw_reply.clear();
  played->verdict.explanation.clear();
  const std::lock_guard lock(mutex_);
  fresh_.insert(pending.key);
  games_.insert_or_assign(pending.key, std::move(*played));
  ++counts_.games;
}

void ChunkPlay::JudgeGames() {
  while (!IsStopped()) {
    std::unique_lock lock(mutex_);
    if (!pending_.empty()) {
      const PendingGame game = pending_.front();
      pending_.pop_front();
      lock.unlock();
      JudgeOne(game);
    } else if (!ready_.empty()) {
      const std::vector<const Meeting*> ready(ready_.begin(), ready_.end());
      ready_.clear();
      ++finding_;
      lock.unlock();
      if (const Status found = FindGames(ready); !found.ok()) StopWith(found.error());
      lock.lock();
      --finding_;
      work_.notify_all();
    } else if (asking_ == 0 && finding_ == 0) {
      return;
    } else {
      work_.wait_for(lock, kTick);
    }
  }
}

Status ChunkPlay::Play(FunctionRef<void(const Counts&)> tick) {
  ARENA_RETURN_IF_ERROR(setting_.store.PutInstructions(chunk_));
  ARENA_RETURN_IF_ERROR(LoadAnswers());
  std::vector<std::vector<std::size_t>> missing(setting_.playing.size());
  std::vector<std::size_t> next(setting_.playing.size());
  std::vector<std::size_t> units;
  std::vector<std::jthread> threads;
  const auto start = [&](std::size_t& running, auto body) {
    const std::lock_guard lock(mutex_);
    ++running;
    threads.emplace_back([this, &running, body] {
      body();
      const std::lock_guard ending(mutex_);
      --running;
      work_.notify_all();
      ended_.notify_all();
    });
  };
  for (std::size_t p = 0; p < setting_.playing.size(); ++p) {
    const std::lock_guard lock(mutex_);
    missing[p] = MissingOf(p);
  }
  const unsigned most = setting_.options.threads;
  for (std::size_t p = 0; p < missing.size(); ++p) {
    const ChatModel& model = *setting_.models[setting_.playing[p]];
    if (missing[p].empty()) continue;
    if (model.answers_as_unit()) {
      units.push_back(p);
      continue;
    }
    const auto count =
        std::min<std::size_t>(ThreadsFor(model.answers_at_once(), most), missing[p].size());
    for (std::size_t t = 0; t < count; ++t) {
      start(asking_, [&, p] { AskOneByOne(p, missing[p], next[p]); });
    }
  }
  // One after the other: each takes the whole machine.
  if (!units.empty()) {
    start(asking_, [&] {
      for (const std::size_t p : units) AskAsUnit(p);
    });
  }
  const auto judges =
      std::min<std::size_t>(ThreadsFor(setting_.judge.games_at_once(), most), 2 * meetings_.size());
  for (std::size_t t = 0; t < judges; ++t) start(judging_, [this] { JudgeGames(); });
  {
    std::unique_lock lock(mutex_);
    while (asking_ + judging_ > 0) {
      ended_.wait_for(lock, kTick);
      const Counts counts = counts_;
      lock.unlock();
      tick(counts);
      lock.lock();
    }
  }
  threads.clear();
  if (error_) return *error_;
  return {};
}

void ChunkPlay::CountAnswers(BattleRunProgress& progress) const {
  for (std::size_t slot = 0; slot < answers_.size(); ++slot) {
    if (!answers_[slot] || answers_[slot]->state != WorkState::kFailed) continue;
    if (meetings_of_[slot].empty()) continue;
    const std::size_t m = setting_.playing[slot % setting_.playing.size()];
    ++progress.failed_answers;
    ++progress.failed_by_kind[std::string(FailureKindName(answers_[slot]->failure))];
    progress.NoteFailure(fmt::format("answer of {}: {}", setting_.models[m]->contestant().name,
                                     answers_[slot]->error));
  }
}

void ChunkPlay::CountGame(const Key& key, std::unordered_set<Key, KeyHash>& seen,
                          BattleRunProgress& progress) const {
  const auto found = games_.find(key);
  if (found == games_.end() || found->second.state == WorkState::kDone) return;
  if (!seen.insert(key).second) return;
  ++progress.failed_games;
  ++progress.failed_by_kind[std::string(FailureKindName(found->second.failure))];
  progress.NoteFailure(fmt::format("game {}: {}", key.Hex().substr(0, 12), found->second.error));
}

std::vector<Battle> ChunkPlay::Finish(BattleRunProgress& progress) const {
  CountAnswers(progress);
  progress.games_played += counts_.games;
  progress.answers_asked += counts_.answers;
  std::unordered_set<Key, KeyHash> seen;
  std::vector<Battle> finished;
  for (const Meeting& meeting : meetings_) {
    if (meeting.waiting > 0) continue;
    const Battle battle = BattleOf(meeting);
    const bool is_void = battle.game_ab == Key{};
    if (!is_void && (!games_.contains(battle.game_ab) || !games_.contains(battle.game_ba)))
      continue;
    if (!is_void) {
      CountGame(battle.game_ab, seen, progress);
      CountGame(battle.game_ba, seen, progress);
    }
    finished.push_back(battle);
    ++progress.battles_finished;
    const bool is_new = fresh_.contains(battle.game_ab) || fresh_.contains(battle.game_ba);
    if (!is_new) ++progress.battles_kept;
  }
  return finished;
}

}  // namespace arena
