// The tool `my_tool`: counts the lines of a file.
package main

import (
	"encoding/json"
	"strings"

	"my_tool/stepwell"
)

func init() { stepwell.Tool = call }

func main() {}

func call(input []byte) ([]byte, error) {
	var asked struct {
		Path string `json:"path"`
	}
	if err := json.Unmarshal(input, &asked); err != nil {
		return nil, err
	}
	text, err := stepwell.Read(stepwell.Head, asked.Path)
	if err != nil {
		return nil, err
	}
	lines := strings.Count(string(text), "\n")
	if len(text) > 0 && text[len(text)-1] != '\n' {
		lines++
	}
	return json.Marshal(map[string]int{"lines": lines})
}
