;; Answers with as many lists in each other as its memory holds.
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (memory.fill (i32.const 16) (i32.const 91) (i32.const 32000))
  (memory.fill (i32.const 32016) (i32.const 93) (i32.const 32000))
  (call $answer (i32.const 16) (i32.const 64000)))
