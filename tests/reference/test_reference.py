#!/usr/bin/python3
"""The reference trainers learn a toy task, and their parts agree with plainer forms of them.

The task: the prompt <user> x <assistant> is answered by x <end>, with x one of eight tokens. Ends
with 77 (skipped) where python3-torch is missing.
"""

import contextlib
import io
import json
import os
import sys
import tempfile
import unittest

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")
try:
    import numpy as np
    import torch
except ImportError as missing:
    print(f"skipped: {missing}; install python3-torch")
    sys.exit(77)

import files
import llama
import trainers

END, USER, ASSISTANT, FIRST, WORDS = 0, 1, 2, 3, 8


def toy_model(seed=1):
    config = {"architectures": ["LlamaForCausalLM"], "vocab_size": FIRST + WORDS,
              "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
              "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
              "eos_token_id": END, "tie_word_embeddings": False}
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator) * 0.1

    weights = {"model.embed_tokens.weight": normal(config["vocab_size"], 16),
               "lm_head.weight": normal(config["vocab_size"], 16),
               "model.norm.weight": torch.ones(16)}
    for i in range(config["num_hidden_layers"]):
        layer = f"model.layers.{i}"
        for name, rows in (("q", 16), ("k", 8), ("v", 8), ("o", 16)):
            weights[f"{layer}.self_attn.{name}_proj.weight"] = normal(rows, 16)
        weights[f"{layer}.mlp.gate_proj.weight"] = normal(32, 16)
        weights[f"{layer}.mlp.up_proj.weight"] = normal(32, 16)
        weights[f"{layer}.mlp.down_proj.weight"] = normal(16, 32)
        weights[f"{layer}.input_layernorm.weight"] = torch.ones(16)
        weights[f"{layer}.post_attention_layernorm.weight"] = torch.ones(16)
    return weights, config


def token_data(sequences, margins=None):
    """Token data of (prompt, answer) pairs, through a file."""
    tokens = [t for prompt, answer in sequences for t in prompt + answer]
    loss = [t for prompt, answer in sequences for t in [0] * len(prompt) + [1] * len(answer)]
    ends = np.cumsum([len(prompt) + len(answer) for prompt, answer in sequences])
    tensors = {"tokens": np.array(tokens, np.int32), "ends": ends.astype(np.int64),
               "loss": np.array(loss, np.uint8), "rows": np.arange(len(ends), dtype=np.int64)}
    if margins is not None:
        tensors["margins"] = np.array(margins, np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tokens.safetensors")
        files.write_safetensors(path, tensors)
        return files.TokenData(path)


def question(word):
    return [USER, FIRST + word, ASSISTANT]


def copies():
    return token_data([(question(w), [FIRST + w, END]) for w in range(WORDS)])


def preferences():
    """The copied word and the end is better than another word, none, or two words."""
    sequences = []
    for word in range(WORDS):
        others = [FIRST + (word + distance) % WORDS for distance in range(1, WORDS)]
        worse = [[other, END] for other in others] + [[END]]
        worse += [[FIRST + word, other] for other in others]
        for answer in worse:
            sequences += [(question(word), [FIRST + word, END]), (question(word), answer)]
    return token_data(sequences, [0.0] * (len(sequences) // 2))


def settings(trainer, **changes):
    return {**trainers.DEFAULTS[trainer], "schedule": "constant", **changes}


def quietly(train, *args):
    """Runs a trainer; returns the text that it printed."""
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        train(*args)
    return output.getvalue()


def learned(steps):
    """The toy model after some steps of SFT."""
    weights, config = toy_model()
    quietly(trainers.sft, weights, config, copies(),
            settings("sft", steps=steps, batch_size=8, learning_rate=1e-2))
    return weights, config


def detached(weights):
    return {name: weight.detach().clone() for name, weight in weights.items()}


def reward_model():
    """From a model that knows the task, with the likelihood of the answer in score and loss."""
    weights, config = learned(150)
    weights = detached(weights)
    quietly(trainers.rm, weights, config, preferences(),
            settings("rm", steps=40, batch_size=16, learning_rate=1e-3, likelihood_weight=0.5,
                     likelihood_loss_weight=0.3))
    return detached(weights), config


class ModelTest(unittest.TestCase):
    def setUp(self):
        self.weights, self.config = toy_model()
        generator = torch.Generator().manual_seed(3)
        self.ids = torch.randint(FIRST + WORDS, (3, 7), generator=generator)
        self.hidden = llama.hidden_states(self.weights, self.config, self.ids)

    def test_later_tokens_change_nothing_before_them(self):
        ids = self.ids.clone()
        ids[:, -1] = (ids[:, -1] + 1) % WORDS
        hidden = llama.hidden_states(self.weights, self.config, ids)
        torch.testing.assert_close(hidden[:, :-1], self.hidden[:, :-1])
        self.assertGreater(float((hidden[:, -1] - self.hidden[:, -1]).abs().max()), 1e-3)

    def test_cached_steps_are_the_whole_pass(self):
        cache = {}
        parts = [llama.hidden_states(self.weights, self.config, self.ids[:, :3], cache)]
        for t in range(3, 7):
            step = self.ids[:, t:t + 1]
            parts.append(llama.hidden_states(self.weights, self.config, step, cache, t))
        torch.testing.assert_close(torch.cat(parts, 1), self.hidden)

    def test_log_probs_are_those_of_each_next_token(self):
        log_p = llama.token_log_probs(self.weights, self.config, self.hidden, self.ids)
        logits = llama.logits(self.weights, self.config, self.hidden)
        for row in range(3):
            self.assertEqual(float(log_p[row, 0]), 0)
            for t in range(1, 7):
                p = torch.softmax(logits[row, t - 1], 0)[self.ids[row, t]]
                self.assertAlmostEqual(float(log_p[row, t]), float(p.log()), places=5)

    def test_weights_come_back_from_a_directory(self):
        with tempfile.TemporaryDirectory() as folder:
            arrays = {name: weight.numpy() for name, weight in self.weights.items()}
            files.write_model(folder, self.config, arrays, folder)
            config, read = files.read_model(folder)
        self.assertEqual(config["hidden_size"], 16)
        for name, array in arrays.items():
            np.testing.assert_array_equal(read[name], array)


class AdvantagesTest(unittest.TestCase):
    def test_are_the_discounted_sums_of_temporal_differences(self):
        options = {"gamma": 0.9, "lambda": 0.8}
        generator = torch.Generator().manual_seed(4)
        mask = torch.tensor([[0.0, 1, 1, 1, 0], [0, 0, 1, 1, 1]])
        rewards = torch.randn(2, 5, generator=generator) * mask
        values = torch.randn(2, 5, generator=generator) * mask
        advantages, returns = trainers.advantages_and_returns(rewards, values, mask, options)
        for row in range(2):
            columns = torch.nonzero(mask[row])[:, 0].tolist()
            for first in columns:
                total = 0.0
                for distance, t in enumerate(c for c in columns if c >= first):
                    after = values[row, t + 1] if t + 1 in columns else 0.0
                    delta = rewards[row, t] + 0.9 * after - values[row, t]
                    total += (0.9 * 0.8) ** distance * float(delta)
                self.assertAlmostEqual(float(advantages[row, first]), total, places=5)
        torch.testing.assert_close(returns, advantages + values)


class TrainersTest(unittest.TestCase):
    def test_sft_learns_the_task(self):
        weights, config = toy_model()
        self.assertLess(trainers.exact_match(weights, config, copies()), 0.5)
        weights, config = learned(150)
        self.assertEqual(trainers.exact_match(weights, config, copies()), 1.0)

    def test_dpo_raises_the_chosen_answers(self):
        weights, config = detached(learned(3)[0]), toy_model()[1]
        data = preferences()
        before = trainers.preference_accuracy(weights, config, data)
        quietly(trainers.dpo, weights, config, data,
                settings("dpo", steps=60, batch_size=16, learning_rate=3e-3))
        after = trainers.preference_accuracy(weights, config, data)
        self.assertLess(before, 0.9)
        self.assertGreater(after, max(0.95, before))

    def test_reward_model_tells_answers_apart(self):
        weights, config = reward_model()
        self.assertGreater(trainers.preference_accuracy(weights, config, preferences()), 0.95)

    def test_likelihood_term_is_part_of_the_score(self):
        weights, config = learned(150)
        weights = detached(weights)
        weights[llama.SCORE] = torch.zeros(1, 16)
        config.update(likelihood_weight=0.5, likelihood_floor=-6.0)
        batch = trainers.Batch(preferences(), [0, 1])
        with torch.no_grad():
            scores, _ = trainers.reward_scores(weights, config, batch)
            _, log_p = trainers.answer_log_probs(weights, config, batch)
        expected = [0.5 * sum(max(float(p), -6.0) for p, m in zip(row, mask) if m)
                    for row, mask in zip(log_p, batch.mask)]
        torch.testing.assert_close(scores, torch.tensor(expected))

    def test_ppo_raises_reward_and_exact_match(self):
        # From a policy that looks at the prompt: one that does not has nothing to reinforce.
        weights, config = detached(learned(7)[0]), toy_model()[1]
        prompts = token_data([(question(w), []) for w in range(WORDS)])
        before = trainers.exact_match(weights, config, copies())
        output = quietly(
            trainers.ppo, weights, config, prompts,
            settings("ppo", steps=60, rollout_batch=8, samples_per_prompt=16, minibatch=32,
                     max_new_tokens=2, learning_rate=1e-3, value_learning_rate=1e-3),
            reward_model(), None)
        rewards = [json.loads(line)["reward"] for line in output.splitlines()]
        self.assertGreater(np.mean(rewards[-5:]), np.mean(rewards[:5]) + 0.5)
        self.assertGreater(trainers.exact_match(weights, config, copies()), before)


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
