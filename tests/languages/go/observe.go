// Looks at everything that Go and its library give a program, and tells it as one JSON object.
package main

import (
	crypto "crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash/maphash"
	"math/rand"
	modern "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"
)

func main() {}

func observe() []byte {
	seen := map[string]any{"language": "go"}
	times(seen)
	seen["random"] = randomness()
	surroundings(seen)
	seen["addresses"] = addresses()
	seen["order"] = order()
	files(seen)
	seen["scratch"] = scratch()
	seen["socket"] = socket()
	text, err := json.Marshal(seen)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(os.Stderr, "looked at %d bytes of what there is\n", len(text))
	return text
}

func times(seen map[string]any) {
	now := time.Now()
	seen["wall"] = []string{stamp(now), stamp(time.Now())}
	// A `Time` carries the monotonic clock, too: `String` tells it.
	seen["monotonic"] = []string{now.String(), time.Since(now).String()}
	seen["local_time"] = now.Local().Format(time.RFC3339Nano)
	time.Sleep(time.Millisecond)
	seen["slept"] = time.Since(now).String()
	seen["wall_after_sleep"] = stamp(time.Now())
}

func stamp(when time.Time) string {
	return fmt.Sprintf("%d.%09d", when.Unix(), when.Nanosecond())
}

func randomness() map[string]any {
	bytes := make([]byte, 16)
	_, err := crypto.Read(bytes)
	return map[string]any{
		"crypto":      or(hex.EncodeToString(bytes), err),
		"math/rand":   fmt.Sprint(rand.Uint64(), rand.Uint64()),
		"rand/v2":     fmt.Sprint(modern.Uint64(), modern.Perm(8)),
		"hash seed":   fmt.Sprint(maphash.String(maphash.MakeSeed(), "a string")),
		"select":      choices(),
		"hash twice":  fmt.Sprint(maphash.String(maphash.MakeSeed(), "a string")),
		"hash struct": fmt.Sprint(maphash.Comparable(maphash.MakeSeed(), [2]int{1, 2})),
	}
}

// Which of two ready channels a `select` takes is drawn by the runtime.
func choices() string {
	var drawn []byte
	left, right := make(chan byte, 32), make(chan byte, 32)
	for range 32 {
		left <- 'l'
		right <- 'r'
	}
	for range 32 {
		select {
		case side := <-left:
			drawn = append(drawn, side)
		case side := <-right:
			drawn = append(drawn, side)
		}
	}
	return string(drawn)
}

func surroundings(seen map[string]any) {
	seen["environment"] = os.Environ()
	seen["arguments"] = os.Args
	seen["home"] = or(os.UserHomeDir())
	seen["directory"] = or(os.Getwd())
	seen["host"] = or(os.Hostname())
	seen["platform"] = map[string]any{
		"system": runtime.GOOS + "/" + runtime.GOARCH, "version": runtime.Version(),
		"processors": runtime.NumCPU(), "process": os.Getpid(), "parent": os.Getppid(),
		"user": os.Getuid(), "page": os.Getpagesize(), "executable": or(os.Executable()),
		"temporary": os.TempDir(), "tasks": runtime.NumGoroutine(),
	}
}

func addresses() []string {
	local, small, large := 0, new([16]byte), make([]byte, 200000)
	return []string{
		fmt.Sprintf("%p", &local), fmt.Sprintf("%p", small), fmt.Sprintf("%p", large),
		fmt.Sprintf("%p", func() {}), fmt.Sprint(uintptr(unsafe.Pointer(&room))),
	}
}

func order() map[string]any {
	table := map[int]bool{}
	for number := range 40 {
		table[number] = true
	}
	var walks []string
	for range 3 {
		var keys []int
		for key := range table {
			keys = append(keys, key)
		}
		walks = append(walks, fmt.Sprint(keys))
	}
	return map[string]any{"map": walks}
}

func files(seen map[string]any) {
	seen["root"] = list("/")
	seen["stat"] = look("/seen.txt")
	seen["file"] = back("/seen.txt")
	seen["repository"] = read("seen.txt")
}

func list(path string) any {
	entries, err := os.ReadDir(path)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name()+" "+entry.Type().String())
	}
	return or(names, err)
}

func look(path string) any {
	facts, err := os.Stat(path)
	if err != nil {
		return err.Error()
	}
	// Sys has device, inode, links, owner, and all three times.
	return map[string]any{
		"mode": facts.Mode().String(), "size": facts.Size(), "modified": stamp(facts.ModTime()),
		"system": fmt.Sprintf("%+v", facts.Sys()),
	}
}

func back(path string) any {
	text, err := os.ReadFile(path)
	return or(string(text), err)
}

func scratch() map[string]any {
	written := os.WriteFile("/tmp/note", []byte("kept for one call"), 0o600)
	named, err := os.CreateTemp("/tmp", "named-*")
	temporary := or("", err)
	if err == nil {
		temporary = filepath.Base(named.Name())
		named.Close()
	}
	return map[string]any{
		"written": said(written), "back": back("/tmp/note"), "stat": look("/tmp/note"),
		"temporary": temporary, "entries": list("/tmp"),
		"repository for writing": said(os.WriteFile("/seen.txt", nil, 0o600)),
	}
}

func socket() map[string]any {
	_, dialled := net.DialTimeout("tcp", "127.0.0.1:9", time.Second)
	_, resolved := net.LookupHost("example.invalid")
	return map[string]any{"dial": said(dialled), "resolve": said(resolved)}
}

func said(err error) string {
	if err == nil {
		return "done"
	}
	return err.Error()
}

func or[T any](value T, err error) any {
	if err != nil {
		return err.Error()
	}
	return value
}
