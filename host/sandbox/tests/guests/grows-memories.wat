;; Takes memory in three places by turns: each alone stays under a limit that is not summed.
(memory $a 0)
(memory $b 0)
(memory $c 0)
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (loop $again
    (br_if $again
      (i32.and
        (i32.ne (memory.grow $a (i32.const 16)) (i32.const -1))
        (i32.and
          (i32.ne (memory.grow $b (i32.const 16)) (i32.const -1))
          (i32.ne (memory.grow $c (i32.const 16)) (i32.const -1))))))
  unreachable)
