//go:build seam

package explore

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"sync"

	"shmpipe/internal/seam"
)

// Accesses to what stands for the leases and the participants' entries.
const (
	askLease = seam.Sites + 1 + iota
	dropLease
	setStatus
)

// siteNames are the names of the constants of package seam, read from its source.
var siteNames = sync.OnceValue(func() map[seam.Site]string {
	names := map[seam.Site]string{askLease: "AskLease", dropLease: "DropLease", setStatus: "SetStatus"}
	file, err := parser.ParseFile(token.NewFileSet(), "../seam/site.go", nil, 0)
	if err != nil {
		return names
	}
	for _, d := range file.Decls {
		constants, ok := d.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		for i, s := range constants.Specs {
			names[seam.Site(i)] = s.(*ast.ValueSpec).Names[0].Name
		}
	}
	return names
})

func siteName(s seam.Site) string {
	if name, ok := siteNames()[s]; ok {
		return name
	}
	return fmt.Sprintf("site %d", s)
}
