// Continues prompts greedily with llama.cpp.
//
//   node generate.mjs COUNT FILE.gguf ID,ID,... [FILE.gguf ID,ID,...]...
//
// Prints one line for each prompt: the COUNT generated token ids, with spaces between.
import {getLlama} from "node-llama-cpp";

const [count, ...rest] = process.argv.slice(2);
const llama = await getLlama({build: "never", gpu: false, logLevel: "error", maxThreads: 1});
for (let i = 0; i + 1 < rest.length; i += 2) {
  const model = await llama.loadModel({modelPath: rest[i], gpuLayers: 0});
  const context = await model.createContext({contextSize: 128, batchSize: 128});
  const sequence = context.getSequence();
  const prompt = rest[i + 1].split(",").map(Number);
  const generated = [];
  for await (const token of sequence.evaluate(prompt, {temperature: 0})) {
    generated.push(token);
    if (generated.length === Number(count)) break;
  }
  console.log(generated.join(" "));
  await context.dispose();
  await model.dispose();
}
