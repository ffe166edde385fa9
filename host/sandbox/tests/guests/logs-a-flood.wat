;; Logs 64 KiB three thousand times, then answers "ok".
(import "stepwell:tool/log@0.1.0" "write" (func $log (param i32 i32 i32)))
(data (i32.const 16) "\"ok\"")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $left i32)
  (local.set $left (i32.const 3000))
  (loop $again
    (call $log (i32.const 1) (i32.const 0) (i32.const 65536))
    (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
  (call $answer (i32.const 16) (i32.const 4)))
