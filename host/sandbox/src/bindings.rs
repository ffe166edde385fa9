//! Rust types for `wit/tool.wit`, made by wasmtime's macro and used nowhere but in this crate.
//!
//! Host functions are async, so that a guest which only asks questions gives way to others, and
//! may fail, so that a limit can end the call in the middle of one.

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "tool",
    imports: { default: async | trappable },
    exports: { default: async },
});
