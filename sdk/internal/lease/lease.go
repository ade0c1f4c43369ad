// Package lease elects a leader among VMs that share data: a value that one of them writes again and again, by
// compare-and-swap, for as long as it leads.
//
// # Why there is never more than one leader
//
// Each successful Set gives the value a new compare-and-swap number, and a Set with a number succeeds only if the value
// is the one that was read with it. So of all that a VM may do after a leader wrote number n at the time w, none takes
// effect unless n is still the number: and then the leader has not renewed since w, and leads no longer than w + [Hold],
// by its own clock, which it started before it wrote. Others write over n only
//
//   - when they first read n at s, which is after w, and have seen no other number for [Wait], more than [Hold], since: at
//     s + Wait > w + Hold nobody leads. Each VM measures by its own monotonic clock, and the times of day of two machines
//     are never compared: the clocks may show anything, they only have to run at the same speed, to one part in ten;
//   - when the holder wrote itself that it let go, which it does after it stopped leading.
//
// What is left is the first value. A Set with number 0 would replace any value, and two VMs that both read that there is
// none would both lead, the second over the first, or wipe out the first's lease if they wrote something neutral. But a Set
// with another number succeeds where there is no value, and only there unless the value has that number. So the first value
// is written with a number that no value has, and exactly one VM writes it.
//
// This needs a store that never loses the value while a VM leads.
package lease

import (
	"strconv"
	"time"

	"github.com/sluice-gateway/sluice/sdk/abi"
	"github.com/sluice-gateway/sluice/sdk/internal/jsontext"
)

// Time is how long it takes at most until another VM leads when a leader goes without letting go, and others look: [Look]
// and [Wait], and a second for callbacks that come late. Long enough that a gateway which is busy for some seconds keeps
// its leader, and that a look costs nothing; short enough for the work that leaders do, which is in minutes.
const Time = 15 * time.Second

const (
	// Look is how often a leader renews, and others look. A leader may fail to twice and still leads.
	Look = 3 * time.Second
	// Hold is how long a leader leads after it renewed.
	Hold = 10 * time.Second
	// Wait is how long a lease must be unchanged for others to take it.
	Wait = 11 * time.Second
)

// create is a number that no value has. Numbers count the writes of all plugins of a process from 1: a value can have this
// one only if it was the two billionth, and harm is done only if that comes in between a VM's Get and its Set.
const create = 1 << 31

// Store is where leases are: the host's shared data.
type Store interface {
	GetSharedData(key string) (value []byte, cas uint32, st abi.Status)
	SetSharedData(key string, value []byte, cas uint32) abi.Status
}

// Lease is one VM's view of a lease. It is not safe for concurrent use.
type Lease struct {
	store Store
	clock func() time.Time
	key   string
	id    string

	// taken is when this VM last took or renewed the lease, zero if it does not lead.
	taken time.Time
	// seen is the number of another VM's lease, since is when it was first seen.
	seen  uint32
	since time.Time
}

// New returns the lease of a key for the VM of an id, which no other VM may have. clock should answer monotonic times.
func New(store Store, clock func() time.Time, key, id string) *Lease {
	return &Lease{store: store, clock: clock, key: key, id: id}
}

// Leads says whether this VM leads now. It asks the clock only.
func (l *Lease) Leads() bool {
	if l.taken.IsZero() {
		return false
	}
	// The monotonic clock stands still while a machine sleeps, the time of day may be set: the lease lapses by whichever
	// is further.
	now := l.clock()
	return within(now.Sub(l.taken)) && within(now.Round(0).Sub(l.taken.Round(0)))
}

func within(held time.Duration) bool { return held >= 0 && held < Hold }

// Look takes the lease if it is free, and renews it if this VM has it. It returns after what time to look again. An error
// is the store's; this VM may still lead.
func (l *Lease) Look() (time.Duration, error) {
	value, cas, st := l.store.GetSharedData(l.key)
	switch st {
	case abi.StatusOK:
		if cas == 0 {
			l.taken = time.Time{}
			return Look, errNumber
		}
	case abi.StatusNotFound:
		cas = create
	default:
		return Look, &Error{"read", st}
	}
	if id := holder(value); st == abi.StatusOK && id != l.id && id != "" {
		l.taken = time.Time{}
		now := l.clock()
		if cas != l.seen {
			l.seen, l.since = cas, now
		}
		if rest := Wait - now.Sub(l.since); rest > 0 {
			return min(rest, Look), nil
		}
	}
	now := l.clock() // before it is written
	switch st := l.store.SetSharedData(l.key, content(l.id, now), cas); st {
	case abi.StatusOK:
		l.taken, l.seen = now, 0
		return Look, nil
	case abi.StatusCasMismatch: // another VM was faster
		l.taken = time.Time{}
		return Look, nil
	default:
		return Look, &Error{"written", st}
	}
}

// Release lets go of the lease if this VM has it.
func (l *Lease) Release() {
	l.taken = time.Time{}
	value, cas, st := l.store.GetSharedData(l.key)
	if st == abi.StatusOK && cas != 0 && holder(value) == l.id {
		// Where this fails, others wait for it to lapse.
		l.store.SetSharedData(l.key, content("", l.clock()), cas)
	}
}

// Error says what could not be done with a lease.
type Error struct {
	done   string
	status abi.Status
}

// Error returns the message.
func (e *Error) Error() string {
	return "the leader's lease could not be " + e.done + ": " + e.status.String()
}

var errNumber = &Error{"taken, the host does not number shared data", abi.StatusUnimplemented}

// content is a lease in the form that the Higress SDK gave it: the VM that holds it, "" for nobody, and when it was written,
// in seconds. The time is for people to read.
func content(id string, now time.Time) []byte {
	b := jsontext.AppendString([]byte(`{"vmID":`), id)
	b = append(b, `,"timestamp":`...)
	return append(strconv.AppendInt(b, now.Unix(), 10), '}')
}

// holder returns the VM that has a lease, "" for nobody. What is not a lease is held by a VM that never renews.
func holder(value []byte) string {
	json := string(value)
	if jsontext.Check(json) == nil {
		if id, ok := jsontext.String(jsontext.Member(json, "vmID")); ok {
			return id
		}
	}
	return "unknown"
}
