package main

import (
	"fmt"
	"os"
	"path/filepath"

	"shmpipe/bench/trial"
)

// folder makes a folder for sockets, which goes at the end.
func folder() (string, error) {
	dir := filepath.Join(os.TempDir(), trial.ObjectName())
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("folder for sockets: %w", err)
	}
	return dir, nil
}
