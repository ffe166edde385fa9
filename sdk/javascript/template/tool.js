// The tool `my_tool`: counts the lines of a file.

import { read } from "stepwell:tool/repository@0.1.0";

// Why a question got no answer, in words for the model.
const REASONS = {
  "not-found": () => "there is nothing at this path",
  "not-a-file": () => "this is not a file",
  "not-a-directory": () => "this is not a directory",
  "invalid-path": (why) => `the path cannot be used: ${why}`,
  outside: () => "the path leads out of the repository",
  "not-granted": (grant) => `the step does not let tools see this: ${grant}`,
  "too-large": (bytes) => `the file is too large to be read whole (${bytes} bytes)`,
  "no-such-tree": () =>
    "this step has nothing to compare with, so there is no base tree; ask for `head`",
  "invalid-pattern": (why) => `the pattern cannot be used: ${why}`,
  unreadable: (why) => `it could not be read: ${why}`,
};

function myTool({ path }) {
  const text = readText(path);
  const lines = text.split("\n");
  return { lines: lines.length - (lines.at(-1) === "" ? 1 : 0) };
}

// QuickJS has no TextDecoder.
function readText(path) {
  const bytes = asked(path, () => read("head", path));
  let escaped = "";
  for (const byte of bytes) escaped += "%" + byte.toString(16).padStart(2, "0");
  return decodeURIComponent(escaped);
}

// Asks a question; what has no answer becomes a refusal that says what and where.
function asked(about, question) {
  try {
    return question();
  } catch (err) {
    const reason = err?.payload ?? err;
    const words = REASONS[reason?.tag];
    if (!words) throw err;
    throw { message: `\`${about}\`: ${words(reason.val)}` };
  }
}

export const handler = {
  call(input) {
    return JSON.stringify(myTool(JSON.parse(input)));
  },
};
