package report

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// TestPlots_CanBeLookedAt writes the page of the made-up report, and its plots as PNG, to the folder that SHMPIPE_LOOK names. What is
// beautiful only an eye can say: without the folder nothing is written.
func TestPlots_CanBeLookedAt(t *testing.T) {
	dir := os.Getenv("SHMPIPE_LOOK")
	if dir == "" {
		t.Skip("set SHMPIPE_LOOK to a folder to look at the plots")
	}
	r := fakeReport(t)
	require.NoError(t, HTML(dir, r))
	b := newBook(r)
	for _, l := range layouts {
		for _, p := range b.parts(l) {
			for _, f := range b.figures(p) {
				w, h := f.size()
				c := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(110))
				f.draw(draw.New(c))
				out, err := os.Create(filepath.Join(dir, f.id+".png"))
				require.NoError(t, err)
				_, err = vgimg.PngCanvas{Canvas: c}.WriteTo(out)
				require.NoError(t, err)
				require.NoError(t, out.Close())
			}
		}
	}
}
