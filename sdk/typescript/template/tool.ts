// The tool `my_tool`: counts the lines of a file.

import { read, type ReadError } from "stepwell:tool/repository@0.1.0";

interface Input {
  path: string;
}

interface Output {
  lines: number;
}

function myTool({ path }: Input): Output {
  const lines = readText(path).split("\n");
  return { lines: lines.length - (lines.at(-1) === "" ? 1 : 0) };
}

// QuickJS has no TextDecoder.
function readText(path: string): string {
  const bytes = asked(path, () => read("head", path));
  let escaped = "";
  for (const byte of bytes) escaped += "%" + byte.toString(16).padStart(2, "0");
  return decodeURIComponent(escaped);
}

// Asks a question; what has no answer becomes a refusal that says what and where.
function asked<T>(about: string, question: () => T): T {
  try {
    return question();
  } catch (err) {
    const reason = (err as { payload?: ReadError }).payload;
    if (!reason) throw err;
    throw { message: `\`${about}\`: ${inWords(reason)}` };
  }
}

// Why a question got no answer, in words for the model.
function inWords(reason: ReadError): string {
  switch (reason.tag) {
    case "not-found":
      return "there is nothing at this path";
    case "not-a-file":
      return "this is not a file";
    case "not-a-directory":
      return "this is not a directory";
    case "invalid-path":
      return `the path cannot be used: ${reason.val}`;
    case "outside":
      return "the path leads out of the repository";
    case "not-granted":
      return `the step does not let tools see this: ${reason.val}`;
    case "too-large":
      return `the file is too large to be read whole (${reason.val} bytes)`;
    case "no-such-tree":
      return "this step has nothing to compare with, so there is no base tree; ask for `head`";
    case "invalid-pattern":
      return `the pattern cannot be used: ${reason.val}`;
    case "unreadable":
      return `it could not be read: ${reason.val}`;
  }
}

export const handler = {
  call(input: string): string {
    return JSON.stringify(myTool(JSON.parse(input) as Input));
  },
};
