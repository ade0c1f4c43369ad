package pluginhost

import "time"

// doneTimeout is how long a root context that answered false to on_done may take to call proxy_done, when its plugin is
// closed. Envoy would wait for ever, with the VM.
const doneTimeout = 5 * time.Second

// root is a plugin's root context in one VM. The VM's lock guards it.
type root struct {
	plugin *Plugin
	vm     *vm
	id     uint32
	// streams counts the stream contexts.
	streams int
	// configuring: the plugin configuration is readable.
	configuring bool

	// closing: the plugin is being closed, and the root ends with its last stream.
	closing bool
	// force: what on_done answers does not matter.
	force bool
	// waiting: on_done answered false, and proxy_done was not called yet.
	waiting bool
	ended   bool
	expiry  *time.Timer
	// declared are the properties that the plugin declared, by name.
	declared map[string]declaredProperty
	// calls are the call-outs under way, by id.
	calls map[uint32]*callout
	// callStatus is what get_status answers: the status of the call-out that ended last.
	callStatus uint32
	// redis are the clients by cluster, redisDone what came of their calls.
	redis     map[string]*redisClient
	redisDone redisReplies

	period time.Duration
	ticker Timer
	// arming tells timers apart: one that fired and was then stopped or replaced must not tick.
	arming uint64
	// rearm: the period was set in this callback.
	rearm bool
}

// startRoot makes p's root context, starts and configures it. On failure it returns the step that failed, and nothing of
// the root is left. The group's lock is held.
func (v *vm) startRoot(p *Plugin) (r *root, step string, err error) {
	v.lock.Lock()
	defer func() { v.group.left.add(v.release()) }()
	if v.dead != nil {
		return nil, StepCreateContext, v.dead
	}
	r = &root{plugin: p, vm: v, id: v.newID()}
	v.roots[r.id] = r
	p.live.Add(1)
	v.keepLog, v.logged, v.loggedError = true, "", ""
	r.configuring = true
	step, err = r.start()
	r.configuring = false
	v.keepLog = false
	if err != nil {
		if !r.ended {
			r.force = true
			r.shutdown()
		}
		return nil, step, err
	}
	return r, "", nil
}

func (r *root) start() (step string, err error) {
	v := r.vm
	v.begin(r, nil)
	err = v.plugin.OnContextCreate(r.id, 0)
	v.finish("proxy_on_context_create", err)
	if err != nil {
		return StepCreateContext, err
	}
	v.begin(r, nil)
	ok, err := v.plugin.OnVMStart(r.id, uint32(len(v.group.cfg.VMConfiguration)))
	v.finish("proxy_on_vm_start", err)
	if err == nil && !ok {
		err = ErrRefused
	}
	if err != nil {
		return StepStart, err
	}
	v.begin(r, nil)
	ok, err = v.plugin.OnConfigure(r.id, uint32(len(r.plugin.cfg.Configuration)))
	v.finish("proxy_on_configure", err)
	if err == nil && !ok {
		err = ErrRefused
	}
	return StepConfigure, err
}

// close has the root end with its last stream.
func (r *root) close(force bool) {
	r.closing = true
	r.force = r.force || force
	if r.streams == 0 {
		r.shutdown()
	}
}

// left tells that a stream context ended.
func (r *root) left() {
	r.streams--
	if r.closing && r.streams == 0 {
		r.shutdown()
	}
}

// shutdown ends the root: on_done, then, at once or after proxy_done, on_delete.
func (r *root) shutdown() {
	if r.ended || r.waiting {
		return
	}
	r.vm.begin(r, nil)
	ok, err := r.vm.plugin.OnDone(r.id)
	r.vm.finish("proxy_on_done", err)
	if r.ended {
		return
	}
	if ok || r.force {
		r.delete()
		return
	}
	r.waiting = true
	r.plugin.timers.Add(1)
	r.expiry = time.AfterFunc(doneTimeout, r.expire)
}

// expire ends a root that did not call proxy_done.
func (r *root) expire() {
	defer r.plugin.timers.Done()
	r.vm.lock.Lock()
	r.expiry = nil
	r.delete()
	r.vm.unlock()
}

// delete tells the root that it is over, and forgets it.
func (r *root) delete() {
	if r.ended {
		return
	}
	r.vm.begin(r, nil)
	err := r.vm.plugin.OnDelete(r.id)
	r.vm.finish("proxy_on_delete", err)
	r.end()
}

// end forgets the root.
func (r *root) end() {
	if r.ended {
		return
	}
	r.ended = true
	r.stopTicking()
	r.endCalls()
	r.releaseRedis()
	if r.expiry != nil && r.expiry.Stop() {
		r.plugin.timers.Done()
	}
	delete(r.vm.roots, r.id)
	r.vm.left.gone = append(r.vm.left.gone, r.plugin)
	r.vm.drained()
}

// arm starts the root's timer, if it has a period.
func (r *root) arm() {
	r.stopTicking()
	if r.period <= 0 || r.ended {
		return
	}
	arming := r.arming
	r.plugin.timers.Add(1)
	r.ticker = r.vm.group.host.clock.AfterFunc(r.period, func() { r.tick(arming) })
}

func (r *root) stopTicking() {
	if r.ticker != nil && r.ticker.Stop() {
		r.plugin.timers.Done()
	}
	r.ticker = nil
	r.arming++
}

// tick runs the root's timer callback. The next period begins when it has returned, as in Envoy.
func (r *root) tick(arming uint64) {
	defer r.plugin.timers.Done()
	v := r.vm
	v.lock.Lock()
	if r.ended || r.arming != arming {
		v.unlock()
		return
	}
	v.begin(r, nil)
	err := v.plugin.OnTick(r.id)
	v.finish("proxy_on_tick", err)
	if r.arming == arming {
		r.arm()
	}
	v.unlock()
}
