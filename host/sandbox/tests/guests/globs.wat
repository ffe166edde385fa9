;; Asks for every file and answers "ok" when there is one, "none" when there is none.
(import "stepwell:tool/repository@0.1.0" "glob"
  (func $glob (param i32 i32 i32 i32 i32 i32)))
(data (i32.const 16) "\"ok\"")
(data (i32.const 24) "\"none\"")
;; One pattern at 96: its address and length.
(data (i32.const 96) "\68\00\00\00\02\00\00\00**")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (call $glob
    (i32.const 0) (i32.const 96) (i32.const 1) (i32.const 0) (i32.const 10) (i32.const 32))
  (if (i32.load8_u (i32.const 32)) (then unreachable))
  (if (i32.load (i32.const 44))
    (then (return (call $answer (i32.const 16) (i32.const 4)))))
  (call $answer (i32.const 24) (i32.const 6)))
