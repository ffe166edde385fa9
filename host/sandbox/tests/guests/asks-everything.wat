;; Asks one question after the other, of every kind, each about another name.
(import "stepwell:tool/repository@0.1.0" "read" (func $read (param i32 i32 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "read-range"
  (func $read-range (param i32 i32 i32 i64 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "stat" (func $stat (param i32 i32 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "list-directory" (func $list (param i32 i32 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "glob" (func $glob (param i32 i32 i32 i32 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "search"
  (func $search (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(func $letter (param $at i32) (param $number i32)
  (i32.store8 (local.get $at)
    (i32.add (i32.const 97) (i32.and (local.get $number) (i32.const 15)))))
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $heap i32)
  (local $n i32)
  (local.set $heap (global.get $heap))
  (i32.store (i32.const 128) (i32.const 48))
  (i32.store (i32.const 132) (i32.const 4))
  (loop $again
    (call $letter (i32.const 48) (i32.shr_u (local.get $n) (i32.const 12)))
    (call $letter (i32.const 49) (i32.shr_u (local.get $n) (i32.const 8)))
    (call $letter (i32.const 50) (i32.shr_u (local.get $n) (i32.const 4)))
    (call $letter (i32.const 51) (local.get $n))
    (call $read (i32.const 0) (i32.const 48) (i32.const 4) (i32.const 64))
    (call $read-range
      (i32.const 0) (i32.const 48) (i32.const 4) (i64.const -1) (i32.const -1) (i32.const 64))
    (call $stat (i32.const 1) (i32.const 48) (i32.const 4) (i32.const 64))
    (call $list (i32.const 0) (i32.const 48) (i32.const 4) (i32.const 64))
    (call $glob
      (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 1) (i32.const -1) (i32.const 64))
    (call $search
      (i32.const 0) (i32.const 48) (i32.const 4) (i32.const 0) (i32.const 1) (i32.const 128)
      (i32.const 1) (i32.const 20) (i32.const -1) (i32.const 64))
    (global.set $heap (local.get $heap))
    (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br $again))
  unreachable)
