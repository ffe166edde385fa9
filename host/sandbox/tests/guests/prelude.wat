;; What every guest has: memory, an allocator that only goes forward, and two ways to end a call.
;; Bytes 0 to 15 hold the result, 16 to 8191 are the guest's own, the heap begins at 8192.
(memory (export "memory") 1)
(global $heap (mut i32) (i32.const 8192))

(func $alloc (export "cabi_realloc")
  (param $old i32) (param $old_len i32) (param $align i32) (param $len i32) (result i32)
  (local $at i32)
  (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.set $heap (i32.add (local.get $at) (local.get $len)))
  (block $fits
    (loop $more
      (br_if $fits
        (i32.ge_u (i32.mul (memory.size) (i32.const 65536)) (global.get $heap)))
      (if (i32.eq (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
      (br $more)))
  (local.get $at))

(func $answer (param $ptr i32) (param $len i32) (result i32)
  (i32.store8 (i32.const 0) (i32.const 0))
  (i32.store (i32.const 4) (local.get $ptr))
  (i32.store (i32.const 8) (local.get $len))
  (i32.const 0))

(func $refuse (param $ptr i32) (param $len i32) (result i32)
  (i32.store8 (i32.const 0) (i32.const 1))
  (i32.store (i32.const 4) (local.get $ptr))
  (i32.store (i32.const 8) (local.get $len))
  (i32.const 0))
