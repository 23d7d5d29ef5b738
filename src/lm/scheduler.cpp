#include "lm/scheduler.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "lm/sequence.h"

namespace arena::lm {
namespace {

// Logits of this many numbers at once: 16 MB.
constexpr std::size_t kLogitsAtOnce = std::size_t{4} << 20;

const std::string& RequestId(const Request& request) {
  return std::visit([](const auto& kind) -> const std::string& { return kind.id; }, request);
}

const std::string& RequestId(const Sequence& sequence) {
  return sequence.unit ? sequence.unit->result.id : sequence.id;
}

struct Positions {
  std::size_t begin = 0, end = 0;
};

// Where a sequence asks for logits: scoring from the last token of the prompt to the one before the
// last of the answer, generating only at the end.
Positions AskedLogits(const Sequence& sequence, const ModelConfig& config) {
  const std::size_t last = sequence.tokens.size() - 1;
  switch (sequence.kind) {
    case Sequence::Kind::kGenerate:
      return {last, last + 1};
    case Sequence::Kind::kScore:
      return {sequence.prompt_size - 1, last};
    case Sequence::Kind::kReward:
      return config.uses_logits() ? Positions{sequence.prompt_size - 1, last} : Positions{};
    case Sequence::Kind::kEmbed:
      break;
  }
  return {};
}

}  // namespace

Result<Scheduler> Scheduler::Create(Model& model, const SchedulerOptions& options) {
  ARENA_ASSIGN_OR_RETURN(
      KvCache cache, KvCache::Create(model.config(), model.cache_storage(), options.cache_bytes));
  return Scheduler(model, options, std::move(cache));
}

Scheduler::Scheduler(Model& model, const SchedulerOptions& options, KvCache cache)
    : model_(&model), options_(options), cache_(std::move(cache)) {}
Scheduler::Scheduler(Scheduler&&) noexcept = default;
Scheduler& Scheduler::operator=(Scheduler&&) noexcept = default;
Scheduler::~Scheduler() = default;

Status Scheduler::Submit(Request request) {
  std::string id = RequestId(request);
  if (id.empty()) return InvalidInput("id is empty");
  if (ids_.contains(id)) return InvalidInput("id is in use by a request that is not answered yet");
  ARENA_ASSIGN_OR_RETURN(auto sequences,
                         MakeSequences(std::move(request), model_->config(), cache_));
  ids_.insert(std::move(id));
  std::move(sequences.begin(), sequences.end(), std::back_inserter(waiting_));
  return {};
}

bool Scheduler::Cancel(std::string_view id, Sink sink) {
  if (!ids_.contains(std::string(id))) return false;
  const auto cancel = [&](Sequence& sequence) {
    if (sequence.is_done || RequestId(sequence) != id) return;
    sequence.finish = Finish::kCancelled;
    if (sequence.kind != Sequence::Kind::kGenerate) sequence.error = "cancelled";
    Finish(sequence, sink);
  };
  // Finish may not erase from what is being walked through, so removal comes after.
  for (const SequencePointer& sequence : running_) cancel(*sequence);
  for (const SequencePointer& sequence : waiting_) cancel(*sequence);
  RemoveFinished();
  return true;
}

void Scheduler::Step(Sink sink) {
  Admit();
  const std::vector<Planned> plan = Plan();
  if (plan.empty()) return;
  std::vector<Chunk> chunks;
  for (const Planned& planned : plan) {
    Sequence& sequence = *planned.sequence;
    const std::span<const Token> tokens(sequence.tokens);
    chunks.push_back(
        {tokens.subspan(static_cast<std::size_t>(sequence.cache.length), planned.count),
         &sequence.cache});
    stats_.prompt_tokens += sequence.cache.length < static_cast<std::int64_t>(sequence.prompt_size)
                                ? static_cast<std::int64_t>(planned.count)
                                : 0;
  }
  const float* const hidden = model_->Forward(chunks, cache_);
  ++stats_.steps;
  UseHidden(plan, hidden, sink);
  RemoveFinished();
}

// Blocks that a running sequence still needs to read what it has, and one for what comes.
std::int64_t Scheduler::BlocksMissing(const Sequence& sequence) const {
  const std::size_t wanted = sequence.tokens.size() / kBlockTokens + 1;
  return static_cast<std::int64_t>(wanted) -
         static_cast<std::int64_t>(sequence.cache.blocks.size());
}

void Scheduler::Admit() {
  auto free = static_cast<std::int64_t>(cache_.free_blocks());
  for (const SequencePointer& sequence : running_) {
    free -= std::max<std::int64_t>(0, BlocksMissing(*sequence));
  }
  while (!waiting_.empty() && running_.size() < options_.max_batch) {
    const Sequence& next = *waiting_.front();
    if (!running_.empty()) {
      if (running_.front()->unit != next.unit) return;  // a unit runs by itself
      if (BlocksMissing(next) > free) return;
    }
    free -= BlocksMissing(next);
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

std::vector<Scheduler::Planned> Scheduler::Plan() {
  std::vector<Planned> plan;
  std::size_t prompt_room = options_.step_tokens;
  // MakeRoom takes from the end of running_, so what is planned already stays.
  for (std::size_t i = 0; i < running_.size(); ++i) {
    Sequence& sequence = *running_[i];
    const std::size_t pending = sequence.pending();
    const std::size_t count = pending == 1 ? 1 : std::min(pending, prompt_room);
    if (count == 0) continue;
    const std::int64_t tokens = sequence.cache.length + static_cast<std::int64_t>(count);
    if (!MakeRoom(sequence, tokens)) break;
    if (pending > 1) prompt_room -= count;
    plan.push_back({&sequence, count});
  }
  return plan;
}

// False: the sequence itself, the last, had to go. The first can always stay: Submit saw to it that
// each fits alone.
bool Scheduler::MakeRoom(Sequence& sequence, std::int64_t tokens) {
  while (!cache_.Grow(sequence.cache, tokens)) {
    const bool is_last = running_.back().get() == &sequence;
    PreemptLast();
    if (is_last) return false;
  }
  return true;
}

void Scheduler::PreemptLast() {
  Sequence& sequence = *running_.back();
  cache_.Release(sequence.cache);
  sequence.Restart();
  ++stats_.preemptions;
  waiting_.push_front(std::move(running_.back()));
  running_.pop_back();
}

void Scheduler::UseHidden(const std::vector<Planned>& plan, const float* hidden, Sink sink) {
  std::vector<std::size_t> rows;
  std::vector<Sequence*> owners;
  std::size_t row = 0;
  for (const Planned& planned : plan) {
    Sequence& sequence = *planned.sequence;
    const std::size_t end = row + planned.count;
    if (sequence.kind == Sequence::Kind::kEmbed) {
      UseStates(sequence, hidden + row * model_->hidden_stride(), planned.count, sink);
    }
    if (sequence.kind == Sequence::Kind::kReward && sequence.pending() == 0) {
      sequence.reward = model_->Score(end - 1);
    }
    const Positions asked = AskedLogits(sequence, model_->config());
    for (std::size_t position = static_cast<std::size_t>(sequence.cache.length) - (end - row);
         row < end; ++row, ++position) {
      if (position < asked.begin || position >= asked.end) continue;
      rows.push_back(row);
      owners.push_back(&sequence);
    }
  }
  const auto vocabulary = static_cast<std::size_t>(model_->config().vocab_size);
  const std::size_t at_once = std::max<std::size_t>(16, kLogitsAtOnce / vocabulary);
  for (std::size_t begin = 0; begin < rows.size(); begin += at_once) {
    const std::size_t count = std::min(at_once, rows.size() - begin);
    float* const logits = model_->Logits(std::span(rows).subspan(begin, count));
    for (std::size_t i = 0; i < count; ++i) {
      UseLogits(*owners[begin + i], {logits + i * model_->logits_stride(), vocabulary}, sink);
    }
  }
  for (const Planned& planned : plan) UseReward(*planned.sequence, sink);
}

// Where all is read and all logits are used, adds what the likelihood counts and finishes.
void Scheduler::UseReward(Sequence& sequence, Sink sink) {
  if (sequence.kind != Sequence::Kind::kReward || sequence.is_done) return;
  if (sequence.pending() > 0) return;
  const ModelConfig& config = model_->config();
  for (const float logprob : sequence.scores) {
    sequence.reward +=
        config.likelihood_weight * std::max(static_cast<double>(logprob), config.likelihood_floor);
  }
  if (!std::isfinite(sequence.reward)) sequence.error = "the reward is not finite";
  Finish(sequence, sink);
}

// Adds `count` rows of hidden states to the mean.
void Scheduler::UseStates(Sequence& sequence, const float* states, std::size_t count, Sink sink) {
  sequence.sum.resize(static_cast<std::size_t>(model_->config().hidden_size));
  for (std::size_t row = 0; row < count; ++row) {
    for (std::size_t i = 0; i < sequence.sum.size(); ++i) {
      sequence.sum[i] += static_cast<double>(states[row * model_->hidden_stride() + i]);
    }
  }
  if (sequence.pending() > 0) return;
  if (!std::isfinite(sequence.sum[0])) sequence.error = "the model's hidden states are not finite";
  Finish(sequence, sink);
}

void Scheduler::UseLogits(Sequence& sequence, std::span<float> logits, Sink sink) {
  if (sequence.is_done) return;
  if (sequence.kind == Sequence::Kind::kGenerate) {
    Result<Choice> choice = sequence.sampler.Next(logits, scratch_);
    if (choice.ok()) return Append(sequence, std::move(*choice), sink);
    sequence.error = choice.error().message;
    return Finish(sequence, sink);
  }
  const std::size_t next = sequence.prompt_size + sequence.scores.size();
  const double logit = static_cast<double>(logits[static_cast<std::size_t>(sequence.tokens[next])]);
  const double logprob = logit - LogSumExp(logits, scratch_);
  if (!std::isfinite(logprob)) {
    sequence.error = "the model's logits are not finite: its weights are damaged or overflow";
    return Finish(sequence, sink);
  }
  sequence.scores.push_back(static_cast<float>(logprob));
  const bool is_last = next + 1 == sequence.tokens.size();
  if (is_last && sequence.kind == Sequence::Kind::kScore) Finish(sequence, sink);
}

void Scheduler::Append(Sequence& sequence, Choice choice, Sink sink) {
  const Token token = choice.token;
  sequence.tokens.push_back(token);
  ++stats_.generated_tokens;
  Tokens fresh;
  fresh.tokens.push_back(token);
  if (sequence.wants_logprobs) {
    fresh.logprobs.push_back(choice.logprob);
    fresh.top.push_back(std::move(choice.top));
  }
  Tokens& all = sequence.output;
  all.tokens.push_back(token);
  all.logprobs.insert(all.logprobs.end(), fresh.logprobs.begin(), fresh.logprobs.end());
  all.top.insert(all.top.end(), fresh.top.begin(), fresh.top.end());
  if (sequence.stream) sink(TokensEvent{sequence.id, std::move(fresh)});
  const std::vector<Token>& stops = sequence.stop_tokens;
  if (std::find(stops.begin(), stops.end(), token) != stops.end()) {
    sequence.finish = Finish::kStop;
    return Finish(sequence, sink);
  }
  if (sequence.tokens.size() >= sequence.max_tokens) {
    sequence.finish = Finish::kLength;
    Finish(sequence, sink);
  }
}

void Scheduler::Finish(Sequence& sequence, Sink sink) {
  sequence.is_done = true;
  if (!sequence.unit) {
    ids_.erase(sequence.id);
    ++stats_.finished;
    return sink(ResultOf(sequence));
  }
  Unit& unit = *sequence.unit;
  unit.result.answers[sequence.unit_index] = {sequence.id, std::move(sequence.output),
                                              sequence.finish, sequence.error};
  if (--unit.unfinished > 0) return;
  ids_.erase(unit.result.id);
  ++stats_.finished;
  sink(std::move(unit.result));
}

void Scheduler::RemoveFinished() {
  for (const SequencePointer& sequence : running_) {
    if (sequence->is_done) cache_.Release(sequence->cache);
  }
  std::erase_if(running_, [](const SequencePointer& sequence) { return sequence->is_done; });
  std::erase_if(waiting_, [](const SequencePointer& sequence) { return sequence->is_done; });
}

SchedulerStats Scheduler::stats() const {
  SchedulerStats stats = stats_;
  stats.running = static_cast<std::int64_t>(running_.size());
  stats.waiting = static_cast<std::int64_t>(waiting_.size());
  stats.cache_blocks = static_cast<std::int64_t>(cache_.blocks());
  stats.free_cache_blocks = static_cast<std::int64_t>(cache_.free_blocks());
  return stats;
}

}  // namespace arena::lm
