//go:build !linux

package main

import "os"

// memoryFile is a temporary file: there are none in memory without a name here.
func memoryFile() (*os.File, error) {
	f, err := os.CreateTemp("", "shmpipe-demo-*")
	if err != nil {
		return nil, err
	}
	return f, os.Remove(f.Name())
}

func widenPipe(*os.File) {}
