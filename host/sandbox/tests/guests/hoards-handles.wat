;; Makes one thing of its own after the other, and gives none back.
(component
  (type $thing (resource (rep i32)))
  (core func $new (canon resource.new $thing))
  (core module $body
    (import "things" "new" (func $new (param i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "alloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
    (func (export "call") (param i32 i32) (result i32)
      (loop $again (drop (call $new (i32.const 7))) (br $again))
      unreachable))
  (core instance $things (export "new" (func $new)))
  (core instance $body (instantiate $body (with "things" (instance $things))))
  (type $refusal (record (field "message" string)))
  (alias core export $body "memory" (core memory $memory))
  (func $call (param "input" string) (result (result string (error $refusal)))
    (canon lift (core func $body "call") (memory $memory) (realloc (func $body "alloc"))))
  (component $handler
    (type $refusal (record (field "message" string)))
    (import "refusal" (type $imported (eq $refusal)))
    (import "call"
      (func $call (param "input" string) (result (result string (error $imported)))))
    (type $again (record (field "message" string)))
    (export $refusal-out "refusal" (type $again))
    (export "call" (func $call)
      (func (param "input" string) (result (result string (error $refusal-out))))))
  (instance $out (instantiate $handler (with "refusal" (type $refusal)) (with "call" (func $call))))
  (export "stepwell:tool/handler@0.1.0" (instance $out)))
