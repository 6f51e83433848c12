package conformance

import (
	"errors"
	"io"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"shmpipe"
)

func TestMessages_ComeInOrderThroughEveryMethod(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		const n = 500
		done := make(chan error, 1)
		go func() {
			done <- func() error {
				for i := 0; i < n; {
					text := func(i int) []byte { return []byte(strconv.Itoa(i)) }
					p.SetType(uint16(i))
					switch i % 3 {
					case 0:
						if err := p.Send(soon(t), text(i)); err != nil {
							return err
						}
						i++
					case 1:
						claim, err := p.Claim(soon(t), 20)
						if err != nil {
							return err
						}
						if err := claim.Commit(copy(claim.Bytes(), text(i))); err != nil {
							return err
						}
						i++
					case 2:
						if _, err := p.SendBatch(soon(t), [][]byte{text(i), text(i + 1), text(i + 2), text(i + 3)}); err != nil {
							return err
						}
						i += 4
					}
				}
				return p.Close()
			}()
		}()
		got, buf := 0, make([]byte, maxMessage)
		check := func(b []byte) error {
			if string(b) != strconv.Itoa(got) {
				return errors.New("got " + string(b) + ", want " + strconv.Itoa(got))
			}
			got++
			return nil
		}
		for {
			var err error
			switch got % 3 {
			case 0:
				var k int
				if k, err = c.Receive(soon(t), buf); err == nil {
					err = check(buf[:k])
				}
			case 1:
				var m shmpipe.Message
				if m, err = c.Next(soon(t)); err == nil {
					err = check(m.Bytes())
					m.Release()
				}
			case 2:
				_, err = c.Poll(soon(t), 5, check)
			}
			if err == io.EOF {
				break
			}
			require.NoError(t, err)
		}
		require.NoError(t, <-done)
		require.GreaterOrEqual(t, got, n)
	})
}

func TestType_TravelsWithTheMessage(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		for _, typ := range []uint16{0, 1, 0xffff} {
			p.SetType(typ)
			send(t, p, "x")
			m, err := c.Next(soon(t))
			require.NoError(t, err)
			require.Equal(t, typ, m.Type())
			require.False(t, m.Redelivered())
			m.Release()
		}
	})
}

func TestMessages_IteratesUntilTheEnd(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		send(t, p, "a", "", "c")
		require.NoError(t, p.Close())
		var got []string
		for msg, err := range c.Messages(soon(t)) {
			require.NoError(t, err)
			got = append(got, string(msg))
		}
		require.Equal(t, []string{"a", "", "c"}, got)
	})
}

func TestAClaimThatIsAbortedSendsNothing(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		claim, err := p.TryClaim(100)
		require.NoError(t, err)
		require.Len(t, claim.Bytes(), 100)
		require.Equal(t, shmpipe.ErrClaimed, p.TrySend([]byte("x")))
		claim.Abort()
		send(t, p, "after")
		expect(t, c, "after")
		_, err = c.TryReceive(nil)
		require.Equal(t, shmpipe.ErrEmpty, err)
	})
}

func TestAMessageThatItsReaderFailedOnComesAgain(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		send(t, p, "a", "b", "c")
		failed := errors.New("no")
		n, err := c.Poll(soon(t), 10, func(msg []byte) error {
			if string(msg) == "b" {
				return failed
			}
			return nil
		})
		require.Equal(t, failed, err)
		require.Equal(t, 1, n)
		require.Panics(t, func() {
			_, _ = c.Poll(soon(t), 10, func([]byte) error { panic("no") })
		})
		expect(t, c, "b", "c")
	})
}

// The one that the consumer was closed in is finished, or it comes again and was not counted.
func TestPoll_CountsWhatDoesNotComeAgain(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		pipe, _ := s.pipe(t, shmpipe.Options{})
		c := consumer(t, pipe)
		p := producer(t, pipe)
		send(t, p, "a", "b", "c")
		n, err := c.Poll(soon(t), 10, func(msg []byte) error {
			if string(msg) == "b" {
				return c.Close()
			}
			return nil
		})
		require.NoError(t, err)
		expect(t, consumer(t, pipe), []string{"a", "b", "c"}[n:]...)
	})
}

func TestStream_CarriesBytes(t *testing.T) {
	forEach(t, func(t *testing.T, s subject) {
		p, c := s.ends(t)
		want := pattern(300_000, 1)
		done := make(chan error, 1)
		go func() {
			w := shmpipe.NewWriter(soon(t), p, 0)
			_, err := w.Write(want[:100_000])
			if err == nil {
				_, err = w.ReadFrom(newReader(want[100_000:]))
			}
			done <- errors.Join(err, p.Close())
		}()
		r := shmpipe.NewReader(soon(t), c)
		got := make([]byte, 1000)
		_, err := io.ReadFull(r, got)
		require.NoError(t, err)
		rest, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, want, append(got, rest...))
		require.NoError(t, <-done)
	})
}
