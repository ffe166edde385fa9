;; A component that wants the environment, which no tool gets.
(component
  (import "wasi:cli/environment@0.2.0"
    (instance (export "get-arguments" (func (result (list string)))))))
