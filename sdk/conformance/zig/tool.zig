//! The conformance tool in Zig.

const std = @import("std");
const stepwell = @import("stepwell.zig");

const Input = struct {
    ask: enum { read, range, stat, kind, size, executable, list, glob, search, variable, log, fill, refuse, spin },
    about: []const u8,
    tree: stepwell.Tree = .head,
    number: []const u8 = "100",
};

const Name = struct { name: []const u8, kind: []const u8 };
const Line = struct { path: []const u8, line: u32, text: []const u8, before: []const []const u8, after: []const []const u8 };

const Output = union(enum) {
    text: struct { text: []const u8 },
    stat: struct { kind: []const u8, size: u64, executable: bool },
    kind: struct { kind: ?[]const u8 },
    size: struct { size: u64 },
    executable: struct { executable: bool },
    entries: struct { entries: []Name },
    found: struct { paths: [][]const u8, truncated: bool },
    lines: struct { lines: []Line, truncated: bool },
    value: struct { value: ?[]const u8 },
    logged: struct { logged: []const u8 },

    // What it holds, without the name of the case.
    pub fn jsonStringify(output: Output, json: anytype) !void {
        switch (output) {
            inline else => |held| try json.write(held),
        }
    }
};

comptime {
    stepwell.tool(Input, Output, call);
}

fn texts(list: stepwell.List(stepwell.Text)) ![][]const u8 {
    const all = try stepwell.allocator.alloc([]const u8, list.count);
    for (list.slice(), all) |from, *to| to.* = from.slice();
    return all;
}

fn call(input: Input) stepwell.Refused!Output {
    const tree, const about = .{ input.tree, input.about };
    const number = std.fmt.parseInt(u32, input.number, 10) catch 100;
    switch (input.ask) {
        .read => return .{ .text = .{ .text = try stepwell.read(tree, about) } },
        .range => return .{ .text = .{ .text = try stepwell.readRange(tree, about, number, 5) } },
        .stat => {
            const found = try stepwell.stat(tree, about);
            return .{ .stat = .{ .kind = @tagName(found.kind), .size = found.size, .executable = found.executable } };
        },
        .kind => {
            const kind = try stepwell.kindOf(tree, about);
            return .{ .kind = .{ .kind = if (kind) |found| @tagName(found) else null } };
        },
        .size => return .{ .size = .{ .size = try stepwell.sizeOf(tree, about) } },
        .executable => return .{ .executable = .{ .executable = try stepwell.isExecutable(tree, about) } },
        .list => {
            const entries = try stepwell.listDirectory(tree, about);
            const told = try stepwell.allocator.alloc(Name, entries.len);
            for (entries, told) |from, *to| to.* = .{ .name = from.name.slice(), .kind = @tagName(from.kind) };
            return .{ .entries = .{ .entries = told } };
        },
        .glob => {
            var pattern = [_]stepwell.Text{stepwell.Text.of(@constCast(about))};
            const found = try stepwell.glob(tree, &pattern, false, number);
            return .{ .found = .{ .paths = try texts(found.paths), .truncated = found.truncated } };
        },
        .search => {
            const search: stepwell.Search = .{ .pattern = about, .context_lines = 1, .max_matches = number };
            const found = try search.find(tree);
            const told = try stepwell.allocator.alloc(Line, found.lines.count);
            for (found.lines.slice(), told) |from, *to| {
                to.* = .{ .path = from.path.slice(), .line = from.line, .text = from.text.slice(), .before = try texts(from.before), .after = try texts(from.after) };
            }
            return .{ .lines = .{ .lines = told, .truncated = found.truncated } };
        },
        .variable => return .{ .value = .{ .value = try stepwell.variable(about) } },
        .log => {
            stepwell.log(.info, about);
            return .{ .logged = .{ .logged = about } };
        },
        .fill => {
            const text = try stepwell.allocator.alloc(u8, about.len * number);
            for (text, 0..) |*byte, n| byte.* = about[n % about.len];
            return .{ .text = .{ .text = text } };
        },
        .refuse => return stepwell.refuse("{s}", .{about}),
        .spin => while (true) std.mem.doNotOptimizeAway(about),
    }
}
