;; Has five memories.
(memory $a 1)
(memory $b 1)
(memory $c 1)
(memory $d 1)
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  unreachable)
