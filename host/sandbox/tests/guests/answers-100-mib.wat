;; Answers with 100 MiB of zeros.
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (drop (memory.grow (i32.const 1600)))
  (call $answer (i32.const 16) (i32.const 104857600)))
