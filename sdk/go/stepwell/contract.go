// The canonical ABI of wit/tool.wit, by hand: the generator's own module is in no registry that every
// machine reaches.

package stepwell

import (
	"strings"
	"unsafe"
)

// What the host hands over lies here until it is copied. Go's own memory would do no better: its
// collector looks at the clock, and nobody may import while a value is lowered.
var (
	room  [17 << 20]byte
	taken uint32
)

// A list or a string. Go's own pointers have 8 bytes, those of the contract 4.
type slice struct {
	start, length uint32
}

// `result<T, read-error>`: an error may hold a u64, so what follows the tag stands at 8.
type answer struct {
	_       [0]uint64
	isError uint8
	_       [7]uint8
	value   [24]byte
}

//go:wasmimport stepwell:tool/repository@0.1.0 read
//go:noescape
func witRead(tree uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/repository@0.1.0 read-range
//go:noescape
func witReadRange(tree uint32, path unsafe.Pointer, length uint32, offset uint64, most uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/repository@0.1.0 stat
//go:noescape
func witStat(tree uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/repository@0.1.0 kind-of
//go:noescape
func witKindOf(tree uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/repository@0.1.0 size-of
//go:noescape
func witSizeOf(tree uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/repository@0.1.0 is-executable
//go:noescape
func witIsExecutable(tree uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/repository@0.1.0 list-directory
//go:noescape
func witListDirectory(tree uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/repository@0.1.0 glob
//go:noescape
func witGlob(tree uint32, patterns unsafe.Pointer, count, ignored, most uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/repository@0.1.0 search
//go:noescape
func witSearch(tree uint32, pattern unsafe.Pointer, length, literal, ignoreCase uint32,
	globs unsafe.Pointer, count, context, most uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/environment@0.1.0 get
//go:noescape
func witGet(name unsafe.Pointer, length uint32, to unsafe.Pointer)

//go:wasmimport stepwell:tool/log@0.1.0 write
//go:noescape
func witWrite(level uint32, line unsafe.Pointer, length uint32)

func address(of unsafe.Pointer) uint32 { return uint32(uintptr(of)) }

//go:wasmexport cabi_realloc
func realloc(_ unsafe.Pointer, _, align, size uint32) unsafe.Pointer {
	first := address(unsafe.Pointer(&room[0]))
	start := (first+taken+align-1)&^(align-1) - first
	if uint64(start)+uint64(size) > uint64(len(room)) {
		panic("more than a tool in Go has room for")
	}
	taken = start + size
	return unsafe.Pointer(&room[start])
}

func at(start uint32) unsafe.Pointer {
	return unsafe.Pointer(&room[start-address(unsafe.Pointer(&room[0]))])
}

func (from slice) bytes() []byte {
	if from.length == 0 {
		return []byte{}
	}
	return append([]byte(nil), unsafe.Slice((*byte)(at(from.start)), from.length)...)
}

func (from slice) text() string { return string(from.bytes()) }

// The elements of a list, each of so many bytes.
func (from slice) each(size uint32, element func(unsafe.Pointer)) {
	for n := range from.length {
		element(at(from.start + n*size))
	}
}

func (from slice) texts() []string {
	texts := make([]string, 0, from.length)
	from.each(8, func(text unsafe.Pointer) { texts = append(texts, (*slice)(text).text()) })
	return texts
}

// Texts as the contract takes them.
func lowered(texts []string) []slice {
	slices := make([]slice, len(texts), len(texts)+1)
	for n, text := range texts {
		slices[n] = slice{address(unsafe.Pointer(unsafe.StringData(text))), uint32(len(text))}
	}
	return slices
}

func flag(is bool) uint32 {
	if is {
		return 1
	}
	return 0
}

// What an answer is, where it is one.
func (got *answer) failed(about string, tree Tree) error {
	if got.isError == 0 {
		return nil
	}
	err := &Error{About: about, Tree: tree, Reason: Reason(got.value[0])}
	switch err.Reason {
	case InvalidPath, NotGranted, InvalidPattern, Unreadable:
		err.Text = (*slice)(unsafe.Pointer(&got.value[8])).text()
	case TooLarge:
		err.Bytes = *(*uint64)(unsafe.Pointer(&got.value[8]))
	}
	return err
}

type question func(tree uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer)

// Asks about a path. What was handed over before has been copied.
func ask(about question, tree Tree, path string) (*answer, error) {
	taken = 0
	var got answer
	about(uint32(tree), unsafe.Pointer(unsafe.StringData(path)), uint32(len(path)), unsafe.Pointer(&got))
	return &got, got.failed(path, tree)
}

// Read gives the bytes of a file, at most 16 MiB.
func Read(tree Tree, path string) ([]byte, error) {
	got, err := ask(witRead, tree, path)
	if err != nil {
		return nil, err
	}
	return (*slice)(unsafe.Pointer(&got.value)).bytes(), nil
}

// ReadRange gives at most so many bytes of a file, from an offset on.
func ReadRange(tree Tree, path string, offset uint64, most uint32) ([]byte, error) {
	got, err := ask(func(tree uint32, path unsafe.Pointer, length uint32, to unsafe.Pointer) {
		witReadRange(tree, path, length, offset, most, to)
	}, tree, path)
	if err != nil {
		return nil, err
	}
	return (*slice)(unsafe.Pointer(&got.value)).bytes(), nil
}

// Stat tells all that is known of a path. Ask for one of it if one will do.
func Stat(tree Tree, path string) (Metadata, error) {
	got, err := ask(witStat, tree, path)
	if err != nil {
		return Metadata{}, err
	}
	size := *(*uint64)(unsafe.Pointer(&got.value[8]))
	return Metadata{Kind(got.value[0]), size, got.value[16] != 0}, nil
}

// KindOf tells what stands at a path, Nothing where nothing does.
func KindOf(tree Tree, path string) (Kind, error) {
	got, err := ask(witKindOf, tree, path)
	if err != nil || got.value[0] == 0 {
		return Nothing, err
	}
	return Kind(got.value[1]), nil
}

// SizeOf tells how many bytes a file has.
func SizeOf(tree Tree, path string) (uint64, error) {
	got, err := ask(witSizeOf, tree, path)
	return *(*uint64)(unsafe.Pointer(&got.value)), err
}

// IsExecutable tells whether a file may be executed.
func IsExecutable(tree Tree, path string) (bool, error) {
	got, err := ask(witIsExecutable, tree, path)
	return err == nil && got.value[0] != 0, err
}

// ListDirectory gives the names in a directory, sorted.
func ListDirectory(tree Tree, path string) ([]Entry, error) {
	got, err := ask(witListDirectory, tree, path)
	if err != nil {
		return nil, err
	}
	entries := []Entry{}
	(*slice)(unsafe.Pointer(&got.value)).each(12, func(entry unsafe.Pointer) {
		kind := *(*Kind)(unsafe.Add(entry, 8))
		entries = append(entries, Entry{(*slice)(entry).text(), kind})
	})
	return entries, nil
}

// Glob gives the files whose paths match any of the patterns.
func Glob(tree Tree, patterns []string, includeIgnored bool, maxPaths uint32) (Found, error) {
	taken = 0
	var got answer
	list := lowered(patterns)
	witGlob(uint32(tree), unsafe.Pointer(unsafe.SliceData(list)), uint32(len(list)),
		flag(includeIgnored), maxPaths, unsafe.Pointer(&got))
	if err := got.failed(strings.Join(patterns, ", "), tree); err != nil {
		return Found{}, err
	}
	return Found{(*slice)(unsafe.Pointer(&got.value)).texts(), got.value[8] != 0}, nil
}

// Find gives the lines that match.
func (search Search) Find(tree Tree) (Matches, error) {
	taken = 0
	var got answer
	globs := lowered(search.Globs)
	witSearch(uint32(tree), unsafe.Pointer(unsafe.StringData(search.Pattern)),
		uint32(len(search.Pattern)), flag(search.Literal), flag(search.IgnoreCase),
		unsafe.Pointer(unsafe.SliceData(globs)), uint32(len(globs)), search.ContextLines,
		search.MaxMatches, unsafe.Pointer(&got))
	if err := got.failed(search.Pattern, tree); err != nil {
		return Matches{}, err
	}
	matches := Matches{Lines: []Line{}, Truncated: got.value[8] != 0}
	(*slice)(unsafe.Pointer(&got.value)).each(36, func(line unsafe.Pointer) {
		part := func(offset int) *slice { return (*slice)(unsafe.Add(line, offset)) }
		matches.Lines = append(matches.Lines, Line{
			part(0).text(), *(*uint32)(unsafe.Add(line, 8)), part(12).text(), part(20).texts(),
			part(28).texts(),
		})
	})
	return matches, nil
}

// Variable gives the value of a variable that the step grants, and whether it is set.
func Variable(name string) (string, bool, error) {
	taken = 0
	var got answer
	witGet(unsafe.Pointer(unsafe.StringData(name)), uint32(len(name)), unsafe.Pointer(&got))
	if err := got.failed("$"+name, Head); err != nil || got.value[0] == 0 {
		return "", false, err
	}
	return (*slice)(unsafe.Pointer(&got.value[4])).text(), true, nil
}

// Log writes a line for the people who read the step's log.
func Log(level Level, line string) {
	witWrite(uint32(level), unsafe.Pointer(unsafe.StringData(line)), uint32(len(line)))
}

// `result<string, refusal>`
var answered struct {
	isError uint8
	text    slice
}

// What was answered stays until the call is over.
var said []byte

//go:wasmexport stepwell:tool/handler@0.1.0#call
func call(input unsafe.Pointer, length uint32) unsafe.Pointer {
	output, err := Tool(append([]byte(nil), unsafe.Slice((*byte)(input), length)...))
	answered.isError, said = 0, output
	if err != nil {
		answered.isError, said = 1, []byte(err.Error())
	}
	answered.text = slice{address(unsafe.Pointer(unsafe.SliceData(said))), uint32(len(said))}
	return unsafe.Pointer(&answered)
}
