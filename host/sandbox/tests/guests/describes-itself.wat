;; Carries its manifest in the core module, as the SDK's tools do.
(@custom "stepwell:tool" "{\"name\": \"inside\", \"description\": \"A test.\", \"schema\": {}}")
(func (export "stepwell:tool/handler@0.1.0#call") (param $ptr i32) (param $len i32) (result i32)
  unreachable)
