//go:build seam && linux

package crash_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
	"shmpipe/internal/seam"
)

// site is an access to shared memory, as package seam's source has it.
type site struct {
	seam.Site
	name, what string
}

// siteList are the constants of package seam, read from its source: a new one is part of the matrix without anybody's doing.
func siteList(t testing.TB) []site {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../seam/site.go", nil, parser.ParseComments)
	require.NoError(t, err)
	var list []site
	for _, d := range file.Decls {
		constants, ok := d.(*ast.GenDecl)
		if !ok || constants.Tok != token.CONST {
			continue
		}
		for i, s := range constants.Specs {
			v := s.(*ast.ValueSpec)
			list = append(list, site{seam.Site(i), v.Names[0].Name, strings.TrimSpace(v.Comment.Text())})
		}
	}
	require.Equal(t, "Sites", list[len(list)-1].name)
	require.Equal(t, int(seam.Sites), len(list)-1, "the constants count from 0")
	return list[1 : len(list)-1]
}

// deadly reports whether the matrix kills at the site: before a store, or while a message is read. Where a participant only looks at a
// word, its death is that before the store that comes next. Who poisons a ring has found it broken, and nobody goes on with it,
// killed or not.
func (s site) deadly() bool {
	return !strings.HasSuffix(s.name, "Load") && s.Site != seam.OrphanSeen && s.Site != seam.Poison
}

// in reports whether rings of a mode have the site.
func (s site) in(m shmpipe.Mode) bool {
	switch {
	case s.Site == seam.TakePayload: // the actors' own mark: it is they who read
		return true
	case s.Site < seam.SendTail, s.Site == seam.AttachDisplace, s.Site == seam.Members:
		return m == shmpipe.MPMC
	case s.Site < seam.AttachStatus:
		return m == shmpipe.SPSC
	}
	return true
}
