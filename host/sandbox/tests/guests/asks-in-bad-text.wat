;; Asks for a path that hides `..` in bytes that are no text: each dot and slash is spelled overlong.
(import "stepwell:tool/repository@0.1.0" "read" (func $read (param i32 i32 i32 i32)))
(data (i32.const 16) "\c0\ae\c0\ae\c0\afetc/passwd")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (call $read (i32.const 0) (i32.const 16) (i32.const 16) (i32.const 64))
  unreachable)
