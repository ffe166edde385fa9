;; world: observer
;; Asks for as many random bytes at once as its input says, in digits, and answers "ok" when it
;; has got that many.
(import "wasi:random/random@0.2.0" "get-random-bytes" (func $random (param i64 i32)))
(data (i32.const 16) "\"ok\"")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $bytes i64)
  (loop $digits
    (if (local.get $len)
      (then
        (local.set $bytes
          (i64.add
            (i64.mul (local.get $bytes) (i64.const 10))
            (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $ptr)) (i32.const 48)))))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $digits))))
  (call $random (local.get $bytes) (i32.const 64))
  (if (i64.ne (i64.extend_i32_u (i32.load (i32.const 68))) (local.get $bytes)) (then unreachable))
  (call $answer (i32.const 16) (i32.const 4)))
