// Tells for each bill of materials in a list of files whether the official schema of its version of
// CycloneDX holds: `valid.mjs FOLDER < LIST`, where FOLDER has the library of CycloneDX installed.
// Prints a line a file: nothing where it is valid, else the first fault.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/`);
const { Validation } = require("@cyclonedx/cyclonedx-library");

const validators = new Map();

for (const path of readFileSync(0, "utf8").split("\n").filter(Boolean)) {
  const text = readFileSync(path, "utf8");
  let fault;
  try {
    const version = JSON.parse(text).specVersion;
    if (!validators.has(version)) {
      validators.set(version, new Validation.JsonStrictValidator(version));
    }
    const faults = await validators.get(version).validate(text);
    fault = faults ? `${faults[0].instancePath} ${faults[0].message}` : "";
  } catch (error) {
    fault = String(error);
  }
  console.log(fault.replaceAll("\n", " ").slice(0, 160));
}
