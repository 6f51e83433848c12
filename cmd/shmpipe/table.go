package main

import (
	"encoding/json"
	"errors"
	"io"
	"math/big"
	"os"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// newTable is a table as all verbs print it: no lines, columns two blanks apart, so that awk reads it as well as people.
func newTable(header ...any) table.Writer {
	t := table.NewWriter()
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Box.PaddingLeft, style.Box.PaddingRight = "", "  "
	style.Format.Header = text.FormatDefault
	t.SetStyle(style)
	t.SuppressTrailingSpaces()
	if len(header) > 0 {
		t.AppendHeader(table.Row(header))
	}
	return t
}

// alignRight makes columns, counted from 1, read as numbers.
func alignRight(t table.Writer, columns ...int) {
	var c []table.ColumnConfig
	for _, n := range columns {
		c = append(c, table.ColumnConfig{Number: n, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	t.SetColumnConfigs(c)
}

// print writes to standard output, and names it if that fails.
func (a *app) print(s string) error {
	if _, err := io.WriteString(a.out, s); err != nil {
		return stdoutError(err)
	}
	return nil
}

// printJSON writes a value to standard output, indented for people: tools do not care.
func (a *app) printJSON(v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return a.print(string(b) + "\n")
}

// printJSONLine writes a value on one line, for a stream of them.
func (a *app) printJSONLine(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return a.print(string(b) + "\n")
}

func stdoutError(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		err = pe.Err // "write /dev/stdout" says nothing that the prefix does not
	}
	return &outputError{err}
}

// grouped is a number with a comma after each thousand.
func grouped(n uint64) string { return humanize.BigComma(new(big.Int).SetUint64(n)) }
