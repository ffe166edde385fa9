;; Asks what its input says: a letter for the question, then a path, a pattern or a text. Answers
;; with what it read, "ok", or "none" for an empty list. Refuses with one letter for the kind of
;; error: a is the first in the contract.
(import "stepwell:tool/repository@0.1.0" "read" (func $read (param i32 i32 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "read-range"
  (func $read-range (param i32 i32 i32 i64 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "stat" (func $stat (param i32 i32 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "list-directory" (func $list (param i32 i32 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "glob" (func $glob (param i32 i32 i32 i32 i32 i32)))
(import "stepwell:tool/repository@0.1.0" "search"
  (func $search (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
(data (i32.const 16) "\"ok\"")
(data (i32.const 24) "\"none\"")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (local $what i32)
  (local.set $what (i32.load8_u (local.get $ptr)))
  (local.set $ptr (i32.add (local.get $ptr) (i32.const 1)))
  (local.set $len (i32.sub (local.get $len) (i32.const 1)))
  ;; A list of one text, for patterns.
  (i32.store (i32.const 128) (local.get $ptr))
  (i32.store (i32.const 132) (local.get $len))
  ;; The result is at 64, and at 72 the answer or the error.
  (if (i32.eq (local.get $what) (i32.const 114)) ;; r
    (then (call $read (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 64))))
  (if (i32.eq (local.get $what) (i32.const 112)) ;; p
    (then
      (call $read-range
        (i32.const 0) (local.get $ptr) (local.get $len) (i64.const 0) (i32.const 4096)
        (i32.const 64))))
  (if (i32.eq (local.get $what) (i32.const 115)) ;; s
    (then (call $stat (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 64))))
  (if (i32.eq (local.get $what) (i32.const 108)) ;; l
    (then (call $list (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 64))))
  (if (i32.eq (local.get $what) (i32.const 103)) ;; g
    (then
      (call $glob
        (i32.const 0) (i32.const 128) (i32.const 1) (i32.const 1) (i32.const 100) (i32.const 64))))
  (if (i32.eq (local.get $what) (i32.const 102)) ;; f
    (then
      (call $search
        (i32.const 0) (local.get $ptr) (local.get $len) (i32.const 1) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 100) (i32.const 64))))
  (if (i32.load8_u (i32.const 64))
    (then
      (i32.store8 (i32.const 48) (i32.add (i32.load8_u (i32.const 72)) (i32.const 97)))
      (return (call $refuse (i32.const 48) (i32.const 1)))))
  (if (i32.eq (local.get $what) (i32.const 115))
    (then (return (call $answer (i32.const 16) (i32.const 4)))))
  (if (i32.eqz (i32.load (i32.const 76)))
    (then (return (call $answer (i32.const 24) (i32.const 6)))))
  (if (i32.le_u (i32.and (local.get $what) (i32.const 14)) (i32.const 2)) ;; p and r
    (then (return (call $answer (i32.load (i32.const 72)) (i32.load (i32.const 76))))))
  (call $answer (i32.const 16) (i32.const 4)))
