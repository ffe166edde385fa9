// The conformance tool in JavaScript.

import { get } from "stepwell:tool/environment@0.1.0";
import { write } from "stepwell:tool/log@0.1.0";
import {
  glob,
  isExecutable,
  kindOf,
  listDirectory,
  read,
  readRange,
  search,
  sizeOf,
  stat,
} from "stepwell:tool/repository@0.1.0";

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

function conformance({ ask, about, tree = "head", number = "100" }) {
  const most = Number(number);
  const answer = () => told(ask, about, tree, most);
  return ask === "refuse" ? refuse(about) : asked(ask === "variable" ? `$${about}` : about, tree, answer);
}

function refuse(message) {
  throw { message };
}

function told(ask, about, tree, number) {
  switch (ask) {
    case "read":
      return { text: text(read(tree, about)) };
    case "range":
      return { text: text(readRange(tree, about, number, 5)) };
    case "stat": {
      const { kind, size, executable } = stat(tree, about);
      return { kind, size: Number(size), executable };
    }
    case "kind":
      return { kind: kindOf(tree, about) ?? null };
    case "size":
      return { size: Number(sizeOf(tree, about)) };
    case "executable":
      return { executable: isExecutable(tree, about) };
    case "list":
      return { entries: listDirectory(tree, about).map(({ name, kind }) => ({ name, kind })) };
    case "glob": {
      const query = { patterns: [about], includeIgnored: false, maxPaths: number };
      const { paths, truncated } = glob(tree, query);
      return { paths, truncated };
    }
    case "search":
      return lines(search(tree, query(about, number)));
    case "variable":
      return { value: get(about) ?? null };
    case "log":
      write("info", about);
      return { logged: about };
    case "fill":
      return { text: about.repeat(number) };
    case "spin":
      for (;;);
  }
}

function query(pattern, maxMatches) {
  const plain = { literal: false, ignoreCase: false, globs: [], contextLines: 1 };
  return { pattern, maxMatches, ...plain };
}

function lines({ lines, truncated }) {
  const line = ({ path, line, text, before, after }) => ({ path, line, text, before, after });
  return { lines: lines.map(line), truncated };
}

// QuickJS has no TextDecoder.
function text(bytes) {
  let escaped = "";
  for (const byte of bytes) escaped += "%" + byte.toString(16).padStart(2, "0");
  return decodeURIComponent(escaped);
}

// Asks a question; what has no answer becomes a refusal that says what and where.
function asked(about, tree, question) {
  try {
    return question();
  } catch (err) {
    const reason = err?.payload ?? err;
    const words = REASONS[reason?.tag];
    if (!words) throw err;
    const what = about ? `\`${about}\`` : "the repository's root";
    throw { message: `${what}${tree === "base" ? " in the base tree" : ""}: ${words(reason.val)}` };
  }
}

export const handler = {
  call(input) {
    return JSON.stringify(conformance(JSON.parse(input)));
  },
};
