package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"

	"stoker.local/tests/cluster/audit"
)

func summary(args []string) error {
	flags := flag.NewFlagSet("summary", flag.ContinueOnError)
	path := flags.String("audit", "", "the audit log (required; AUDIT_LOG of DIR/env)")
	prefix := flags.String("user-agent-prefix", "", "count only requests whose user agent begins so")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *path == "" {
		return errors.New("--audit is required: name the log that DIR/env has as AUDIT_LOG")
	}
	file, err := os.Open(*path)
	if err != nil {
		return err
	}
	defer file.Close()
	result, err := audit.Summarise(file, *prefix)
	if err != nil {
		return fmt.Errorf("%s: %w", *path, err)
	}
	out := json.NewEncoder(os.Stdout)
	out.SetIndent("", "  ")
	return out.Encode(result)
}
