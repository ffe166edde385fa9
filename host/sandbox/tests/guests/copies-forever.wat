;; Spins inside the engine's own loops: one instruction moves a megabyte by a byte.
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (drop (memory.grow (i32.const 15)))
  (loop $again
    (memory.copy (i32.const 8193) (i32.const 8192) (i32.const 1040383))
    (br $again))
  unreachable)
