package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shmpipe"
)

// stdio is what a verb reads and writes. They are files, because pipes and terminals are told apart.
type stdio struct {
	in, out, err *os.File
}

// app is what all verbs share: the streams and the common flags.
type app struct {
	stdio
	backend string
	dir     string
	trust   bool // other owners
	quiet   bool
}

// run executes one command line and returns the exit status.
func run(args []string, std stdio) int {
	catchBrokenPipe()
	ctx, stop := interruptible()
	defer stop()
	root := newRoot(&app{stdio: std})
	root.SetArgs(args)
	root.SetIn(std.in)
	root.SetOut(std.out)
	root.SetErr(std.err)
	cmd, err := root.ExecuteContextC(ctx)
	return report(std.err, cmd, err)
}

// Verbs that the contract has and this release has not.
var laterVerbs = []string{"top", "dump", "doctor", "export"}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "shmpipe",
		Short: "Move bytes between processes through shared memory",
		Long: `shmpipe moves messages between processes on one Linux host through a ring in shared memory. There is no daemon, and while both
sides are busy there is no system call.

A segment holds the ring and has a name. A producer makes it, a consumer waits for it:

  shmpipe consumer orders > copy &
  shmpipe producer orders < big.iso

With --mode mpmc, there may be many of each, and a message goes to one of the consumers:

  shmpipe create work --mode mpmc
  for i in 1 2 3; do shmpipe consumer work --frames lines --producers 2 > part.$i & done
  for i in 1 2; do seq 1 1000 | shmpipe producer work --frames lines & done

Any of them may be killed at any time; the others go on.

Without a name, a shell's pipe brings the two together, and the bytes go through memory that vanishes with them:

  shmpipe producer < big.iso | shmpipe consumer | sha256sum

Exit status: 0 done; 1 it failed, or a check found a problem; 2 wrong usage; 130 interrupted.`,
		Args:          cobra.ArbitraryArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, args []string) error { return noVerb(cmd, args) },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usagef("%w", plainly(err)) })
	backend := newChoice(&a.backend, "posix", []string{"posix", "sysv", "posix-mq", "sysv-mq", "auto"}, nil)
	flags := root.PersistentFlags()
	flags.Var(backend, "backend", "what carries the messages: posix (a file in /dev/shm), sysv (shmget), posix-mq or sysv-mq (a message queue of the kernel: slower), auto (the first of these that can be had)")
	flags.StringVar(&a.dir, "dir", os.Getenv("SHMPIPE_DIR"), "directory of posix segments, of the lock files of sysv ones, and of the state files of queues; peers must use the same (default $SHMPIPE_DIR, or /dev/shm)")
	flags.Lookup("dir").DefValue = "" // the environment of who makes the man pages is nobody's business
	flags.BoolVar(&a.trust, "allow-other-owner", false, "use also what belongs to another user than this one and root: that user can change it at will, and end this process by truncating it")
	flags.BoolVarP(&a.quiet, "quiet", "q", false, "no progress and no summary on standard error; errors only")
	must(root.RegisterFlagCompletionFunc("backend", backend.complete))
	root.AddCommand(
		newProducer(a), newConsumer(a), newDemo(a), newCreate(a), newList(a), newStat(a), newCheck(a), newUnblock(a), newRemove(a), newCollect(a),
		newBench(a), newVersion(a), newManual(),
	)
	root.AddCommand(newContestants()...)
	return root
}

// noVerb explains a command line whose first word is no verb.
func noVerb(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return usagef("no verb given; there are %s", strings.Join(verbs(cmd), ", "))
	}
	verb := args[0]
	if slices.Contains(laterVerbs, verb) {
		return usagef("the verb %s is not in this release; there are %s", verb, strings.Join(verbs(cmd), ", "))
	}
	cmd.SuggestionsMinimumDistance = 2
	if s := cmd.SuggestionsFor(verb); len(s) > 0 {
		return usagef("unknown verb %q; did you mean %s?", verb, s[0])
	}
	return usagef("unknown verb %q; there are %s", verb, strings.Join(verbs(cmd), ", "))
}

func verbs(root *cobra.Command) []string {
	var names []string
	for _, c := range root.Commands() {
		if c.IsAvailableCommand() && c.Name() != "help" && c.Name() != "completion" {
			names = append(names, c.Name())
		}
	}
	return names
}

// names is a verb's check of its arguments: from least to most of what they are names of.
func names(least, most int) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usagef("no name given")
		case len(args) > most:
			return usagef("unexpected argument %q", args[most])
		}
		return nil
	}
}

// options are those of the library that the common flags decide.
func (a *app) options() shmpipe.Options {
	b, err := shmpipe.ParseBackend(a.backend)
	must(err) // the flag admits no other
	return shmpipe.Options{Backend: b, Dir: a.dir, AllowOtherOwner: a.trust}
}

// backends are those that a verb about all of them looks at: the one that was named, or all that have names.
func (a *app) backends(cmd *cobra.Command) []shmpipe.Backend {
	if cmd.Flags().Changed("backend") && a.backend != shmpipe.Auto.String() {
		return []shmpipe.Backend{a.options().Backend}
	}
	return []shmpipe.Backend{shmpipe.POSIX, shmpipe.SysV, shmpipe.POSIXQueue, shmpipe.SysVQueue}
}

// completeNames offers the names of segments.
func (a *app) completeNames(_ *cobra.Command, _ []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	o := a.options()
	entries, err := shmpipe.List(&o)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var found []cobra.Completion
	for _, e := range entries {
		found = append(found, e.Name)
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// say writes a line for people to standard error, unless they want none.
func (a *app) say(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintln(a.err, printable(fmt.Sprintf(format, args...)))
	}
}

// where is the directory that errors and help name.
func (a *app) where() string { return cmp.Or(a.dir, "/dev/shm") }

// must stops at a mistake of this program's own tables, which every start would meet.
func must(err error) {
	if err != nil {
		panic(errors.Join(errors.New("shmpipe: mistake in the command's tables"), err))
	}
}
