package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"shmpipe/protocol"
)

// version is set by the linker: -X main.version=1.2.3. Without that, it is what the go command knows.
var version string

type versionInfo struct {
	Version  string `json:"version"`
	Protocol string `json:"protocol"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func newVersion(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of the command, of the protocol and of Go",
		Args:  names(0, 0),
		RunE: func(*cobra.Command, []string) error {
			v := versionInfo{
				Version:  versionText(),
				Protocol: fmt.Sprintf("%d.%d", protocol.VersionMajor, protocol.VersionMinor),
				Go:       runtime.Version(),
				Platform: runtime.GOOS + "/" + runtime.GOARCH,
			}
			if asJSON {
				return a.printJSON(v)
			}
			return a.print(fmt.Sprintf("shmpipe %s, protocol %s, %s %s\n", v.Version, v.Protocol, v.Go, v.Platform))
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print it as JSON")
	return cmd
}

func versionText() string {
	if version != "" {
		return version
	}
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" && b.Main.Version != "(devel)" {
		return b.Main.Version
	}
	return "devel"
}
