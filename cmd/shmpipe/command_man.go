package main

import (
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// newManual writes the man pages from the definitions that -h prints, so that the two never differ.
func newManual() *cobra.Command {
	return &cobra.Command{
		Use:    "man DIR",
		Short:  "Write the man pages to a directory",
		Args:   names(1, 1),
		Hidden: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root := cmd.Root()
			root.DisableAutoGenTag = true // no date: the pages change when their text does
			return doc.GenManTree(root, &doc.GenManHeader{Title: "SHMPIPE", Section: "1", Source: "shmpipe", Manual: "shmpipe"}, args[0])
		},
	}
}
