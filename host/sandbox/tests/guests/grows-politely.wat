;; Takes memory until it is refused, then answers all the same.
(data (i32.const 16) "\"full\"")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (loop $again
    (br_if $again (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
  (call $answer (i32.const 16) (i32.const 6)))
