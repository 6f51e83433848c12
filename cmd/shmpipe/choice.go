package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
)

// choice is a flag that is one of a few words.
type choice struct {
	value *string
	now   []string
	later []string // that a later release will have
}

func newChoice(value *string, initial string, now, later []string) *choice {
	*value = initial
	return &choice{value, now, later}
}

// Set implements pflag.Value.
func (c *choice) Set(text string) error {
	switch {
	case slices.Contains(c.now, text):
		*c.value = text
		return nil
	case slices.Contains(c.later, text):
		return fmt.Errorf("%s is not in this release, which has %s", text, strings.Join(c.now, ", "))
	}
	return fmt.Errorf("got %q, want %s", text, strings.Join(c.now, ", "))
}

func (c *choice) String() string { return *c.value }

// Type implements pflag.Value.
func (c *choice) Type() string { return "WORD" }

func (c *choice) complete(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return c.now, cobra.ShellCompDirectiveNoFileComp
}
