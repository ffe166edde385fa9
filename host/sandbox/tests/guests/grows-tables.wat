;; Takes memory as tables.
(table $a 0 funcref)
(table $b 0 funcref)
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (loop $again
    (br_if $again
      (i32.and
        (i32.ne (table.grow $a (ref.null func) (i32.const 1000)) (i32.const -1))
        (i32.ne (table.grow $b (ref.null func) (i32.const 1000)) (i32.const -1)))))
  unreachable)
