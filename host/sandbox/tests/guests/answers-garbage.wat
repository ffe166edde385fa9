;; Answers with bytes that are not UTF-8.
(data (i32.const 16) "\"\ff\fe\"")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (call $answer (i32.const 16) (i32.const 4)))
