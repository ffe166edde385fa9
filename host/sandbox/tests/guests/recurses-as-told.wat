;; Calls itself as often as its input says, in digits, then answers "ok".
(data (i32.const 16) "\"ok\"")
(func $deeper (param $left i32) (result i32)
  (if (i32.eqz (local.get $left)) (then (return (i32.const 0))))
  (i32.add (call $deeper (i32.sub (local.get $left) (i32.const 1))) (i32.const 1)))
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $levels i32)
  (loop $digits
    (if (local.get $len)
      (then
        (local.set $levels
          (i32.add
            (i32.mul (local.get $levels) (i32.const 10))
            (i32.sub (i32.load8_u (local.get $ptr)) (i32.const 48))))
        (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
        (local.set $len (i32.sub (local.get $len) (i32.const 1)))
        (br $digits))))
  (drop (call $deeper (local.get $levels)))
  (call $answer (i32.const 16) (i32.const 4)))
