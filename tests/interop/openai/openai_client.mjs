// Drives a running `arena serve` with the openai client: node openai_client.mjs URL MODEL WIDTH.
// Ends with 0 when everything is as that client expects, 77 where the client is not installed.
import assert from "node:assert/strict";

const [url, model, width] = process.argv.slice(2);
let OpenAI;
try {
  ({ default: OpenAI } = await import("openai"));
} catch {
  console.log("run: npm ci --ignore-scripts, in tests/interop/openai");
  process.exit(77);
}
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: "secret", maxRetries: 0 });
const messages = [{ role: "user", content: "Tell me of the sea." }];
const greedy = { model, messages, temperature: 0, max_tokens: 24 };

async function collect(stream) {
  const seen = { texts: [], finish: [], tokens: 0, usage: undefined };
  for await (const chunk of stream) {
    if (chunk.usage) seen.usage = chunk.usage;
    for (const choice of chunk.choices) {
      seen.texts[choice.index] = (seen.texts[choice.index] ?? "") +
        (choice.delta?.content ?? choice.text ?? "");
      seen.tokens += choice.logprobs?.content?.length ?? 0;
      if (choice.finish_reason) seen.finish[choice.index] = choice.finish_reason;
    }
  }
  return seen;
}

const checks = {
  async models() {
    const list = await client.models.list();
    assert.deepEqual(list.data.map((m) => m.id), [model]);
    assert.equal((await client.models.retrieve(model)).object, "model");
  },
  async chat() {
    const reply = await client.chat.completions.create(greedy);
    assert.equal(reply.object, "chat.completion");
    assert.equal(reply.choices[0].message.role, "assistant");
    assert.ok(["stop", "length"].includes(reply.choices[0].finish_reason));
    assert.equal(reply.usage.total_tokens,
      reply.usage.prompt_tokens + reply.usage.completion_tokens);
    return reply;
  },
  async stream() {
    const whole = await client.chat.completions.create(greedy);
    const seen = await collect(await client.chat.completions.create(
      { ...greedy, stream: true, stream_options: { include_usage: true } }));
    assert.equal(seen.texts[0], whole.choices[0].message.content);
    assert.deepEqual(seen.usage, whole.usage);
    assert.equal(seen.finish[0], whole.choices[0].finish_reason);
  },
  async streamHelper() {
    const runner = client.chat.completions.stream({ ...greedy, n: 2, seed: 4, temperature: 1 });
    const final = await runner.finalChatCompletion();
    assert.equal(final.choices.length, 2);
  },
  async logprobs() {
    const asked = { ...greedy, logprobs: true, top_logprobs: 3 };
    const reply = await client.chat.completions.create(asked);
    const content = reply.choices[0].logprobs.content;
    assert.ok(content.length >= reply.usage.completion_tokens - 1);
    const bytes = Buffer.from(content.flatMap((t) => t.bytes));
    assert.equal(bytes.toString(), reply.choices[0].message.content);
    for (const token of content) {
      assert.ok(token.logprob <= 0 && token.top_logprobs.length === 3);
      // Greedy: the token is the best of its alternatives.
      assert.ok(Math.abs(token.logprob - token.top_logprobs[0].logprob) < 1e-5);
    }
    const seen = await collect(await client.chat.completions.create({ ...asked, stream: true }));
    assert.equal(seen.tokens, content.length);
  },
  async stop() {
    const whole = (await client.chat.completions.create({ ...greedy, max_tokens: 60 }))
      .choices[0].message.content;
    const ascii = [...whole].findIndex((c, i) => i > 0 && c.charCodeAt(0) < 128);
    assert.ok(ascii > 0, "an answer with a character to stop at");
    const stop = [...whole][ascii];
    const expected = whole.slice(0, whole.indexOf(stop));
    for (const form of [stop, [stop, "never-in-there"]]) {
      const cut = await client.chat.completions.create({ ...greedy, max_tokens: 60, stop: form });
      assert.equal(cut.choices[0].message.content, expected);
      assert.equal(cut.choices[0].finish_reason, "stop");
    }
    const seen = await collect(await client.chat.completions.create(
      { ...greedy, max_tokens: 60, stop, stream: true }));
    assert.equal(seen.texts[0], expected);
    assert.equal(seen.finish[0], "stop");
  },
  async choicesAndSeeds() {
    const asked = { ...greedy, temperature: 1, seed: 11, n: 4 };
    const texts = async (extra) =>
      (await client.chat.completions.create({ ...asked, ...extra })).choices
        .map((c) => c.message.content);
    const first = await texts();
    assert.equal(new Set(first).size, 4);
    assert.deepEqual(await texts(), first);
    // Choice i is what one request with seed + i gives.
    assert.deepEqual(await texts({ n: 1, seed: 13 }), [first[2]]);
    assert.notDeepEqual(await texts({ seed: undefined }), first);
  },
  async completions() {
    const asked = { model, prompt: ["The sea", "A bird"], temperature: 0, max_tokens: 8 };
    const reply = await client.completions.create({ ...asked, logprobs: 2 });
    assert.deepEqual(reply.choices.map((c) => c.index), [0, 1]);
    assert.equal(reply.choices[0].logprobs.tokens.length,
      reply.choices[0].logprobs.token_logprobs.length);
    const seen = await collect(await client.completions.create({ ...asked, stream: true }));
    assert.deepEqual(seen.texts, reply.choices.map((c) => c.text));
  },
  async embeddings() {
    const plain = await client.embeddings.create(
      { model, input: ["The sea", "A bird"], encoding_format: "float" });
    // Without a format the client asks for base64 and decodes it.
    const packed = await client.embeddings.create({ model, input: ["The sea", "A bird"] });
    const one = await client.embeddings.create({ model, input: "A bird" });
    for (const [i, item] of plain.data.entries()) {
      assert.equal(item.embedding.length, Number(width));
      const norm = Math.hypot(...item.embedding);
      assert.ok(Math.abs(norm - 1) < 1e-5, `length ${norm}`);
      const difference = item.embedding.map((x, k) => Math.abs(x - packed.data[i].embedding[k]));
      assert.ok(Math.max(...difference) < 1e-6);
    }
    const again = one.data[0].embedding.map((x, k) => x - plain.data[1].embedding[k]);
    assert.ok(Math.max(...again.map(Math.abs)) < 1e-5);
    assert.ok(plain.usage.prompt_tokens > 0);
  },
  async errors() {
    const fails = async (promise, kind, status, param) => {
      const error = await promise.then(() => undefined, (e) => e);
      assert.ok(error instanceof kind, `${kind.name}, not ${error}`);
      assert.equal(error.status, status);
      if (param) assert.equal(error.param, param);
    };
    const chat = (extra) => client.chat.completions.create({ ...greedy, ...extra });
    await fails(chat({ temperature: 3 }), OpenAI.BadRequestError, 400, "temperature");
    await fails(chat({ tools: [{ type: "function", function: { name: "f" } }] }),
      OpenAI.BadRequestError, 400, "tools");
    await fails(chat({ model: "other" }), OpenAI.NotFoundError, 404, "model");
    await fails(chat({ messages: [{ role: "user", content: "x".repeat(5000) }] }),
      OpenAI.BadRequestError, 400);
    await fails(client.models.retrieve("other"), OpenAI.NotFoundError, 404);
    await fails(new OpenAI({ baseURL: `${url}/v1`, apiKey: "wrong", maxRetries: 0 }).models.list(),
      OpenAI.AuthenticationError, 401);
  },
  async leaving() {
    const stream = await client.chat.completions.create(
      { ...greedy, max_tokens: 400, stream: true });
    for await (const chunk of stream) {
      if (chunk.choices[0]?.delta?.content) break;
    }
    const aborted = new AbortController();
    const asked = client.chat.completions.create(greedy, { signal: aborted.signal });
    aborted.abort();
    await assert.rejects(asked, OpenAI.APIUserAbortError);
    await checks.chat();
  },
};

for (const [name, check] of Object.entries(checks)) {
  await check();
  console.log(`ok ${name}`);
}
