;; Reads files that do not exist, each once.
(import "stepwell:tool/repository@0.1.0" "read" (func $read (param i32 i32 i32 i32)))
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $heap i32)
  (local.set $heap (global.get $heap))
  (loop $again
    ;; The name is a counter in sixteen letters' base: four at 64.
    (i32.store8 (i32.const 64) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $ptr) (i32.const 12)) (i32.const 15))))
    (i32.store8 (i32.const 65) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $ptr) (i32.const 8)) (i32.const 15))))
    (i32.store8 (i32.const 66) (i32.add (i32.const 97) (i32.and (i32.shr_u (local.get $ptr) (i32.const 4)) (i32.const 15))))
    (i32.store8 (i32.const 67) (i32.add (i32.const 97) (i32.and (local.get $ptr) (i32.const 15))))
    (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
    (call $read (i32.const 0) (i32.const 64) (i32.const 4) (i32.const 32))
    (global.set $heap (local.get $heap))
    (br $again))
  unreachable)
