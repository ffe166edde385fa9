//! What a tool in Zig can ask and say: wit/tool.wit in Zig's words.
//!
//! The structures are those of the canonical ABI, so an answer is used as the host wrote it. Memory is
//! never given back: a call starts fresh, and its memory goes with it. Every question is recorded with
//! its answer, and together they are what a kept output is valid for.

const std = @import("std");

/// Where everything lies, for as long as the call lasts.
pub const allocator = std.heap.wasm_allocator;

pub const Tree = enum(u32) { head, base };
pub const Kind = enum(u8) { file, directory, symlink };
pub const Level = enum(u32) { debug, info, warning };

/// A list, as the contract has it; a string is one of bytes.
pub fn List(comptime T: type) type {
    return extern struct {
        items: [*]T,
        count: usize,

        pub fn slice(list: @This()) []T {
            return list.items[0..list.count];
        }

        pub fn of(from: []T) @This() {
            return .{ .items = from.ptr, .count = from.len };
        }
    };
}

pub const Text = List(u8);

pub const Reason = enum(u8) {
    not_found,
    not_a_file,
    not_a_directory,
    invalid_path,
    outside,
    not_granted,
    too_large,
    no_such_tree,
    invalid_pattern,
    unreadable,
};

/// Why a question got no answer.
pub const ReadError = extern struct {
    reason: Reason,
    more: extern union { text: Text, size: u64 },
};

/// `result<T, read-error>`
fn Answer(comptime T: type) type {
    return extern struct {
        is_error: u8,
        value: extern union { ok: T, err: ReadError },
    };
}

pub const Metadata = extern struct { kind: Kind, size: u64, executable: bool };
pub const Entry = extern struct { name: Text, kind: Kind };
pub const Found = extern struct { paths: List(Text), truncated: bool };
pub const Line = extern struct {
    path: Text,
    line: u32,
    text: Text,
    before: List(Text),
    after: List(Text),
};
pub const Matches = extern struct { lines: List(Line), truncated: bool };
const MaybeKind = extern struct { is_there: bool, kind: Kind };
const MaybeText = extern struct { is_set: bool, value: Text };

const wit = struct {
    extern "stepwell:tool/repository@0.1.0" fn read(u32, [*]const u8, usize, *Answer(Text)) void;
    extern "stepwell:tool/repository@0.1.0" fn @"read-range"(u32, [*]const u8, usize, u64, u32, *Answer(Text)) void;
    extern "stepwell:tool/repository@0.1.0" fn stat(u32, [*]const u8, usize, *Answer(Metadata)) void;
    extern "stepwell:tool/repository@0.1.0" fn @"kind-of"(u32, [*]const u8, usize, *Answer(MaybeKind)) void;
    extern "stepwell:tool/repository@0.1.0" fn @"size-of"(u32, [*]const u8, usize, *Answer(u64)) void;
    extern "stepwell:tool/repository@0.1.0" fn @"is-executable"(u32, [*]const u8, usize, *Answer(bool)) void;
    extern "stepwell:tool/repository@0.1.0" fn @"list-directory"(u32, [*]const u8, usize, *Answer(List(Entry))) void;
    extern "stepwell:tool/repository@0.1.0" fn glob(u32, [*]const Text, usize, u32, u32, *Answer(Found)) void;
    extern "stepwell:tool/repository@0.1.0" fn search(u32, [*]const u8, usize, u32, u32, [*]const Text, usize, u32, u32, *Answer(Matches)) void;
    extern "stepwell:tool/environment@0.1.0" fn get([*]const u8, usize, *Answer(MaybeText)) void;
    extern "stepwell:tool/log@0.1.0" fn write(u32, [*]const u8, usize) void;
};

/// A question that got no answer; `refusal` has the words. There is one call, so there is one place.
pub const Refused = error{ Refused, OutOfMemory };
var refusal: []const u8 = "";

/// Refuses the call, with what would work.
pub fn refuse(comptime format: []const u8, arguments: anytype) Refused {
    refusal = std.fmt.allocPrint(allocator, format, arguments) catch return error.OutOfMemory;
    return error.Refused;
}

fn unwrap(comptime T: type, answer: Answer(T), tree: Tree, about: []const u8) Refused!T {
    if (answer.is_error == 0) return answer.value.ok;
    const why = answer.value.err;
    const where = if (tree == .base) " in the base tree" else "";
    const words = switch (why.reason) {
        .not_found => "there is nothing at this path",
        .not_a_file => "this is not a file",
        .not_a_directory => "this is not a directory",
        .invalid_path, .invalid_pattern => "cannot be used: ",
        .outside => "the path leads out of the repository",
        .not_granted => "the step does not let tools see this: ",
        .too_large => "the file is too large to be read whole",
        .no_such_tree => "this step has nothing to compare with, so there is no base tree; ask for `head`",
        .unreadable => "it could not be read: ",
    };
    const before = switch (why.reason) {
        .invalid_path => "the path ",
        .invalid_pattern => "the pattern ",
        else => "",
    };
    const after = switch (why.reason) {
        .invalid_path, .invalid_pattern, .not_granted, .unreadable => why.more.text.slice(),
        .too_large => try std.fmt.allocPrint(allocator, " ({d} bytes)", .{why.more.size}),
        else => "",
    };
    if (about.len == 0) return refuse("the repository's root{s}: {s}{s}{s}", .{ where, before, words, after });
    return refuse("`{s}`{s}: {s}{s}{s}", .{ about, where, before, words, after });
}

/// The bytes of a file, at most 16 MiB.
pub fn read(tree: Tree, path: []const u8) Refused![]u8 {
    var answer: Answer(Text) = undefined;
    wit.read(@intFromEnum(tree), path.ptr, path.len, &answer);
    return (try unwrap(Text, answer, tree, path)).slice();
}

/// At most `most` bytes of a file from `offset` on.
pub fn readRange(tree: Tree, path: []const u8, offset: u64, most: u32) Refused![]u8 {
    var answer: Answer(Text) = undefined;
    wit.@"read-range"(@intFromEnum(tree), path.ptr, path.len, offset, most, &answer);
    return (try unwrap(Text, answer, tree, path)).slice();
}

/// All that is known of a path. Ask for one of it if one will do.
pub fn stat(tree: Tree, path: []const u8) Refused!Metadata {
    var answer: Answer(Metadata) = undefined;
    wit.stat(@intFromEnum(tree), path.ptr, path.len, &answer);
    return unwrap(Metadata, answer, tree, path);
}

/// What stands at a path, if anything does.
pub fn kindOf(tree: Tree, path: []const u8) Refused!?Kind {
    var answer: Answer(MaybeKind) = undefined;
    wit.@"kind-of"(@intFromEnum(tree), path.ptr, path.len, &answer);
    const found = try unwrap(MaybeKind, answer, tree, path);
    return if (found.is_there) found.kind else null;
}

/// How many bytes a file has.
pub fn sizeOf(tree: Tree, path: []const u8) Refused!u64 {
    var answer: Answer(u64) = undefined;
    wit.@"size-of"(@intFromEnum(tree), path.ptr, path.len, &answer);
    return unwrap(u64, answer, tree, path);
}

/// Whether a file may be executed.
pub fn isExecutable(tree: Tree, path: []const u8) Refused!bool {
    var answer: Answer(bool) = undefined;
    wit.@"is-executable"(@intFromEnum(tree), path.ptr, path.len, &answer);
    return unwrap(bool, answer, tree, path);
}

/// The names in a directory, sorted.
pub fn listDirectory(tree: Tree, path: []const u8) Refused![]Entry {
    var answer: Answer(List(Entry)) = undefined;
    wit.@"list-directory"(@intFromEnum(tree), path.ptr, path.len, &answer);
    return (try unwrap(List(Entry), answer, tree, path)).slice();
}

/// The files whose paths match any of the patterns.
pub fn glob(tree: Tree, patterns: []const Text, include_ignored: bool, max_paths: u32) Refused!Found {
    var answer: Answer(Found) = undefined;
    wit.glob(@intFromEnum(tree), patterns.ptr, patterns.len, @intFromBool(include_ignored), max_paths, &answer);
    return unwrap(Found, answer, tree, if (patterns.len > 0) patterns[0].slice() else "");
}

pub const Search = struct {
    pattern: []const u8,
    literal: bool = false,
    ignore_case: bool = false,
    globs: []const Text = &.{},
    context_lines: u32 = 0,
    max_matches: u32 = 2000,

    /// The lines that match.
    pub fn find(search: Search, tree: Tree) Refused!Matches {
        var answer: Answer(Matches) = undefined;
        wit.search(@intFromEnum(tree), search.pattern.ptr, search.pattern.len, @intFromBool(search.literal), @intFromBool(search.ignore_case), search.globs.ptr, search.globs.len, search.context_lines, search.max_matches, &answer);
        return unwrap(Matches, answer, tree, search.pattern);
    }
};

/// The value of a variable that the step grants; null where it is not set.
pub fn variable(name: []const u8) Refused!?[]u8 {
    var answer: Answer(MaybeText) = undefined;
    wit.get(name.ptr, name.len, &answer);
    const about = try std.fmt.allocPrint(allocator, "${s}", .{name});
    const found = try unwrap(MaybeText, answer, .head, about);
    return if (found.is_set) found.value.slice() else null;
}

/// A line for the people who read the step's log.
pub fn log(level: Level, line: []const u8) void {
    wit.write(@intFromEnum(level), line.ptr, line.len);
}

/// `result<string, refusal>`
var answered: extern struct { is_error: u8, text: [*]const u8, length: usize } = undefined;

/// Makes a tool of a function: `comptime { stepwell.tool(Input, Output, call); }`.
pub fn tool(comptime Input: type, comptime Output: type, comptime call: fn (Input) Refused!Output) void {
    const exported = struct {
        fn handle(input: [*]const u8, length: usize) callconv(.c) *const anyopaque {
            answered.is_error = 0;
            const said = carryOut(input[0..length]) catch |err| words: {
                // The host knows how much there was, and says so.
                if (err == error.OutOfMemory) @trap();
                answered.is_error = 1;
                break :words if (err == error.Refused) refusal else @errorName(err);
            };
            answered.text = said.ptr;
            answered.length = said.len;
            return &answered;
        }

        fn carryOut(input: []const u8) ![]const u8 {
            const asked = try std.json.parseFromSliceLeaky(Input, allocator, input, .{});
            return std.json.Stringify.valueAlloc(allocator, try call(asked), .{});
        }
    };
    @export(&exported.handle, .{ .name = "stepwell:tool/handler@0.1.0#call" });
    @export(&realloc, .{ .name = "cabi_realloc" });
}

fn realloc(old: [*]u8, old_size: usize, alignment: usize, size: usize) callconv(.c) [*]u8 {
    if (size == 0) return @ptrFromInt(alignment);
    const fresh = allocator.alignedAlloc(u8, .@"8", size) catch @trap();
    @memcpy(fresh[0..@min(old_size, size)], old[0..@min(old_size, size)]);
    return fresh.ptr;
}
