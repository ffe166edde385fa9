// What a tool in TypeScript can ask and say: wit/tool.wit in TypeScript's words.
//
// Every question is recorded with its answer, and together they are what a kept output is valid for.
// A question without an answer throws: `err.payload` is a `ReadError`.

declare module "stepwell:tool/repository@0.1.0" {
  /** `head`: the state the step is about; `base`: the one it is compared with, if there is one. */
  export type Tree = "head" | "base";
  export type Kind = "file" | "directory" | "symlink";

  /** Why a question got no answer. */
  export type ReadError =
    | { tag: "not-found" | "not-a-file" | "not-a-directory" | "outside" | "no-such-tree"; val?: undefined }
    | { tag: "invalid-path" | "not-granted" | "invalid-pattern" | "unreadable"; val: string }
    | { tag: "too-large"; val: bigint };

  export interface Metadata {
    kind: Kind;
    size: bigint;
    executable: boolean;
  }
  export interface Entry {
    name: string;
    kind: Kind;
  }
  export interface GlobQuery {
    patterns: string[];
    includeIgnored: boolean;
    maxPaths: number;
  }
  export interface Found {
    paths: string[];
    truncated: boolean;
  }
  export interface SearchQuery {
    pattern: string;
    literal: boolean;
    ignoreCase: boolean;
    globs: string[];
    contextLines: number;
    maxMatches: number;
  }
  export interface LineMatch {
    path: string;
    line: number;
    text: string;
    before: string[];
    after: string[];
  }
  export interface Matches {
    lines: LineMatch[];
    truncated: boolean;
  }

  /** The bytes of a file, at most 16 MiB. */
  export function read(tree: Tree, path: string): Uint8Array;
  /** At most `length` bytes from `offset` on; fewer at the end. */
  export function readRange(tree: Tree, path: string, offset: bigint, length: number): Uint8Array;
  /** Kind, size and mode at once; ask for the one that you need where it is one. */
  export function stat(tree: Tree, path: string): Metadata;
  /** What stands at a path, if anything does. */
  export function kindOf(tree: Tree, path: string): Kind | undefined;
  export function sizeOf(tree: Tree, path: string): bigint;
  export function isExecutable(tree: Tree, path: string): boolean;
  /** The names in a directory, sorted by their bytes, ignored ones too. */
  export function listDirectory(tree: Tree, path: string): Entry[];
  /** The files whose paths match. */
  export function glob(tree: Tree, query: GlobQuery): Found;
  /** The lines that match. */
  export function search(tree: Tree, query: SearchQuery): Matches;
}

declare module "stepwell:tool/environment@0.1.0" {
  /** The value of a variable that the step grants; none where it is not set. */
  export function get(name: string): string | undefined;
}

declare module "stepwell:tool/log@0.1.0" {
  /** Writes a line for the people who read the step's log. It never reaches the model. */
  export function write(level: "debug" | "info" | "warning", line: string): void;
}
