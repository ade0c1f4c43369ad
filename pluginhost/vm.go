package pluginhost

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// vm is one VM of a group: the contexts in it, and the gateway's side of its host calls, which files calls_*.go have.
//
// A VM runs one callback at a time. Who wants to run one takes lock, then, if the callback is about a stream, the
// stream's lock (begin); calls the plugin; gives the stream's lock back (finish) and then the VM's (unlock). Host calls
// happen in between, on the same goroutine, and so need no lock of their own. What a plugin asks for that moves a stream
// is noted, and done on the stream's turn when the locks are free: by the Filter method that made the callback, or, for
// other streams, by [Callbacks.Post].
type vm struct {
	abi.UnimplementedHost // what this host does not do (yet)

	group  *group
	worker int
	plugin instance
	// generation tells the group's VMs apart, in the order in which they were made.
	generation uint64

	lock fairLock
	// down is dead != nil, for those without the lock.
	down atomic.Bool

	// The rest is guarded by lock.

	// dead is why the VM must not be called any more.
	dead    error
	lastID  uint32
	roots   map[uint32]*root
	streams map[uint32]*Filter

	// callRoot and callStream are what the running callback is about; root and stream are what host calls are about: the
	// same, until the plugin sets another effective context. callStream and stream are nil for root contexts. The lock of
	// stream is held.
	callRoot, root     *root
	callStream, stream *Filter
	// stopNext: a local reply to callStream was asked for, so its message stops here whatever the callback answers.
	stopNext bool
	// spent is what the callback had the host copy, in bytes.
	spent int

	// What a callback leaves to be done.
	touched []*Filter // streams other than callStream that have actions
	rearmed []*root   // roots with a new tick period
	done    []*root   // roots that called proxy_done
	left    leftover

	// callIDs are the last ids of call-outs, without the kind; reply is what the running callback may read of one.
	callIDs [calloutKinds]uint32
	reply   *reply

	// observer may be nil; answered and noticed are for it.
	observer Observer
	answered verdict
	noticed  []HostCall

	asked      bool          // the plugin asked for a new VM
	rebuild    RebuildReason // why the VM is to be replaced, "" if it is not
	rebuilding bool          // and that is under way
	mayRebuild time.Time     // not before
	interval   time.Duration // since the attempt that failed last
	// draining: another VM has taken this one's place. memory and pinned are its size and streams at that time.
	draining bool
	memory   uint64
	pinned   int
	deadline *time.Timer // of draining

	metrics     []*metric
	metricIDs   map[metricKey]uint32
	names       map[string]string     // see intern
	entries     map[string]*dataEntry // see dataEntry
	scratch     []byte
	block       []byte // see text
	keepLog     bool   // remember what is logged
	logged      string
	loggedError string
}

// maxSpent bounds what one callback may have the host copy, so that a plugin cannot exhaust the memory of the process in
// the time it has. Envoy has no such bound.
const maxSpent = 256 << 20

func newVM(g *group, worker int) *vm {
	return &vm{
		group: g, worker: worker, observer: g.host.observer, lock: newFairLock(), keepLog: true,
		mayRebuild: g.host.clock.Now().Add(rebuildInterval),
		roots:      map[uint32]*root{}, streams: map[uint32]*Filter{},
		metricIDs: map[metricKey]uint32{}, names: map[string]string{}, entries: map[string]*dataEntry{},
	}
}

// isDead reports whether the VM is dead. It needs no lock; without it the answer may be late.
func (v *vm) isDead() bool { return v.down.Load() }

// newID returns a context id that is not in use.
func (v *vm) newID() uint32 {
	for {
		v.lastID++
		if v.lastID != 0 && v.roots[v.lastID] == nil && v.streams[v.lastID] == nil {
			return v.lastID
		}
	}
}

// begin starts a callback about r, or about f, a stream of r. The VM's lock is held.
func (v *vm) begin(r *root, f *Filter) {
	v.callRoot, v.callStream, v.root, v.stream = r, f, r, f
	v.spent, v.stopNext = 0, false
	if f != nil {
		f.cb.Lock()
	}
}

// finish ends the callback. err is what the plugin returned: it is dead then.
func (v *vm) finish(callback string, err error) {
	if v.stream != nil {
		v.stream.cb.Unlock()
	}
	if v.observer != nil {
		v.observe(callback, err)
	}
	r, f := v.callRoot, v.callStream
	v.callRoot, v.callStream, v.root, v.stream = nil, nil, nil, nil
	for i, g := range v.touched {
		actions := g.actions
		g.actions, v.touched[i] = nil, nil
		g.later(actions)
	}
	v.touched = v.touched[:0]
	if err != nil {
		v.crash(r, f, callback, err)
	}
	for i, r := range v.rearmed {
		r.rearm, v.rearmed[i] = false, nil
		r.arm()
	}
	v.rearmed = v.rearmed[:0]
	if v.rebuild != "" {
		v.scheduleRebuild()
	}
}

// leftover is what must not be done under a VM's lock, or a group's.
type leftover struct {
	posts   []post
	gone    []*Plugin // each has one root context less
	drained []*vm     // VMs that were replaced and have ended
	rebuild *vm       // to be replaced, for the reason
	reason  RebuildReason
}

// post is a function for a stream's turn.
type post struct {
	cb Callbacks
	f  func()
}

func (l *leftover) add(more leftover) {
	l.posts = append(l.posts, more.posts...)
	l.gone = append(l.gone, more.gone...)
	l.drained = append(l.drained, more.drained...)
	if more.rebuild != nil {
		l.rebuild, l.reason = more.rebuild, more.reason
	}
}

// do does it. A post may run anything that streams do, on this goroutine.
func (l *leftover) do() {
	for _, p := range l.posts {
		p.cb.Post(p.f)
	}
	for _, p := range l.gone {
		p.drop()
	}
	for _, v := range l.drained {
		v.group.forgetDrained(v)
	}
	if l.rebuild != nil {
		l.rebuild.goRebuild(l.reason)
	}
}

// unlock gives the VM's lock back, and then does what was left over.
func (v *vm) unlock() {
	left := v.release()
	left.do()
}

// release gives the VM's lock back, and returns what the caller is to do.
func (v *vm) release() leftover {
	for len(v.done) > 0 {
		r := v.done[0]
		v.done = v.done[1:]
		r.delete()
	}
	left := v.left
	if left.posts != nil || left.gone != nil || left.drained != nil || left.rebuild != nil {
		v.left = leftover{}
	}
	v.lock.Unlock()
	return left
}

// crash records that the plugin died in a callback about f, a stream of r.
func (v *vm) crash(r *root, f *Filter, callback string, err error) {
	attrs := []slog.Attr{slog.Int("worker", v.worker), slog.String("callback", callback)}
	if f != nil {
		attrs = append(attrs, slog.Uint64("context", uint64(f.id)))
		delete(v.streams, f.id) // its own goroutine sees to it
	}
	attrs = append(attrs, slog.Int("streams", len(v.streams)), slog.Any("error", err))
	r.plugin.logger.LogAttrs(context.Background(), slog.LevelError, "plugin crashed", append(attrs, trapAttrs(err)...)...)
	v.kill(err)
}

// kill makes the VM dead: nothing calls it any more. Streams that are paused in it are failed, since it cannot resume
// them; the others find out when they come by.
func (v *vm) kill(err error) {
	if v.dead != nil {
		return
	}
	v.dead = err
	v.down.Store(true)
	for _, f := range v.streams {
		if f.paused() {
			v.left.posts = append(v.left.posts, post{f.cb, f.failPaused})
		}
	}
	v.streams = nil
	v.endDrain()
	for _, r := range v.roots {
		r.end()
	}
	if err := v.plugin.Close(context.Background()); err != nil {
		v.group.host.logger.Warn("plugin VM not closed", "plugin", v.group.cfg.Name, "worker", v.worker, "error", err)
	}
}

// allow reports whether the host may copy n bytes more for this callback.
func (v *vm) allow(n int) bool {
	const overhead = 64 // what a copy costs beside its bytes, roughly
	v.spent += n + overhead
	return v.spent <= maxSpent
}

// maxNames bounds the names that a VM's calls are spared an allocation for.
const maxNames = 512

// intern returns b as a string, the same one each time for the names that a plugin uses again and again.
func (v *vm) intern(b []byte) string {
	if s, ok := v.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(v.names) < maxNames && len(s) < 64 {
		v.names[s] = s
	}
	return s
}

// Texts of up to maxText bytes are cut from blocks of blockSize.
const (
	maxText   = 256
	blockSize = 2 << 10
)

// text returns b as a string. Short ones share an allocation, which lives as long as one of them: plugins write many
// small header values.
func (v *vm) text(b []byte) string {
	if len(b) == 0 || len(b) > maxText {
		return string(b)
	}
	n := len(v.block)
	if cap(v.block)-n < len(b) {
		v.block, n = make([]byte, 0, blockSize), 0
	}
	v.block = append(v.block, b...) // what is in the block already is never written again
	return unsafe.String(&v.block[n], len(b))
}

// internName is intern for header names, which it puts in lower case.
func (v *vm) internName(name []byte) string {
	v.scratch = append(v.scratch[:0], name...)
	for i, c := range v.scratch {
		if 'A' <= c && c <= 'Z' {
			v.scratch[i] = c + 'a' - 'A'
		}
	}
	return v.intern(v.scratch)
}
