;; Two functions call each other through a table, until the stack is gone.
(type $step (func (param i32) (result i32)))
(table $turns funcref (elem $one $other))
(func $one (type $step)
  (i32.add
    (call_indirect (type $step) (i32.add (local.get 0) (i32.const 1)) (i32.const 1))
    (i32.const 1)))
(func $other (type $step)
  (i32.add
    (call_indirect (type $step) (i32.add (local.get 0) (i32.const 1)) (i32.const 0))
    (i32.const 1)))
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (call $one (i32.const 0)))
