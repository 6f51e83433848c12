package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit statuses. Scripts depend on them.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// errInterrupted is why the context ended, if a signal ended it.
var errInterrupted = errors.New("interrupted")

// errFound is returned by a verb that has printed what it found, and found a problem.
var errFound = errors.New("a problem was found")

// usageError is a command line that cannot be meant: one line of explanation, and one of advice.
type usageError struct {
	err    error
	advice string // "" means to see the verb's help
}

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// plainly says what a flag that is a number wants, rather than which function could not read it.
func plainly(err error) error {
	var num *strconv.NumError
	if !errors.As(err, &num) {
		return err
	}
	want := map[string]string{"ParseUint": "a whole number of 0 or more", "ParseInt": "a whole number", "ParseFloat": "a number", "ParseBool": "true or false"}[num.Func]
	if want == "" {
		return err
	}
	if errors.Is(num, strconv.ErrRange) {
		want = "a smaller number"
	}
	return errors.New(strings.TrimSuffix(err.Error(), num.Error()) + "want " + want)
}

func usagef(format string, args ...any) error { return &usageError{err: fmt.Errorf(format, args...)} }

// outputError is a failure to write standard output.
type outputError struct{ err error }

func (e *outputError) Error() string { return fmt.Sprintf("standard output: %v", e.err) }
func (e *outputError) Unwrap() error { return e.err }

// report prints why a verb failed and returns the exit status.
func report(w io.Writer, cmd *cobra.Command, err error) int {
	if err == nil {
		return exitDone
	}
	var usage *usageError
	var output *outputError
	switch {
	case errors.Is(err, errFound):
		return exitFailed
	case errors.As(err, &output) && errors.Is(err, syscall.EPIPE):
		return exitDone // who read it has had enough: `shmpipe consumer x | head -1`
	case errors.As(err, &usage):
		fmt.Fprintf(w, "%s: %s\n", cmd.CommandPath(), message(err))
		advice := usage.advice
		if advice == "" {
			advice = fmt.Sprintf("see `%s -h`", cmd.CommandPath())
		}
		fmt.Fprintln(w, advice)
		return exitUsage
	case errors.Is(err, errInterrupted) || errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	fmt.Fprintf(w, "%s: %s\n", cmd.CommandPath(), message(err))
	return exitFailed
}

// message is an error's text, on one line and without the library's own prefix.
func message(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	text = strings.ReplaceAll(strings.TrimPrefix(text, "shmpipe: "), ": shmpipe: ", ": ")
	return printable(text)
}
