// The canonical ABI of what this guest uses of wit/tool.wit, by hand.

package main

import "unsafe"

// A list or a string.
type slice struct {
	start  unsafe.Pointer
	length uint32
}

// `result<list<u8>, read-error>`: an error may hold a u64, so what follows the tag stands at 8.
type readAnswer struct {
	isError uint8
	_       [7]uint8
	file    slice
	_       [16]uint8
}

// `result<string, refusal>`
type callAnswer struct {
	isError uint8
	text    slice
}

//go:wasmimport stepwell:tool/repository@0.1.0 read
//go:noescape
func repositoryRead(tree uint32, path unsafe.Pointer, length uint32, answer unsafe.Pointer)

//go:wasmimport stepwell:tool/log@0.1.0 write
//go:noescape
func logWrite(level uint32, line unsafe.Pointer, length uint32)

var (
	answered callAnswer
	told     []byte

	// What the host hands over lies here, until the call is over. Go's own memory would do no
	// better: its collector looks at the clock, and nobody may import while a value is lowered.
	room  [1 << 20]byte
	taken uintptr
)

//go:wasmexport cabi_realloc
func realloc(_ unsafe.Pointer, _, align, size uintptr) unsafe.Pointer {
	start := (uintptr(unsafe.Pointer(&room[0])) + taken + align - 1) &^ (align - 1)
	taken = start - uintptr(unsafe.Pointer(&room[0])) + size
	if taken > uintptr(len(room)) {
		panic("more than this guest has room for")
	}
	return unsafe.Add(unsafe.Pointer(&room[0]), taken-size)
}

//go:wasmexport stepwell:tool/handler@0.1.0#call
func call(_ unsafe.Pointer, _ uint32) unsafe.Pointer {
	line := "looking"
	logWrite(1, unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
	told = observe()
	answered = callAnswer{text: slice{unsafe.Pointer(unsafe.SliceData(told)), uint32(len(told))}}
	return unsafe.Pointer(&answered)
}

// Reads a file of the head through the contract.
func read(path string) any {
	var answer readAnswer
	repositoryRead(0, unsafe.Pointer(unsafe.StringData(path)), uint32(len(path)), unsafe.Pointer(&answer))
	if answer.isError != 0 {
		return map[string]any{"refused with": *(*uint8)(unsafe.Pointer(&answer.file))}
	}
	return string(unsafe.Slice((*byte)(answer.file.start), answer.file.length))
}
