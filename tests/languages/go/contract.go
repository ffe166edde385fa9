// The canonical ABI of what this guest uses of wit/tool.wit, by hand.

package main

import "unsafe"

// A list or a string. Go's own pointers have 8 bytes, those of the contract 4.
type slice struct {
	start, length uint32
}

// `result<list<u8>, read-error>`: an error may hold a u64, so what follows the tag stands at 8.
type readAnswer struct {
	_       [0]uint64
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
	taken uint32
)

func address(of *byte) uint32 {
	return uint32(uintptr(unsafe.Pointer(of)))
}

//go:wasmexport cabi_realloc
func realloc(_ unsafe.Pointer, _, align, size uint32) unsafe.Pointer {
	start := (address(&room[0])+taken+align-1)&^(align-1) - address(&room[0])
	taken = start + size
	if taken > uint32(len(room)) {
		panic("more than this guest has room for")
	}
	return unsafe.Pointer(&room[start])
}

//go:wasmexport stepwell:tool/handler@0.1.0#call
func call(_ unsafe.Pointer, _ uint32) unsafe.Pointer {
	line := "looking"
	logWrite(1, unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
	told = observe()
	answered = callAnswer{text: slice{address(unsafe.SliceData(told)), uint32(len(told))}}
	return unsafe.Pointer(&answered)
}

// Reads a file of the head through the contract.
func read(path string) any {
	var answer readAnswer
	length := uint32(len(path))
	repositoryRead(0, unsafe.Pointer(unsafe.StringData(path)), length, unsafe.Pointer(&answer))
	if answer.isError != 0 {
		return map[string]any{"refused with": uint8(answer.file.start)}
	}
	start := answer.file.start - address(&room[0])
	return string(room[start : start+answer.file.length])
}
