package mqueue

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"shmpipe/internal/mq"
	"shmpipe/internal/whoami"
	"shmpipe/protocol"
)

// plan fits what was asked for into the host's limits, and says what these made of it.
func plan(k Kind, name string, g Geometry) (*header, error) {
	if g.Mode == 0 {
		g.Mode = protocol.SPSC
	}
	if g.Capacity < 0 || g.MaxMessage < 0 || g.MaxMessage > mostMessage || g.Participants < 0 || g.Participants > mostEntries || g.Participants == 1 ||
		g.Mode != protocol.SPSC && g.Mode != protocol.MPMC {
		return nil, fmt.Errorf("geometry %+v: want messages of at most %d bytes and 2 to %d participants: %w", g, mostMessage, mostEntries, fs.ErrInvalid)
	}
	h := &header{kind: k, name: name, mode: g.Mode, participants: 2, maxMessage: g.MaxMessage, transient: g.Transient, created: time.Now(),
		boot: whoami.Boot(), ipcSpace: whoami.IPCNamespace()}
	if h.maxMessage == 0 {
		h.maxMessage = defaultMaxMessage
	}
	if g.Mode == protocol.MPMC {
		if h.participants = g.Participants; h.participants == 0 {
			h.participants = protocol.DefaultMPMCParticipants
		}
	}
	want := g.Capacity
	if want == 0 {
		want = defaultCapacity
	}
	if k == POSIX {
		l, err := mq.ReadPOSIXLimits()
		if err != nil {
			return nil, err
		}
		planPOSIX(h, l, want)
	} else {
		l, err := mq.ReadSysVLimits()
		if err != nil {
			return nil, err
		}
		if err := planSysV(h, l, want); err != nil {
			return nil, err
		}
	}
	if g.Capacity == 0 {
		h.why = ""
	}
	h.cutWhy()
	h.planned = h.capacity
	return h, nil
}

func (h *header) cutWhy() {
	if most := offBoot - offWhy; len(h.why) > most {
		h.why = strings.ToValidUTF8(h.why[:most], "")
	}
}

// tryAnother changes the plan after an error, if another one may do, and reports whether it has.
func (h *header) tryAnother(err error) bool {
	switch {
	case h.kind == SysV:
		return errors.Is(err, fs.ErrExist) // the next random key is another one
	case h.messages > 1 && errors.Is(err, unix.EMFILE):
		h.messages /= 2
		h.capacity = h.messages * h.messageSize
		h.why = fmt.Sprintf("capacity %d instead of %d bytes: %v", h.capacity, h.planned, err)
		h.cutWhy()
		return true
	}
	return false
}

// planPOSIX prefers large messages to many of them, but wants at least four. The limits that every user has are kept to, also by who
// may exceed them: a queue takes memory of the kernel's that cannot be swapped.
func planPOSIX(h *header, l mq.POSIXLimits, want int) {
	h.messageSize = min(h.maxMessage+fragmentHeader, l.MessageSize)
	most := l.Messages
	h.messages = max(1, min(want/h.messageSize, most))
	if h.messages < 4 && most >= 4 && want/4 > 2*fragmentHeader { // a small capacity: smaller messages, so that both sides can be busy
		h.messages = 4
		h.messageSize = min(h.messageSize, max(want/4, 2*fragmentHeader))
	}
	// What is left of this user's share is not known; a refusal says what it was. But more than the whole of it is refused for sure.
	for h.messages > 2 && l.Bytes != math.MaxUint64 && l.Cost(h.messages, h.messageSize) > l.Bytes {
		h.messages--
	}
	h.capacity = h.messages * h.messageSize
	if h.capacity < want {
		h.why = fmt.Sprintf("capacity %d of %d bytes: fs.mqueue.msg_max is %d and fs.mqueue.msgsize_max %d, RLIMIT_MSGQUEUE %d bytes; raise them with sysctl and ulimit -q",
			h.capacity, want, l.Messages, l.MessageSize, l.Bytes)
	}
}

func planSysV(h *header, l mq.SysVLimits, want int) error {
	// Nobody may exceed this one. A queue that carries no part of a message would be made, and refuse all.
	if least := fragmentHeader + 1; l.MessageSize < least {
		return fmt.Errorf("kernel.msgmax is %d, and the part of a message takes at least %d bytes; raise it with `sysctl -w kernel.msgmax=8192`: %w", l.MessageSize, least, unix.EMSGSIZE)
	}
	h.capacity = max(min(want, l.QueueBytes), 4*2*fragmentHeader)
	h.messageSize = max(min(h.maxMessage+fragmentHeader, l.MessageSize, h.capacity/2), fragmentHeader+1)
	h.messages = max(1, h.capacity/h.messageSize)
	if h.capacity < want {
		h.why = fmt.Sprintf("capacity %d of %d bytes: kernel.msgmnb is %d; raise it with sysctl -w kernel.msgmnb=%d", h.capacity, want, l.QueueBytes, want)
	}
	return nil
}
