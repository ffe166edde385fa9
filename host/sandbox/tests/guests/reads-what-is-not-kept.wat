;; Reads the four files `big-1` to `big-4`, which are all that a view keeps, and then the file its
;; input names, without end.
(import "stepwell:tool/repository@0.1.0" "read" (func $read (param i32 i32 i32 i32)))
(data (i32.const 16) "big-1")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $heap i32)
  (local.set $heap (global.get $heap))
  (loop $fill
    (call $read (i32.const 0) (i32.const 16) (i32.const 5) (i32.const 64))
    (if (i32.load8_u (i32.const 64)) (then unreachable))
    (global.set $heap (local.get $heap))
    (i32.store8 (i32.const 20) (i32.add (i32.load8_u (i32.const 20)) (i32.const 1)))
    (br_if $fill (i32.le_u (i32.load8_u (i32.const 20)) (i32.const 52))))
  (loop $again
    (call $read (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 64))
    (global.set $heap (local.get $heap))
    (br $again))
  unreachable)
