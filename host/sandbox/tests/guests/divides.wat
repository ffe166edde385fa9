;; Divides by zero.
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (i32.div_u (local.get $ptr) (i32.const 0)))
