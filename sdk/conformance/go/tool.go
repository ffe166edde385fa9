// The conformance tool in Go.
package main

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"

	"conformance/stepwell"
)

func init() { stepwell.Tool = call }

func main() {}

type object = map[string]any

func call(input []byte) ([]byte, error) {
	var asked struct{ Ask, About, Tree, Number string }
	if err := json.Unmarshal(input, &asked); err != nil {
		return nil, err
	}
	tree := stepwell.Head
	if asked.Tree == "base" {
		tree = stepwell.Base
	}
	number, err := strconv.Atoi(asked.Number)
	if err != nil {
		number = 100
	}
	answer, err := told(asked.Ask, asked.About, tree, number)
	if err != nil {
		return nil, err
	}
	return json.Marshal(answer)
}

func told(ask, about string, tree stepwell.Tree, number int) (object, error) {
	switch ask {
	case "read":
		text, err := stepwell.Read(tree, about)
		return object{"text": string(text)}, err
	case "range":
		text, err := stepwell.ReadRange(tree, about, uint64(number), 5)
		return object{"text": string(text)}, err
	case "stat":
		found, err := stepwell.Stat(tree, about)
		kind := found.Kind.String()
		return object{"kind": kind, "size": found.Size, "executable": found.Executable}, err
	case "kind":
		kind, err := stepwell.KindOf(tree, about)
		if kind == stepwell.Nothing {
			return object{"kind": nil}, err
		}
		return object{"kind": kind.String()}, err
	case "size":
		size, err := stepwell.SizeOf(tree, about)
		return object{"size": size}, err
	case "executable":
		may, err := stepwell.IsExecutable(tree, about)
		return object{"executable": may}, err
	case "list":
		entries, err := stepwell.ListDirectory(tree, about)
		told := []object{}
		for _, entry := range entries {
			told = append(told, object{"name": entry.Name, "kind": entry.Kind.String()})
		}
		return object{"entries": told}, err
	case "glob":
		found, err := stepwell.Glob(tree, []string{about}, false, uint32(number))
		return object{"paths": found.Paths, "truncated": found.Truncated}, err
	case "search":
		search := stepwell.Search{Pattern: about, ContextLines: 1, MaxMatches: uint32(number)}
		found, err := search.Find(tree)
		told := []object{}
		for _, line := range found.Lines {
			told = append(told, object{"path": line.Path, "line": line.Line, "text": line.Text,
				"before": line.Before, "after": line.After})
		}
		return object{"lines": told, "truncated": found.Truncated}, err
	case "variable":
		value, isSet, err := stepwell.Variable(about)
		if !isSet {
			return object{"value": nil}, err
		}
		return object{"value": value}, err
	case "log":
		stepwell.Log(stepwell.Info, about)
		return object{"logged": about}, nil
	case "fill":
		return object{"text": strings.Repeat(about, number)}, nil
	case "spin":
		for {
		}
	default:
		return nil, errors.New(about)
	}
}
