;; Reads the file its input names, and answers with the content. Refuses with one letter for the
;; kind of error: a is the first in the contract.
(import "stepwell:tool/repository@0.1.0" "read" (func $read (param i32 i32 i32 i32)))
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  ;; A result of 24 bytes at 32: whether it is an error, then at 40 the list or the error.
  (call $read (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 32))
  (if (i32.load8_u (i32.const 32))
    (then
      (i32.store8 (i32.const 64) (i32.add (i32.load8_u (i32.const 40)) (i32.const 97)))
      (return (call $refuse (i32.const 64) (i32.const 1)))))
  (call $answer (i32.load (i32.const 40)) (i32.load (i32.const 44))))
