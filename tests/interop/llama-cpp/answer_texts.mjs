// Continues texts greedily with llama.cpp, its own tokenizer included.
//
//   node answer_texts.mjs FILE.gguf COUNT PROMPTS.json
//
// PROMPTS.json is a list of texts. Prints one JSON line for each: the prompt's token ids (special
// tokens are not recognised in it) and the COUNT generated ones.
import fs from "node:fs";
import {getLlama} from "node-llama-cpp";

const [file, count, prompts] = process.argv.slice(2);
const llama = await getLlama({build: "never", gpu: false, logLevel: "error", maxThreads: 1});
const model = await llama.loadModel({modelPath: file, gpuLayers: 0});
const context = await model.createContext({
  contextSize: 256, batchSize: 256,
  // Its default, f16, moves logits by some 1e-4.
  experimentalKvCacheKeyType: "F32", experimentalKvCacheValueType: "F32",
});
for (const text of JSON.parse(fs.readFileSync(prompts, "utf8"))) {
  const sequence = context.getSequence();
  const prompt = model.tokenize(text, false);
  const generated = [];
  for await (const token of sequence.evaluate(prompt, {temperature: 0, yieldEogToken: true})) {
    generated.push(token);
    if (generated.length === Number(count)) break;
  }
  console.log(JSON.stringify({prompt, generated}));
  sequence.dispose();
}
