package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"shmpipe"
	"shmpipe/futex"
)

// pollMost is how many messages are taken in one go, so that credit goes back and signals are noticed.
const pollMost = 256

// receiving is one run of a consumer.
type receiving struct {
	options *consumerOptions
	pipe    *shmpipe.Pipe
	c       *shmpipe.Consumer
	out     *output
	sink    *sink     // nil if messages are not written
	verify  *verifier // nil if they are not checked
	latency *latency  // nil if they are not measured
	again   uint64    // messages that came flagged as redelivered
	many    bool      // the ring has many producers and consumers
	meter   meter
}

// errSilence: no message came for as long as --timeout says.
var errSilence = errors.New("no message came")

// run receives until the end, gives the role back and says what was done.
func (r *receiving) run(ctx context.Context) error {
	if err := r.prepare(); err != nil {
		return errors.Join(err, r.leave())
	}
	stop := func() {}
	if r.options.progress && !r.options.app.quiet {
		stop = showProgress(r.options.app.err, "receiving", &r.meter, -1)
	}
	err := r.receive(ctx)
	if r.sink != nil {
		if flushErr := r.sink.flush(); flushErr != nil && (err == nil || err == io.EOF) {
			err = r.unwritten(flushErr)
		}
	}
	r.meter.stop()
	stop()
	ending := r.ending(err)
	err = r.explain(cause(ctx, err))
	if leaveErr := r.leave(); err == nil {
		err = leaveErr
	}
	if again := r.again; again > 0 {
		who := "a consumer before this one died and may have seen it"
		if r.many {
			who = "another consumer that died, or left, may have seen it"
		}
		r.options.app.say("%s came again: %s", plural(again, "message"), who)
	}
	if err == nil || !errors.As(err, new(*outputError)) {
		r.options.app.say("%s", r.meter.summary("received"))
	}
	return errors.Join(err, r.conclude(ending))
}

func (r *receiving) prepare() error {
	o := r.options
	if r.out.File != nil {
		r.sink = &sink{w: r.out, framing: o.frames, limit: int(o.buffer)}
	}
	if o.latency {
		r.latency = newLatency()
	}
	info, err := r.pipe.Info()
	if err != nil {
		return err
	}
	r.many = info.Mode == shmpipe.MPMC
	switch {
	case !o.verify:
	case r.many:
		r.verify = newShareVerifier(uint64(info.Capacity))
	default:
		st, err := r.pipe.Stats()
		if err != nil {
			return err
		}
		r.verify = newVerifier(st.Received > 0 || st.Dropped > 0)
	}
	return nil
}

// receive takes messages until there are enough, or an error; io.EOF is the end of stream.
func (r *receiving) receive(ctx context.Context) error {
	left := r.options.count // 0 = no limit
	for {
		limit := pollMost
		if r.options.count > 0 {
			limit = int(min(left, pollMost))
		}
		n, err := r.c.TryPoll(limit, r.take)
		if err == shmpipe.ErrEmpty {
			n, err = r.await(ctx, limit)
		}
		if left -= uint64(n); r.options.count > 0 && left == 0 {
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// await writes what was gathered, since nothing more is there, and waits.
func (r *receiving) await(ctx context.Context, limit int) (int, error) {
	if r.sink != nil {
		if err := r.sink.flush(); err != nil {
			return 0, r.unwritten(err)
		}
	}
	if r.options.timeout <= 0 {
		return r.c.Poll(ctx, limit, r.take)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, r.options.timeout, errSilence)
	defer cancel()
	n, err := r.c.Poll(ctx, limit, r.take)
	if err == context.DeadlineExceeded {
		err = context.Cause(ctx)
	}
	return n, err
}

// take deals with one message, in place. If it fails, the message is not finished.
func (r *receiving) take(msg []byte) error {
	if r.meter.start.IsZero() {
		r.meter.begin()
	}
	again := r.c.Redelivered()
	if r.sink != nil {
		if err := r.sink.put(msg); err != nil {
			return r.unwritten(err)
		}
	}
	if r.latency != nil || r.verify != nil {
		r.examine(msg, again)
	}
	if again {
		r.again++
	}
	r.meter.add(1, len(msg))
	return nil
}

// unwritten says what becomes of messages that could not be written because there is no space.
func (r *receiving) unwritten(err error) error {
	switch {
	case !errors.Is(err, syscall.ENOSPC):
		return err
	case r.sink.limit > 0:
		return fmt.Errorf("%w; messages that --buffer had gathered are lost, the others stay in the ring", err)
	}
	return fmt.Errorf("%w; what was not written stays in the ring", err)
}

func (r *receiving) examine(msg []byte, again bool) {
	now := futex.Now()
	s, generated, intact := readStamp(msg)
	if r.latency != nil && generated && intact {
		r.latency.add(now - s.due)
	}
	if r.verify != nil {
		r.verify.check(s, generated, intact, again)
	}
}

// ending says what is known after the last message, while this consumer is still attached.
func (r *receiving) ending(err error) ending {
	e := ending{whole: err == io.EOF, drained: err == io.EOF || err == shmpipe.ErrPeerDied}
	if !r.many {
		return e
	}
	// Who is there, or was, first: then what it has received is in the counters. In doubt there was somebody.
	info, infoErr := r.pipe.Info()
	st, statErr := r.pipe.Stats()
	if infoErr != nil || statErr != nil {
		return e
	}
	consumers := 0
	for _, p := range info.Participants {
		if p.Ring == 0 && p.Role == "consumer" {
			consumers++
		}
	}
	e.dropped = st.Dropped
	e.sole = consumers == 1 && st.Received == r.meter.messages.Load() && st.Dropped == 0 && st.Recovered == 0
	return e
}

// explain says why there is no more.
func (r *receiving) explain(err error) error {
	switch {
	case err == nil || err == io.EOF:
		return nil
	case errors.Is(err, shmpipe.ErrPeerDied) && r.many:
		return fmt.Errorf("a producer died without closing; all that was committed was delivered, to this consumer %s (%s B)", plural(r.meter.messages.Load(), "message"), grouped(r.meter.bytes.Load()))
	case errors.Is(err, shmpipe.ErrPeerDied):
		return fmt.Errorf("producer died without closing; all that it had committed was delivered: %s (%s B)", plural(r.meter.messages.Load(), "message"), grouped(r.meter.bytes.Load()))
	case errors.Is(err, errSilence):
		return fmt.Errorf("%w for %v; %s came before", err, r.options.timeout, plural(r.meter.messages.Load(), "message"))
	}
	return err
}

// leave gives the role back and closes the output.
func (r *receiving) leave() error {
	return errors.Join(r.c.Close(), r.pipe.Close(), r.out.close())
}

// conclude prints what was found out.
func (r *receiving) conclude(end ending) error {
	if r.verify == nil && r.latency == nil {
		return nil
	}
	outcome := struct {
		Stream  *meter         `json:"stream"`
		Verify  *verifyReport  `json:"verify,omitempty"`
		Latency *latencyReport `json:"latency,omitempty"`
	}{Stream: &r.meter}
	text := ""
	var err error
	if r.verify != nil {
		v := r.verify.finish(end)
		outcome.Verify = &v
		text += v.String() + "\n"
		if !v.OK {
			err = errFound
		}
	}
	if r.latency != nil {
		l := r.latency.report()
		outcome.Latency = &l
		text += l.table()
	}
	if r.options.json {
		return errors.Join(r.options.app.printJSON(outcome), err)
	}
	return errors.Join(r.options.app.print(text), err)
}
