;; Never gets as far as being called.
(func $forever (loop $again (br $again)))
(start $forever)
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  unreachable)
