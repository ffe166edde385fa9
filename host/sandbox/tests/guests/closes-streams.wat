;; world: observer
;; Opens its standard output ten thousand times, closes it each time, and answers "ok".
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
(import "wasi:io/streams@0.2.0" "[resource-drop]output-stream" (func $close (param i32)))
(data (i32.const 16) "\"ok\"")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $times i32)
  (local.set $times (i32.const 10000))
  (loop $more
    (call $close (call $stdout))
    (local.set $times (i32.sub (local.get $times) (i32.const 1)))
    (br_if $more (local.get $times)))
  (call $answer (i32.const 16) (i32.const 4)))
