"""A Llama decoder as transformers defines it, in plain torch, on tensors by their file names.

RMSNorm, rotary positions (first half against second half), grouped queries, SwiGLU. Sequences are
padded on the right, so a causal mask is all that is needed. (B, T, C): batch, tokens, hidden size;
H heads of D numbers, of which K have keys and values.
"""

import math

import torch
import torch.nn.functional as F

SCORE = "score.weight"  # (1, C), of a reward or value model


def check_config(config):
    """Says what this file does not compute."""
    supported = ("LlamaForCausalLM", "LlamaForSequenceClassification")
    if config.get("architectures", [""])[0] not in supported:
        raise ValueError(f"only {' and '.join(supported)} are supported")
    scaling = config.get("rope_scaling") or {}
    if scaling.get("rope_type", "default") != "default":
        raise ValueError("scaled rotary positions are not supported")
    if config.get("attention_bias") or config.get("mlp_bias"):
        raise ValueError("biases are not supported")


def head_size(config):
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def rms_norm(x, weight, eps):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + eps) * weight


def rotary_tables(config, begin, end):
    """Cosines and sines of the positions begin..end-1: (end - begin, D)."""
    size = head_size(config)
    exponents = torch.arange(0, size, 2, dtype=torch.float32) / size
    frequencies = 1.0 / (config.get("rope_theta", 10000.0) ** exponents)
    angles = torch.outer(torch.arange(begin, end, dtype=torch.float32), frequencies)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Turns (B, H, T, D) by the positions' angles."""
    half = x.shape[-1] // 2
    turned = torch.cat([-x[..., half:], x[..., :half]], dim=-1)
    return x * cos.to(x.dtype) + turned * sin.to(x.dtype)


def attention(weights, config, prefix, x, tables, mask, cache, dtype):
    batch, length, _ = x.shape
    heads, kv_heads = config["num_attention_heads"], config["num_key_value_heads"]
    size = head_size(config)

    def project(name, count):
        y = F.linear(x, weights[f"{prefix}.{name}.weight"].to(dtype))
        return y.view(batch, length, count, size).transpose(1, 2)  # (B, count, T, D)

    q = rotate(project("q_proj", heads), *tables)
    k = rotate(project("k_proj", kv_heads), *tables)
    v = project("v_proj", kv_heads)
    if cache is not None:
        if prefix in cache:
            k = torch.cat([cache[prefix][0], k], dim=2)
            v = torch.cat([cache[prefix][1], v], dim=2)
        cache[prefix] = (k, v)
    if heads != kv_heads:
        k = k.repeat_interleave(heads // kv_heads, dim=1)
        v = v.repeat_interleave(heads // kv_heads, dim=1)
    scores = torch.matmul(q, k.transpose(2, 3)) * (1.0 / math.sqrt(size))  # (B, H, T, all)
    if mask is not None:
        scores = scores + mask.to(scores.dtype)
    y = torch.matmul(torch.softmax(scores, dim=-1), v)
    y = y.transpose(1, 2).reshape(batch, length, heads * size)
    return F.linear(y, weights[f"{prefix}.o_proj.weight"].to(dtype))


def feed_forward(weights, prefix, x, dtype):
    gate = F.linear(x, weights[f"{prefix}.gate_proj.weight"].to(dtype))
    up = F.linear(x, weights[f"{prefix}.up_proj.weight"].to(dtype))
    # silu is the faster form in float32, and its gradient is slow in bfloat16.
    active = F.silu(gate) if dtype == torch.float32 else gate * torch.sigmoid(gate)
    return F.linear(active * up, weights[f"{prefix}.down_proj.weight"].to(dtype))


def hidden_states(weights, config, ids, cache=None, begin=0, dtype=torch.float32):
    """The states after the last norm (B, T, C) in float32.

    `ids` (B, T) stand at the positions from `begin`; `cache` holds keys and values of those before
    and takes the new ones. `dtype` is that of linear layers and attention; the residual and the
    norms are float32.
    """
    length = ids.shape[1]
    tables = rotary_tables(config, begin, begin + length)
    mask = None
    if length > 1:
        mask = torch.full((length, begin + length), -1e9).triu(begin + 1)
    eps = config["rms_norm_eps"]
    x = F.embedding(ids, weights["model.embed_tokens.weight"])
    for i in range(config["num_hidden_layers"]):
        layer = f"model.layers.{i}"
        y = rms_norm(x, weights[f"{layer}.input_layernorm.weight"], eps).to(dtype)
        x = x + attention(weights, config, f"{layer}.self_attn", y, tables, mask, cache, dtype)
        y = rms_norm(x, weights[f"{layer}.post_attention_layernorm.weight"], eps).to(dtype)
        x = x + feed_forward(weights, f"{layer}.mlp", y, dtype)
    return rms_norm(x, weights["model.norm.weight"], eps)


def logits(weights, config, hidden, dtype=torch.float32):
    """(B, T, vocabulary) in float32."""
    name = "model.embed_tokens.weight" if config.get("tie_word_embeddings") else "lm_head.weight"
    return F.linear(hidden.to(dtype), weights[name].to(dtype)).float()


def token_log_probs(weights, config, hidden, ids, dtype=torch.float32):
    """log p of each token from those before it: (B, T), 0 for the first."""
    log_p = torch.log_softmax(logits(weights, config, hidden[:, :-1], dtype), dim=-1)
    return F.pad(log_p.gather(2, ids[:, 1:, None]).squeeze(2), (1, 0))


def generate(weights, config, prompts, max_new_tokens, temperature, ends, generator):
    """Answers to prompts of one length (B, T): a list of id lists, the end of text included.

    Temperature 0: always the most probable token.
    """
    cache, answers = {}, [[] for _ in range(len(prompts))]
    finished = torch.zeros(len(prompts), dtype=torch.bool)
    ids, begin = prompts, 0
    with torch.no_grad():
        for _ in range(max_new_tokens):
            hidden = hidden_states(weights, config, ids, cache, begin)[:, -1:]
            begin += ids.shape[1]
            scores = logits(weights, config, hidden)[:, 0]
            if temperature > 0:
                p = torch.softmax(scores / temperature, dim=-1)
                chosen = torch.multinomial(p, 1, generator=generator)[:, 0]
            else:
                chosen = scores.argmax(-1)
            for i in torch.nonzero(~finished)[:, 0].tolist():
                answers[i].append(int(chosen[i]))
            finished |= torch.isin(chosen, torch.tensor(ends))
            if bool(finished.all()):
                break
            ids = chosen[:, None]
    return answers
