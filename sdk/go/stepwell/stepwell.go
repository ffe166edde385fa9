// Package stepwell is what a tool in Go can ask and say: wit/tool.wit in Go's words.
//
// Every question is recorded with its answer, and together they are what a kept output is valid for.
package stepwell

import "fmt"

// Tool is what a call runs; set it in an init function. An error is a refusal: its text is for the
// model, and says what would work.
var Tool func(input []byte) ([]byte, error)

// Tree is a state of the repository.
type Tree uint32

// The state that the step is about, and the one it is compared with.
const (
	Head Tree = iota
	Base
)

// Kind is what stands at a path.
type Kind uint8

// What can stand at a path; Nothing is no answer of the host's, but of Stat's absence.
const (
	File Kind = iota
	Directory
	Symlink
	Nothing
)

func (kind Kind) String() string {
	return [...]string{"file", "directory", "symlink", "nothing"}[kind]
}

// Level is how much a line of the log matters.
type Level uint32

// From what is for looking for a fault, to what a person should act on.
const (
	Debug Level = iota
	Info
	Warning
)

// Metadata is what is known of a path without reading it.
type Metadata struct {
	Kind       Kind
	Size       uint64
	Executable bool
}

// Entry is a name in a directory.
type Entry struct {
	Name string
	Kind Kind
}

// Found is what a glob finds, sorted.
type Found struct {
	Paths     []string
	Truncated bool
}

// Line is a line that matched, counted from 1.
type Line struct {
	Path   string
	Line   uint32
	Text   string
	Before []string
	After  []string
}

// Matches is what a search finds, sorted.
type Matches struct {
	Lines     []Line
	Truncated bool
}

// Search says what to search for.
type Search struct {
	Pattern      string
	Literal      bool
	IgnoreCase   bool
	Globs        []string
	ContextLines uint32
	MaxMatches   uint32
}

// Reason is why a question got no answer, in the order of wit/tool.wit.
type Reason uint8

// The reasons.
const (
	NotFound Reason = iota
	NotAFile
	NotADirectory
	InvalidPath
	Outside
	NotGranted
	TooLarge
	NoSuchTree
	InvalidPattern
	Unreadable
)

// Error is a question that got no answer.
type Error struct {
	About  string
	Tree   Tree
	Reason Reason
	Text   string
	Bytes  uint64
}

func (err *Error) Error() string {
	about, where := "the repository's root", ""
	if err.About != "" {
		about = "`" + err.About + "`"
	}
	if err.Tree == Base {
		where = " in the base tree"
	}
	return about + where + ": " + err.words()
}

func (err *Error) words() string {
	switch err.Reason {
	case NotFound:
		return "there is nothing at this path"
	case NotAFile:
		return "this is not a file"
	case NotADirectory:
		return "this is not a directory"
	case InvalidPath:
		return "the path cannot be used: " + err.Text
	case Outside:
		return "the path leads out of the repository"
	case NotGranted:
		return "the step does not let tools see this: " + err.Text
	case TooLarge:
		return fmt.Sprintf("the file is too large to be read whole (%d bytes)", err.Bytes)
	case NoSuchTree:
		return "this step has nothing to compare with, so there is no base tree; ask for `head`"
	case InvalidPattern:
		return "the pattern cannot be used: " + err.Text
	default:
		return "it could not be read: " + err.Text
	}
}
