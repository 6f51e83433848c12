package shmipc

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	shmipc "github.com/cloudwego/shmipc-go"

	"shmpipe/bench/trial"
)

// client is the sending process's handle.
type client struct {
	manager *shmipc.SessionManager
	end     *end
}

// Open connects, which makes the shared memory, and opens a stream. The text is the path of the socket.
func (Transport) Open(j trial.Job, text string, _ []*os.File) (trial.Handle, error) {
	p, err := newPlan(j)
	if err != nil {
		return nil, err
	}
	c := shmipc.DefaultSessionManagerConfig()
	configure(c.Config, p)
	c.Network, c.Address = "unix", text
	c.MemMapType = shmipc.MemMapTypeMemFd
	c.ShareMemoryPathPrefix = filepath.Base(filepath.Dir(text)) // no path here: what the kernel shows of the memory
	manager, err := shmipc.NewSessionManager(c)
	if err != nil {
		return nil, fmt.Errorf("make a session: %w", err)
	}
	stream, err := manager.GetStream()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open a stream: %w", err), manager.Close())
	}
	h := &client{manager: manager, end: newEnd(j, p, stream.Session())}
	h.end.stream = stream
	if j.Mode != trial.First {
		if err := h.end.flush([][]byte{nil}); err != nil {
			return nil, errors.Join(fmt.Errorf("greet: %w", err), manager.Close())
		}
	}
	return h, nil
}

func (c *client) Files() []*os.File { return nil }
func (c *client) Text() string      { return "" }

func (c *client) Receiver(int) (trial.Receiver, error) { return c.end, nil }
func (c *client) Sender(int) (trial.Sender, error)     { return c.end, nil }

func (c *client) Close() error { return c.manager.Close() }
