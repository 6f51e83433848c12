//go:build seam

package explore

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"reflect"
	"runtime"
	"runtime/debug"
	"unsafe"

	"shmpipe/internal/seam"
)

// process runs a program step by step: it stops before each access to shared memory.
type process struct {
	id     int
	sys    *system
	mem    *memory
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool

	// Where it stands: before which access.
	site  seam.Site
	place place
	done  bool
	fault string // what it found wrong, or the panic that ended it

	// What led there.
	label   uint32 // where in its program it is
	history []byte // what it carries: see carry
	tracked []any  // endpoints, whose fields it carries
	inHand  place  // what it may access without a mark, as the system says; or nowhere
	app     any    // what the program wants to remember
	events  []event
	before  []byte // what was at place when the step began
	settled bool   // the present step's observation is in the history, or of no more use
	blind   bool   // nobody wants to know what it carries
	mute    bool   // nobody wants to know its events
}

// event is something that the oracle wants to know.
type event struct {
	kind, a, b uint8
}

// current is the process that runs. There is never more than one.
var current *process

// stopped ends a process that is of no more use.
type stopped struct{}

func init() {
	seam.Hook = func(s seam.Site, p unsafe.Pointer) { current.pause(s, p) }
	seam.Fresh = func(s seam.Site) { current.again(s) }
}

// start makes a process and runs it to its first access.
func start(sys *system, mem *memory, id int, blind, mute bool) *process {
	p := &process{id: id, sys: sys, mem: mem, inHand: nowhere, place: nowhere, settled: true, blind: blind, mute: mute}
	p.resume, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		defer func() {
			if r := recover(); r != nil {
				if _, ended := r.(stopped); !ended {
					p.fault = fmt.Sprintf("panic: %v\n%s", r, debug.Stack())
				}
			}
		}()
		sys.programs[id].run(p)
	})
	p.run()
	return p
}

// run makes the access and goes on to the next.
func (p *process) run() {
	was := current
	current = p
	if _, more := p.resume(); !more {
		p.endStep()
		p.done, p.site, p.place = true, seam.None, nowhere
	}
	current = was
}

// pause stops before an access.
func (p *process) pause(s seam.Site, at unsafe.Pointer) {
	p.endStep()
	p.site, p.place = s, p.mem.find(at)
	if p.place == nowhere {
		panic(fmt.Sprintf("%s at an address that no place has", siteName(s)))
	}
	if !p.yield(struct{}{}) {
		panic(stopped{})
	}
	p.before = append(p.before[:0], p.mem.places[p.place]...)
	p.settled = false
}

// mark stops before an access to shared memory that the program makes by itself.
func (p *process) mark(s seam.Site, b []byte) { p.pause(s, unsafe.Pointer(unsafe.SliceData(b))) }

// endStep notes what the step, which is over, has shown.
func (p *process) endStep() {
	if p.place == nowhere {
		return
	}
	if !p.settled {
		p.observe()
	}
	if p.sys.stepped != nil { // it is about the access, which came before what the program told
		told := p.events
		p.events = nil
		p.sys.stepped(p)
		p.events = append(p.events, told...)
	}
}

// observe adds to the history what the access has shown to the process.
func (p *process) observe() {
	p.settled = true
	if p.blind {
		return
	}
	p.history = append(p.history, byte(p.site), byte(p.place))
	show := p.sys.shows[p.site]
	if p.sys.filter != nil && show == showsValue && !p.sys.filter(p) {
		show = showsNothing
	}
	switch show {
	case showsValue:
		p.history = append(p.history, p.before...)
	case showsSuccess:
		if string(p.before) != string(p.mem.places[p.place]) {
			p.history = append(p.history, 1)
		} else {
			p.history = append(p.history, 0)
		}
	case showsNothing:
	}
	if p.sys.silent != nil && p.sys.silent(p) {
		for _, x := range p.sys.extra(p) {
			p.history = append(p.history, p.mem.places[x]...)
		}
	}
}

// again is called where the process carries nothing but its place in the program and its endpoints.
func (p *process) again(s seam.Site) {
	p.settled = true
	if !p.blind {
		p.carry(s)
	}
}

// begin says that the program goes on at a label, and carries nothing but that and the endpoints that it tracks.
func (p *process) begin(label uint32) {
	p.label = label
	p.again(seam.None)
}

// track says that the process carries the fields of an endpoint.
func (p *process) track(endpoint any) { p.tracked = append(p.tracked, endpoint) }

func (p *process) tell(kind, a, b uint8) {
	if !p.mute {
		p.events = append(p.events, event{kind, a, b})
	}
}

// fail says that the process found something wrong. It ends the process.
func (p *process) fail(format string, args ...any) {
	p.fault = fmt.Sprintf(format, args...)
	panic(stopped{})
}

// carry begins the history anew, with all that the process carries: label, endpoints, and by which calls it got here.
func (p *process) carry(s seam.Site) {
	h := append(p.history[:0], byte(s))
	h = binary.LittleEndian.AppendUint32(h, p.label)
	if s != seam.None {
		var calls [8]uintptr
		for _, pc := range calls[:runtime.Callers(3, calls[:])] {
			h = binary.LittleEndian.AppendUint64(h, uint64(pc))
		}
	}
	for _, e := range p.tracked {
		h = appendFields(h, reflect.ValueOf(e).Elem(), p.sys.ignored)
	}
	p.history = h
}

// appendFields appends all numbers of a structure. Pointers lead to what is shared, or to what steps do not depend on; that they do
// not is checked.
func appendFields(h []byte, v reflect.Value, ignored map[string]bool) []byte {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if !ignored[v.Type().Field(i).Name] {
				h = appendFields(h, v.Field(i), ignored)
			}
		}
	case reflect.Bool:
		if v.Bool() {
			return append(h, 1)
		}
		return append(h, 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		h = binary.LittleEndian.AppendUint64(h, uint64(v.Int()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		h = binary.LittleEndian.AppendUint64(h, v.Uint())
	case reflect.Float64:
		h = binary.LittleEndian.AppendUint64(h, math.Float64bits(v.Float()))
	}
	return h
}
