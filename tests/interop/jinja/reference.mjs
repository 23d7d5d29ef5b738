// Renders the cases of one JSON file with @huggingface/jinja.
//
//   node reference.mjs CASES.json OUTPUT.json
//
// CASES: [{"template", "variables"}]; OUTPUT: [{"text"} or {"error"}], in the same order.
import { readFileSync, writeFileSync } from "node:fs";
import { Template } from "@huggingface/jinja";

const cases = JSON.parse(readFileSync(process.argv[2], "utf8"));
const results = cases.map(({ template, variables }) => {
  try {
    return { text: new Template(template).render(variables) };
  } catch (error) {
    return { error: String(error.message) };
  }
});
writeFileSync(process.argv[3], JSON.stringify(results));
