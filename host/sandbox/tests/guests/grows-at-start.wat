;; Wants 128 MiB before it is called.
(memory $large 2048)
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  unreachable)
