;; Spins inside the engine's own loops: one instruction fills a megabyte.
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (drop (memory.grow (i32.const 15)))
  (loop $again
    (memory.fill (i32.const 8192) (i32.const 7) (i32.const 1040384))
    (br $again))
  unreachable)
