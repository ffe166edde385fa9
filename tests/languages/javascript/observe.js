// Looks at everything that JavaScript on QuickJS gives a program, and tells it as one JSON object.
// The language has no files and no environment: only what its world imports.

import { write } from "stepwell:tool/log@0.1.0";
import { glob, listDirectory, read, stat } from "stepwell:tool/repository@0.1.0";

const early = { wall: Date.now(), random: Math.random() };

function tried(look) {
  try {
    return look();
  } catch (problem) {
    return `${problem?.name ?? "refused"}: ${problem?.message ?? JSON.stringify(problem)}`;
  }
}

function times() {
  const now = new Date();
  return {
    wall: [Date.now(), Date.now()],
    monotonic: [tried(() => performance.now()), tried(() => performance.timeOrigin)],
    local_time: [now.toString(), now.toLocaleString(), now.getTimezoneOffset()],
    temporal: tried(() => String(Temporal.Now.instant())),
    early,
  };
}

function randomness() {
  return {
    random: {
      math: [Math.random(), Math.random(), Math.random()],
      crypto: tried(() => [...crypto.getRandomValues(new Uint8Array(8))]),
      shuffled: [1, 2, 3, 4, 5, 6, 7, 8].sort(() => Math.random() - 0.5),
    },
  };
}

function surroundings() {
  return {
    environment: tried(() => process.env),
    arguments: tried(() => scriptArgs),
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

function files() {
  const text = (bytes) => String.fromCharCode(...new Uint8Array(bytes));
  return {
    root: tried(() => listDirectory("head", "")),
    stat: tried(() => stat("head", "seen.txt")),
    file: tried(() => fetch("file:///seen.txt")),
    repository: tried(() => text(read("head", "seen.txt"))),
    missing: tried(() => text(read("head", "missing.txt"))),
    found: tried(() => glob("head", { patterns: ["**"], includeIgnored: true, maxPaths: 100 })),
  };
}

function timers() {
  return { timers: tried(() => typeof setTimeout), socket: tried(() => new WebSocket("ws://127.0.0.1:9")) };
}

export const handler = {
  call(input) {
    write("info", "looking");
    const looks = [times, randomness, surroundings, addresses, order, files, timers];
    const seen = { language: "javascript", input: JSON.parse(input) };
    return JSON.stringify(Object.assign(seen, ...looks.map((look) => look())));
  },
};
