//! The tool `my_tool`: counts the lines of a file.

const stepwell = @import("stepwell.zig");

const Input = struct { path: []const u8 };
const Output = struct { lines: usize };

comptime {
    stepwell.tool(Input, Output, call);
}

fn call(input: Input) stepwell.Refused!Output {
    const text = try stepwell.read(.head, input.path);
    var lines: usize = 0;
    for (text) |byte| lines += @intFromBool(byte == '\n');
    if (text.len > 0 and text[text.len - 1] != '\n') lines += 1;
    return .{ .lines = lines };
}
