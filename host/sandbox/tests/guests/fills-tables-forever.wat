;; Spins inside the engine's own loops: one instruction fills a large table.
(table $a 100000 funcref)
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (loop $again
    (table.fill $a (i32.const 0) (ref.null func) (i32.const 100000))
    (br $again))
  unreachable)
