"""SFT, DPO, reward model and PPO, written for reading: one function each, float32.

A batch's loss is a mean over what it learns from (tokens or pairs). The data order is numpy's.
"""

import json
import math
import sys

import numpy as np
import torch
import torch.nn.functional as F

import llama
from files import TokenData

COMMON = dict(epochs=1, steps=0, batch_size=64, learning_rate=1e-3, schedule="linear",
              warmup_steps=0, weight_decay=0.0, beta1=0.9, beta2=0.98, epsilon=1e-8,
              max_grad_norm=1.0, seed=1)
DEFAULTS = {
    "sft": COMMON,
    "dpo": {**COMMON, "beta": 0.1, "label_smoothing": 0.0, "length_normalised": False,
            "sft_weight": 0.0},
    "rm": {**COMMON, "likelihood_weight": 0.0, "likelihood_loss_weight": 0.0,
           "likelihood_floor": -6.0},
    "ppo": {**COMMON, "steps": 14, "rollout_batch": 128, "samples_per_prompt": 4, "ppo_epochs": 1,
            "minibatch": 128, "clip": 0.2, "value_clip": 0.2, "gamma": 1.0, "lambda": 0.95,
            "kl_coefficient": 0.05, "temperature": 1.0, "max_new_tokens": 12,
            "missing_eos_penalty": 2.0, "reward_clip": 3.0, "ptx_weight": 0.0,
            "value_learning_rate": 1e-3},
}


def report(kind, **numbers):
    print(json.dumps({"type": kind, **numbers}))
    sys.stdout.flush()


def padded(sequences):
    """(B, T) ids, filled with 0 on the right."""
    return torch.nn.utils.rnn.pad_sequence([torch.as_tensor(s) for s in sequences], True)


class Batch:
    """Sequences i of the data: ids and mask (B, T), lengths (B)."""

    def __init__(self, data, indices):
        self.ids = padded([data.sequences[i] for i in indices])
        self.mask = padded([data.masks[i] for i in indices])
        self.lengths = torch.tensor([len(data.sequences[i]) for i in indices])


def schedule_factor(settings, step, steps):
    """Of the learning rate in the step that `step` others precede."""
    warmup = settings["warmup_steps"]
    if step < warmup:
        return step / warmup
    u = min(1.0, (step - warmup) / max(1, steps - warmup))
    return {"constant": 1.0, "linear": 1 - u, "cosine": (1 + math.cos(math.pi * u)) / 2}[
        settings["schedule"]]


class Optimizer:
    """AdamW with clipping and a schedule; matrices decay, vectors do not."""

    def __init__(self, weights, settings, steps, learning_rate=None):
        self.rate = learning_rate or settings["learning_rate"]
        self.settings, self.steps, self.step = settings, steps, 0
        self.weights = list(weights.values())
        for weight in self.weights:
            weight.requires_grad_(True)
        groups = [{"params": [w for w in self.weights if w.dim() > 1],
                   "weight_decay": settings["weight_decay"]},
                  {"params": [w for w in self.weights if w.dim() == 1], "weight_decay": 0.0}]
        self.adamw = torch.optim.AdamW(groups, lr=self.rate, eps=settings["epsilon"],
                                       betas=(settings["beta1"], settings["beta2"]))

    def update(self, loss, schedule_step=None):
        """One step on a loss; returns the norm of the gradients before clipping."""
        if not math.isfinite(float(loss)):
            raise ValueError(f"the loss of step {self.step + 1} is {float(loss)}")
        step = self.step if schedule_step is None else schedule_step
        for group in self.adamw.param_groups:
            group["lr"] = self.rate * schedule_factor(self.settings, step, self.steps)
        self.adamw.zero_grad()
        loss.backward()
        limit = self.settings["max_grad_norm"] or math.inf
        norm = float(torch.nn.utils.clip_grad_norm_(self.weights, limit))
        self.adamw.step()
        self.step += 1
        return norm


def batches(count, settings):
    """(step, steps, indices) of a run over `count` examples, each epoch in a new order."""
    generator = np.random.default_rng(settings["seed"])
    size = min(settings["batch_size"], count)
    per_epoch = math.ceil(count / size)
    steps = settings["steps"] or settings["epochs"] * per_epoch
    for step in range(steps):
        if step % per_epoch == 0:
            order = generator.permutation(count)
        begin = step % per_epoch * size
        yield step, steps, order[begin:begin + size]


def negative_log_likelihood(weights, config, batch):
    hidden = llama.hidden_states(weights, config, batch.ids)
    log_p = llama.token_log_probs(weights, config, hidden, batch.ids)
    return -(log_p * batch.mask).sum() / batch.mask.sum()


def sft(weights, config, data, settings):
    optimizer = None
    for step, steps, indices in batches(len(data), settings):
        optimizer = optimizer or Optimizer(weights, settings, steps)
        loss = negative_log_likelihood(weights, config, Batch(data, indices))
        norm = optimizer.update(loss)
        report("step", step=step + 1, steps=steps, loss=float(loss), grad_norm=norm)


def answer_log_probs(weights, config, batch):
    """Of each sequence's learned tokens: their sum (B) and every token's (B, T)."""
    hidden = llama.hidden_states(weights, config, batch.ids)
    log_p = llama.token_log_probs(weights, config, hidden, batch.ids) * batch.mask
    return log_p.sum(1), log_p


def all_log_probs(weights, config, data, size=256):
    """answer_log_probs of all sequences, without gradients: (S)."""
    parts = []
    with torch.no_grad():
        for begin in range(0, len(data.sequences), size):
            indices = range(begin, min(begin + size, len(data.sequences)))
            parts.append(answer_log_probs(weights, config, Batch(data, indices))[0])
    return torch.cat(parts)


def pair_batch(data, indices):
    """Chosen and rejected sequences in turn."""
    return Batch(data, [s for i in indices for s in (2 * i, 2 * i + 1)])


def dpo(weights, config, data, settings):
    """-(1 - e) log sigmoid(z) - e log sigmoid(-z), z = beta (log p / p_ref of chosen - rejected)."""
    reference = all_log_probs(weights, config, data)
    optimizer = None
    for step, steps, indices in batches(len(data), settings):
        optimizer = optimizer or Optimizer(weights, settings, steps)
        batch = pair_batch(data, indices)
        rows = torch.as_tensor(np.stack([2 * indices, 2 * indices + 1], 1).reshape(-1))
        log_p, token_log_p = answer_log_probs(weights, config, batch)
        rewards = settings["beta"] * (log_p - reference[rows])
        if settings["length_normalised"]:
            rewards = rewards / batch.mask.sum(1)
        z = rewards[0::2] - rewards[1::2]
        smoothing = settings["label_smoothing"]
        loss = -((1 - smoothing) * F.logsigmoid(z) + smoothing * F.logsigmoid(-z)).mean()
        loss = loss - settings["sft_weight"] * token_log_p[0::2].sum() / batch.mask[0::2].sum()
        optimizer.update(loss)
        report("step", step=step + 1, steps=steps, loss=float(loss), margin=float(z.mean()),
               accuracy=float((z > 0).float().mean()))


def head_of_last(weights, hidden, lengths):
    last = hidden[torch.arange(len(lengths)), lengths - 1]
    return F.linear(last, weights[llama.SCORE])[:, 0]


def reward_scores(weights, config, batch, with_tokens=False):
    """score.h_last + likelihood_weight sum_t max(log p_t, floor), and log p_t if asked for."""
    hidden = llama.hidden_states(weights, config, batch.ids)
    scores, log_p = head_of_last(weights, hidden, batch.lengths), None
    weight = config.get("likelihood_weight", 0.0)
    if weight or with_tokens:
        log_p = llama.token_log_probs(weights, config, hidden, batch.ids)
    if weight:
        floored = log_p.clamp(min=config.get("likelihood_floor", -6.0)) * batch.mask
        scores = scores + weight * floored.sum(1)
    return scores, log_p


def reward_model_config(config, settings):
    return {**config, "architectures": ["LlamaForSequenceClassification"], "num_labels": 1,
            "id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0},
            "likelihood_weight": settings["likelihood_weight"],
            "likelihood_floor": settings["likelihood_floor"]}


def rm(weights, config, data, settings):
    """Bradley-Terry with margins; `weights` and `config` become those of a reward model."""
    config.update(reward_model_config(config, settings))
    weights.setdefault(llama.SCORE, torch.zeros(1, config["hidden_size"]))
    likelihood = settings["likelihood_loss_weight"]
    if not likelihood and not settings["likelihood_weight"]:
        weights.pop("lm_head.weight", None)
    optimizer = None
    for step, steps, indices in batches(len(data), settings):
        optimizer = optimizer or Optimizer(weights, settings, steps)
        batch = pair_batch(data, indices)
        scores, log_p = reward_scores(weights, config, batch, with_tokens=likelihood > 0)
        difference = scores[0::2] - scores[1::2]
        loss = -F.logsigmoid(difference - torch.as_tensor(data.margins[indices])).mean()
        if likelihood:
            mask = batch.mask[0::2]
            loss = loss - likelihood * (log_p[0::2] * mask).sum() / mask.sum()
        optimizer.update(loss)
        report("step", step=step + 1, steps=steps, loss=float(loss),
               accuracy=float((difference > 0).float().mean()))


def preference_accuracy(weights, config, data):
    """The share of pairs whose chosen answer scores higher; ties count half."""
    score = reward_scores if llama.SCORE in weights else answer_log_probs
    right = 0.0
    with torch.no_grad():
        for begin in range(0, len(data), 128):
            batch = pair_batch(data, np.arange(begin, min(begin + 128, len(data))))
            scores = score(weights, config, batch)[0]
            difference = scores[0::2] - scores[1::2]
            right += float((difference > 0).sum()) + 0.5 * float((difference == 0).sum())
    return right / len(data)


def end_ids(config):
    ends = config.get("eos_token_id")
    return ends if isinstance(ends, list) else [ends]


def answer_prompts(weights, config, prompts, max_new_tokens, temperature, generator):
    """An answer to each prompt (an array of ids), in batches of one length: no mask is needed."""
    answers = [None] * len(prompts)
    by_length = {}
    for i, prompt in enumerate(prompts):
        by_length.setdefault(len(prompt), []).append(i)
    for group in by_length.values():
        ids = torch.as_tensor(np.stack([prompts[i] for i in group]))
        found = llama.generate(weights, config, ids, max_new_tokens, temperature,
                               end_ids(config), generator)
        for i, answer in zip(group, found):
            answers[i] = answer
    return answers


def exact_match(weights, config, data):
    """The share of sequences whose answer the model gives by greedy decoding."""
    count = len(data.sequences)
    longest = max(len(data.answer(i)) for i in range(count))
    answers = answer_prompts(weights, config, [data.prompt(i) for i in range(count)], longest, 0,
                             None)
    return sum(answers[i] == data.answer(i).tolist() for i in range(count)) / count


class Rollout:
    """Sampled answers with what the update needs: (B, T), columns of answer tokens in `mask`."""

    def __init__(self, prompts, answers, ends):
        sequences = [np.concatenate([p, a]) for p, a in zip(prompts, answers)]
        self.ids = padded(sequences)
        self.mask = padded([np.concatenate([np.zeros(len(p)), np.ones(len(a))]).astype(np.float32)
                            for p, a in zip(prompts, answers)])
        self.lengths = torch.tensor([len(s) for s in sequences])
        self.ended = torch.tensor([a[-1] in ends for a in answers])

    def select(self, rows):
        part = object.__new__(Rollout)
        part.__dict__ = {name: value[rows] for name, value in self.__dict__.items()}
        return part


def sampled_log_probs(weights, config, rollout, temperature):
    """log p of the answers' tokens under the distribution that they were sampled from, (B, T)."""
    hidden = llama.hidden_states(weights, config, rollout.ids)
    log_p = torch.log_softmax(
        llama.logits(weights, config, hidden[:, :-1]) / temperature, dim=-1)
    log_p = log_p.gather(2, rollout.ids[:, 1:, None]).squeeze(2)
    return F.pad(log_p, (1, 0)) * rollout.mask


def values_of(weights, config, rollout):
    """V before each answer token, from the state of the token before it: (B, T)."""
    hidden = llama.hidden_states(weights, config, rollout.ids)
    values = F.linear(hidden, weights[llama.SCORE])[..., 0]
    return F.pad(values[:, :-1], (1, 0)) * rollout.mask


def answer_rewards(scores, ended, settings):
    """Centred per prompt, divided by the deviation of all, clipped; a penalty without an end."""
    rewards = scores.view(-1, settings["samples_per_prompt"])
    if settings["samples_per_prompt"] > 1:
        rewards = rewards - rewards.mean(1, keepdim=True)
    rewards = rewards.reshape(-1)
    rewards = rewards / (rewards.std() + 1e-8)
    if settings["reward_clip"] > 0:
        rewards = rewards.clamp(-settings["reward_clip"], settings["reward_clip"])
    return rewards - settings["missing_eos_penalty"] * (~ended).float()


def advantages_and_returns(token_rewards, values, mask, settings):
    """Generalised advantage estimation, from the last token of each answer backwards."""
    advantages = torch.zeros_like(values)
    for row in range(len(values)):
        next_value = next_advantage = 0.0
        for t in reversed(torch.nonzero(mask[row])[:, 0].tolist()):
            delta = token_rewards[row, t] + settings["gamma"] * next_value - values[row, t]
            next_advantage = delta + settings["gamma"] * settings["lambda"] * next_advantage
            advantages[row, t], next_value = next_advantage, values[row, t]
    return advantages, advantages + values


def masked_mean(x, mask):
    return (x * mask).sum() / mask.sum()


def clipped_policy_loss(log_p, part, settings):
    ratio = torch.exp((log_p - part.old_log_p).clamp(-20, 20))
    kept = ratio.clamp(1 - settings["clip"], 1 + settings["clip"])
    loss = torch.maximum(-part.advantages * ratio, -part.advantages * kept)
    return masked_mean(loss, part.mask), masked_mean(
        (loss > -part.advantages * ratio).float(), part.mask)


def clipped_value_loss(values, part, settings):
    errors = (values - part.returns) ** 2
    if settings["value_clip"] > 0:
        near = part.old_values + (values - part.old_values).clamp(-settings["value_clip"],
                                                                  settings["value_clip"])
        errors = torch.maximum(errors, (near - part.returns) ** 2)
    return 0.5 * masked_mean(errors, part.mask)


def collect(policy, value, reference, reward, config, prompts, settings, generator):
    """Samples answers and fills in everything that the update needs."""
    prompts = [p for p in prompts for _ in range(settings["samples_per_prompt"])]
    answers = answer_prompts(policy, config, prompts, settings["max_new_tokens"],
                             settings["temperature"], generator)
    rollout = Rollout(prompts, answers, end_ids(config))
    with torch.no_grad():
        rollout.scores = reward_scores(*reward, rollout)[0]
        rollout.old_log_p = sampled_log_probs(policy, config, rollout, settings["temperature"])
        rollout.old_values = values_of(*value, rollout)
        difference = rollout.old_log_p - sampled_log_probs(reference, config, rollout,
                                                           settings["temperature"])
        token_rewards = -settings["kl_coefficient"] * difference
        last = torch.arange(len(prompts)), rollout.lengths - 1
        token_rewards[last] += answer_rewards(rollout.scores, rollout.ended, settings)
        advantages, rollout.returns = advantages_and_returns(token_rewards, rollout.old_values,
                                                             rollout.mask, settings)
        chosen = advantages[rollout.mask > 0]
        rollout.advantages = (advantages - chosen.mean()) / torch.sqrt(chosen.var() + 1e-8)
        rollout.kl = difference.sum(1)
    return rollout


def ppo(weights, config, data, settings, reward, ptx_data):
    """Clipped PPO with a value model that starts as the reward model with a zero head.

    `reward` is (weights, config) of the reward model.
    """
    generator = torch.Generator().manual_seed(settings["seed"])
    order = np.random.default_rng(settings["seed"])
    reference = {name: weight.clone() for name, weight in weights.items()}
    value_weights = {name: w.clone() for name, w in reward[0].items() if name != "lm_head.weight"}
    value_weights[llama.SCORE] = torch.zeros(1, reward[1]["hidden_size"])
    value = (value_weights, reward[1])
    steps = settings["steps"]
    policy_optimizer = Optimizer(weights, settings, steps)
    value_optimizer = Optimizer(value_weights, settings, steps, settings["value_learning_rate"])
    for step in range(steps):
        indices = order.choice(len(data), min(settings["rollout_batch"], len(data)), False)
        rollout = collect(weights, value, reference, reward, config,
                          [data.sequences[i] for i in indices], settings, generator)
        losses, clipped = [], []
        for _ in range(settings["ppo_epochs"]):
            rows = order.permutation(len(rollout.ids))
            for begin in range(0, len(rows), settings["minibatch"]):
                part = rollout.select(torch.as_tensor(rows[begin:begin + settings["minibatch"]]))
                log_p = sampled_log_probs(weights, config, part, settings["temperature"])
                loss, clip_share = clipped_policy_loss(log_p, part, settings)
                if ptx_data is not None and settings["ptx_weight"]:
                    chosen = order.choice(len(ptx_data), min(len(part.ids), len(ptx_data)), False)
                    loss = loss + settings["ptx_weight"] * negative_log_likelihood(
                        weights, config, Batch(ptx_data, chosen))
                policy_optimizer.update(loss, step)
                value_optimizer.update(
                    clipped_value_loss(values_of(*value, part), part, settings), step)
                losses.append(float(loss))
                clipped.append(float(clip_share))
        report("step", step=step + 1, steps=steps, loss=float(np.mean(losses)),
               reward=float(rollout.scores.mean()), kl=float(rollout.kl.mean()),
               clip_fraction=float(np.mean(clipped)), ended=float(rollout.ended.float().mean()))
