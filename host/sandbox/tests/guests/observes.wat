;; world: observer
;; Looks at everything that WASI has to look at: both clocks, randomness, the environment, standard
;; output, and the file that its input names. Answers with all of it: three numbers and how many
;; variables there are as hexadecimal bytes, then the file's text. Refuses with one letter where
;; the file cannot be opened: A is the first error in WASI's list.
(import "wasi:clocks/wall-clock@0.2.0" "now" (func $wall (param i32)))
(import "wasi:clocks/monotonic-clock@0.2.0" "now" (func $monotonic (result i64)))
(import "wasi:random/random@0.2.0" "get-random-u64" (func $random (result i64)))
(import "wasi:cli/environment@0.2.0" "get-environment" (func $environment (param i32)))
(import "wasi:cli/stdout@0.2.0" "get-stdout" (func $stdout (result i32)))
(import "wasi:io/streams@0.2.0" "[method]output-stream.blocking-write-and-flush"
  (func $write (param i32 i32 i32 i32)))
(import "wasi:filesystem/preopens@0.2.0" "get-directories" (func $directories (param i32)))
(import "wasi:filesystem/types@0.2.0" "[method]descriptor.open-at"
  (func $open (param i32 i32 i32 i32 i32 i32 i32)))
(import "wasi:filesystem/types@0.2.0" "[method]descriptor.read"
  (func $read (param i32 i64 i64 i32)))
(data (i32.const 16) "0123456789abcdef")
(data (i32.const 40) "said\n")

;; Where the next byte of the answer goes.
(global $at (mut i32) (i32.const 1024))

(func $put (param $byte i32)
  (i32.store8 (global.get $at) (local.get $byte))
  (global.set $at (i32.add (global.get $at) (i32.const 1))))

(func $hex (param $number i64) (param $digits i32)
  (loop $next
    (local.set $digits (i32.sub (local.get $digits) (i32.const 1)))
    (call $put (i32.load8_u (i32.add (i32.const 16) (i32.and (i32.const 15) (i32.wrap_i64
      (i64.shr_u (local.get $number)
        (i64.extend_i32_u (i32.mul (local.get $digits) (i32.const 4)))))))))
    (br_if $next (local.get $digits))))

(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (call $put (i32.const 34))
  (call $wall (i32.const 64))
  (call $hex (i64.load (i32.const 64)) (i32.const 16))
  (call $hex (call $monotonic) (i32.const 16))
  (call $hex (call $random) (i32.const 16))
  (call $environment (i32.const 64))
  (call $hex (i64.load32_u (i32.const 68)) (i32.const 2))
  (call $write (call $stdout) (i32.const 40) (i32.const 5) (i32.const 64))

  ;; The first directory is the repository. Follow links; open to read.
  (call $directories (i32.const 64))
  (call $open (i32.load (i32.load (i32.const 64))) (i32.const 1) (local.get $ptr) (local.get $len)
    (i32.const 0) (i32.const 1) (i32.const 64))
  (if (i32.load8_u (i32.const 64))
    (then
      (i32.store8 (i32.const 64) (i32.add (i32.load8_u (i32.const 68)) (i32.const 65)))
      (return (call $refuse (i32.const 64) (i32.const 1)))))
  (call $read (i32.load (i32.const 68)) (i64.const 4096) (i64.const 0) (i32.const 64))
  (memory.copy (global.get $at) (i32.load (i32.const 68)) (i32.load (i32.const 72)))
  (global.set $at (i32.add (global.get $at) (i32.load (i32.const 72))))
  (call $put (i32.const 34))
  (call $answer (i32.const 1024) (i32.sub (global.get $at) (i32.const 1024))))
