;; Spins inside the engine's own loops: one instruction moves a large table by an element.
(table $a 100000 funcref)
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (loop $again
    (table.copy $a $a (i32.const 1) (i32.const 0) (i32.const 99999))
    (br $again))
  unreachable)
