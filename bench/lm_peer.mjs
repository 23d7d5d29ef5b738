// Generates with node-llama-cpp, for lm_bench.
//
//   node lm_peer.mjs PACKAGE_DIR FILE.gguf THREADS TOKENS BATCH...
//
// Prints for each batch size the tokens per second of that many sequences at once, sampled at
// temperature 1 without cuts. The time starts when the model is loaded and warm.
import path from "node:path";
import {pathToFileURL} from "node:url";

const [packageDir, file, threads, tokens, ...batches] = process.argv.slice(2);
const entry = path.join(packageDir, "node_modules", "node-llama-cpp", "dist", "index.js");
const {getLlama} = await import(pathToFileURL(entry).href);
const llama = await getLlama({
  build: "never", gpu: false, logLevel: "error", maxThreads: Number(threads)
});
const model = await llama.loadModel({modelPath: file, gpuLayers: 0});

async function generate(sequence, first, count) {
  const options = {temperature: 1, topK: 0, topP: 1, minP: 0, seed: first, yieldEogToken: true};
  let generated = 0;
  for await (const _ of sequence.evaluate([3 + (first % 50), 4], options)) {
    if (++generated === count) break;
  }
  return generated;
}

for (const batch of batches.map(Number)) {
  const context = await model.createContext({
    sequences: batch, contextSize: 64, batchSize: Math.max(32, batch), threads: Number(threads)
  });
  const sequences = Array.from({length: batch}, () => context.getSequence());
  await generate(sequences[0], 1, 2);
  await sequences[0].clearHistory();
  const start = performance.now();
  const counts = await Promise.all(
    sequences.map((sequence, i) => generate(sequence, i, Number(tokens))));
  const seconds = (performance.now() - start) / 1000;
  console.log((counts.reduce((sum, count) => sum + count, 0) / seconds).toFixed(1));
  await context.dispose();
}
process.exit(0);
