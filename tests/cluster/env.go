package main

import (
	"fmt"
	"os"
	"strings"
)

// environment is what DIR/env tells: lines of KEY=VALUE, readable by a shell
// as well as by a program.
type environment [][2]string

func (e *environment) set(key, value string) { *e = append(*e, [2]string{key, value}) }

// write puts the file in place whole: who sees it can read it.
func (e environment) write(file string) error {
	var text strings.Builder
	for _, pair := range e {
		if strings.ContainsAny(pair[1], " \t\n'\"\\$`;&|<>()*?#~") {
			return fmt.Errorf("%s=%s has a character that %s cannot hold; choose another --dir", pair[0], pair[1], file)
		}
		fmt.Fprintf(&text, "%s=%s\n", pair[0], pair[1])
	}
	part := file + ".part"
	if err := os.WriteFile(part, []byte(text.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(part, file)
}
