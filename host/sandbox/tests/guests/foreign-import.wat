;; A component that wants to speak HTTP, which no tool gets.
(component
  (import "wasi:http/outgoing-handler@0.2.0"
    (instance (export "handle" (func (result (list string)))))))
