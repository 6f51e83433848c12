package report

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"os"
	"path/filepath"
	"strconv"

	"shmpipe/bench/result"
)

// HTML writes a page into the folder dir, which is made if there is none: index.html, one file that needs no other and no network; each
// plot as an SVG file beside it; and results.json, the report itself. Files of those names are replaced, each as a whole.
// If the folder cannot be written, it says so before it draws anything. The error is that of the file system.
func HTML(dir string, r *result.Report) error {
	if err := writable(dir); err != nil {
		return err
	}
	files, err := newBook(r).files()
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := writeFile(filepath.Join(dir, f.name), f.text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("make the page's folder: %w", err)
	}
	f, err := os.CreateTemp(dir, ".probe.*")
	if err != nil {
		return fmt.Errorf("write the page: folder %s takes no files: %w", dir, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("write the page: %w", err)
	}
	return nil
}

// file is what the page's folder holds.
type file struct {
	name string
	text []byte
}

// files are the plots, the report and, last, the page that needs them.
func (b *book) files() ([]file, error) {
	view, plots, err := b.view()
	if err != nil {
		return nil, err
	}
	data, err := b.report.JSON()
	if err != nil {
		return nil, fmt.Errorf("write the report as json: %w", err)
	}
	var html bytes.Buffer
	if err := pageTemplate.Execute(&html, view); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return append(plots, file{"results.json", data}, file{"index.html", html.Bytes()}), nil
}

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// view is what the page shows, in words.
type view struct {
	Version, Machine, Plan, Command string
	Tools, LeftOut                  string
	Spread                          string
	Dirt                            []string
	Summary                         tableView
	Cores                           string
	Sections                        []section
	Failed, Absent, Skipped         []gap
	Rounds                          []roundView
}

type section struct {
	ID, Title, About string
	Parts            []partView
}

type partView struct {
	Figures []figureView
	Tables  []tableView
	Ratios  []tableView
}

type figureView struct {
	File string
	SVG  template.HTML
}

type tableView struct {
	Title string
	Heads []headView
	Rows  []rowView
}

type headView struct{ Head, Unit string }

type rowView struct {
	Name  string
	Ours  bool
	Cells []cellView
}

type cellView struct {
	Number, Spread string
	Best, Failed   bool
}

type roundView struct {
	Number        int
	Before, After string
	Busy, Pinned  string
}

func (b *book) view() (view, []file, error) {
	v := view{
		Version: clean(b.report.Host.Version), Machine: b.machine(), Plan: b.planLine(), Tools: b.tools(), LeftOut: b.leftOut(), Spread: b.spread(), Command: clean(b.report.Plan.Command), Dirt: b.verdict(),
		Summary: tableOf(b.smallGrid()), Cores: b.coresText(b.main), Failed: b.failed(), Absent: b.absent(), Skipped: b.skipped(), Rounds: b.rounds(),
	}
	var plots []file
	names := make(map[string]int)
	for _, l := range layouts {
		s := section{ID: l.id, Title: l.title, About: l.about}
		for _, p := range b.parts(l) {
			var pv partView
			for _, f := range b.figures(p) {
				if names[f.id]++; names[f.id] > 1 { // two captions that differ in other than letters and digits
					f.id += "-" + strconv.Itoa(names[f.id])
				}
				svg, err := f.svg()
				if err != nil {
					return view{}, nil, err
				}
				name := f.id + ".svg"
				plots = append(plots, file{name, svg})
				pv.Figures = append(pv.Figures, figureView{name, template.HTML(svg)}) // escaped where it was drawn
			}
			for _, g := range p.grids {
				pv.Tables = append(pv.Tables, tableOf(g))
			}
			for _, g := range p.ratios {
				pv.Ratios = append(pv.Ratios, tableOf(g))
			}
			s.Parts = append(s.Parts, pv)
		}
		if len(s.Parts) > 0 {
			v.Sections = append(v.Sections, s)
		}
	}
	return v, plots, nil
}

func tableOf(g grid) tableView {
	t := tableView{Title: g.title}
	for _, c := range g.columns {
		t.Heads = append(t.Heads, headView{c.head, c.step.name})
	}
	for r, row := range g.rows {
		rv := rowView{Name: clean(row.name), Ours: familyOf(row.name) == ours}
		for i, c := range row.cells {
			rv.Cells = append(rv.Cells, cellView{Number: c.number(), Spread: c.interval(), Best: r == g.columns[i].best, Failed: c.word == failedWord})
		}
		t.Rows = append(t.Rows, rv)
	}
	return t
}

func (b *book) rounds() []roundView {
	var list []roundView
	for i, r := range b.report.Rounds {
		v := roundView{Number: i + 1, Before: "–", After: "–", Busy: digits(r.Busy*100, 1) + " %", Pinned: digits(r.BusyPinned*100, 1) + " %"}
		if r.BusyUnknown {
			v.Busy, v.Pinned = "not known", "not known"
		}
		if r.FloorBefore > 0 {
			v.Before = nanoseconds.text(r.FloorBefore)
		}
		if r.FloorAfter > 0 {
			v.After = nanoseconds.text(r.FloorAfter)
		}
		list = append(list, v)
	}
	return list
}
