;; Answers with every control character there is, between quotation marks.
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $at i32)
  (i32.store8 (i32.const 16) (i32.const 34))
  (loop $again
    (i32.store8 (i32.add (i32.const 17) (local.get $at)) (local.get $at))
    (br_if $again
      (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 32))))
  (i32.store8 (i32.const 49) (i32.const 127))
  (i32.store8 (i32.const 50) (i32.const 34))
  (call $answer (i32.const 16) (i32.const 35)))
