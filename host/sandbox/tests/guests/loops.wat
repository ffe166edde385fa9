;; Never ends.
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  (loop $again (br $again))
  unreachable)
