// Looks at everything that JavaScript on QuickJS gives a program, and tells it as one JSON object.
// The language has no files and no environment: those it has from its world, see world.wit.

import { write } from "stepwell:tool/log@0.1.0";
import { glob, listDirectory, read, stat } from "stepwell:tool/repository@0.1.0";
import { getArguments, getEnvironment, initialCwd } from "wasi:cli/environment@0.2.1";
import * as monotonic from "wasi:clocks/monotonic-clock@0.2.1";
import * as wall from "wasi:clocks/wall-clock@0.2.1";
import { getDirectories } from "wasi:filesystem/preopens@0.2.1";
import { getInsecureRandomBytes } from "wasi:random/insecure@0.2.1";
import { insecureSeed } from "wasi:random/insecure-seed@0.2.1";
import { getRandomBytes } from "wasi:random/random@0.2.1";

const early = { wall: Date.now(), random: Math.random() };

function tried(look) {
  try {
    return look();
  } catch (problem) {
    return `${problem?.name ?? "refused"}: ${problem?.payload ? JSON.stringify(problem.payload) : problem?.message}`;
  }
}

function times() {
  const now = new Date();
  return {
    wall: [Date.now(), Date.now()],
    monotonic: [tried(() => performance.now()), tried(() => performance.timeOrigin)],
    local_time: [now.toString(), now.toLocaleString(), now.getTimezoneOffset()],
    clocks: [wall.now(), wall.resolution(), monotonic.now(), monotonic.resolution()],
    temporal: tried(() => String(Temporal.Now.instant())),
    early,
  };
}

function randomness() {
  return {
    random: {
      math: [Math.random(), Math.random(), Math.random()],
      bytes: [...getRandomBytes(16)],
      insecure: [...getInsecureRandomBytes(16)],
      seed: tried(() => insecureSeed().map(String)),
      crypto: tried(() => [...crypto.getRandomValues(new Uint8Array(8))]),
      shuffled: [1, 2, 3, 4, 5, 6, 7, 8].sort(() => Math.random() - 0.5),
    },
  };
}

function surroundings() {
  return {
    environment: getEnvironment(),
    process: tried(() => process.env),
    arguments: [getArguments(), tried(() => scriptArgs)],
    directory: initialCwd(),
    host: tried(() => navigator.userAgent),
    platform: {
      global: Object.getOwnPropertyNames(globalThis),
      memory: tried(() => gc()),
      system: tried(() => os.platform),
    },
  };
}

// An address shows only through what is ordered or named by it.
function addresses() {
  return {
    addresses: [
      tried(() => new Error("where").stack),
      String(Symbol("a symbol")),
      tried(() => new WeakRef({}).deref() !== undefined),
    ],
  };
}

function order() {
  const keys = Array.from({ length: 40 }, (_, number) => `name ${number}`);
  const object = Object.fromEntries(keys.map((key) => [key, true]));
  return {
    order: {
      object: Object.keys(object),
      set: [...new Set(keys)],
      map: [...new Map(keys.map((key) => [{ key }, key])).values()],
      unstable: keys.map((_, number) => number).sort(() => 0),
    },
    floats: [Math.sin(1e300), Math.pow(2, 0.5), Math.exp(1), Math.tan(1e10), 0.1 + 0.2, String(NaN)],
  };
}

const text = (bytes) => String.fromCharCode(...new Uint8Array(bytes));

// Variants and numbers of 64 bits as JSON can hold them.
const plain = (value) => JSON.parse(JSON.stringify(value, (_, part) => (typeof part === "bigint" ? String(part) : part)));

function folder(name) {
  return getDirectories().find(([, path]) => path === name)[0];
}

function entries(of) {
  const stream = of.readDirectory();
  const names = [];
  for (let entry = stream.readDirectoryEntry(); entry; entry = stream.readDirectoryEntry()) {
    names.push(plain(entry));
  }
  return names;
}

function files() {
  const root = folder("/");
  const back = (path) => text(root.openAt({ symlinkFollow: true }, path, {}, { read: true }).read(1000, 0)[0]);
  return {
    preopened: getDirectories().map(([, path]) => path),
    root: tried(() => entries(root)),
    stat: tried(() => plain(root.statAt({}, "seen.txt"))),
    identity: tried(() => plain(root.metadataHashAt({}, "seen.txt"))),
    file: tried(() => back("seen.txt")),
    linked: tried(() => back("link")),
    missing: tried(() => back("missing.txt")),
    repository: tried(() => text(read("head", "seen.txt"))),
    listed: tried(() => listDirectory("head", "")),
    told: tried(() => stat("head", "seen.txt")),
    refused: tried(() => text(read("head", "missing.txt"))),
    found: tried(() => glob("head", { patterns: ["**"], includeIgnored: true, maxPaths: 100 })),
  };
}

function scratch() {
  const tmp = folder("/tmp");
  const bytes = Uint8Array.from("kept for one call", (letter) => letter.charCodeAt(0));
  const open = () => tmp.openAt({}, "note", { create: true }, { read: true, write: true });
  return {
    scratch: {
      written: tried(() => String(open().write(bytes, 0))),
      back: tried(() => text(open().read(1000, 0)[0])),
      stat: tried(() => plain(tmp.statAt({}, "note"))),
      entries: tried(() => entries(tmp)),
      "repository for writing": tried(() => folder("/").openAt({}, "seen.txt", {}, { write: true })),
    },
  };
}

function timers() {
  return { timers: tried(() => typeof setTimeout), socket: tried(() => new WebSocket("ws://127.0.0.1:9")) };
}

export const handler = {
  call(input) {
    const asked = JSON.parse(input);
    // What a tool usually does, for measuring.
    if (asked.read) {
      return JSON.stringify({ text: text(read("head", asked.read)) });
    }
    write("info", "looking");
    const looks = [times, randomness, surroundings, addresses, order, files, scratch, timers];
    const seen = { language: "javascript", input: asked };
    return JSON.stringify(Object.assign(seen, ...looks.map((look) => look())));
  },
};
