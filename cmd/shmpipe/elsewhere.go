package main

import (
	"errors"
	"fmt"
	"io/fs"

	"shmpipe"
)

// elsewhere adds to the error that nothing has a name where it was looked for that another backend has something of that name: `shmpipe ls` shows all
// of them, and then stat and rm want to be told which. Other errors it leaves alone.
func elsewhere(err error, name string, opts shmpipe.Options) error {
	if !errors.Is(err, fs.ErrNotExist) || opts.Backend == shmpipe.Auto {
		return err
	}
	looked := opts.Backend
	opts.Backend, opts.ReadOnly = shmpipe.Auto, true
	found, _ := shmpipe.List(&opts) // a hint only
	for _, e := range found {
		if e.Name == name && e.Backend != looked {
			return fmt.Errorf("%w; there is one of that name with --backend %v", err, e.Backend)
		}
	}
	return err
}
