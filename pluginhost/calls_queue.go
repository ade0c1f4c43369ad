package pluginhost

import (
	"log/slog"
	"sync"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// sharedQueues are the queues of all plugins of a host: each belongs to a vm_id and lives as long as there are VMs of
// that. Whoever knows a queue's id may add and take.
type sharedQueues struct {
	mu     sync.Mutex
	users  map[string]int // by vm_id
	byName map[queueKey]*sharedQueue
	byID   map[uint32]*sharedQueue
	made   map[queueKey]int // by vm_id and the plugin's name
	lastID uint32
	// deliveries counts the goroutines that tell plugins of their queues. Host.Close waits for them.
	deliveries sync.WaitGroup
}

type queueKey struct{ vmID, name string }

// sharedQueue is a queue. The store's lock guards it.
type sharedQueue struct {
	id   uint32
	name string
	// root is told when an element was added: that which registered the queue last. limits are its plugin's.
	root   *root
	limits *Limits
	// elements has those that are in the queue, from first.
	elements [][]byte
	first    int
	size     int // bytes
	// pending is how often root is to be told; a goroutine does so while it is not 0.
	pending int
	gone    bool
}

func (q *sharedQueue) len() int { return len(q.elements) - q.first }

func (s *sharedQueues) retain(vmID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users == nil {
		s.users = map[string]int{}
		s.byName = map[queueKey]*sharedQueue{}
		s.byID = map[uint32]*sharedQueue{}
		s.made = map[queueKey]int{}
	}
	s.users[vmID]++
}

func (s *sharedQueues) release(vmID string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.users[vmID]--; s.users[vmID] > 0 {
		return
	}
	delete(s.users, vmID)
	for key, q := range s.byName {
		if key.vmID == vmID {
			q.gone, q.pending, q.elements = true, 0, nil
			delete(s.byName, key)
			delete(s.byID, q.id)
		}
	}
	for key := range s.made {
		if key.vmID == vmID {
			delete(s.made, key)
		}
	}
}

// register makes a queue, or finds it, and binds it to r. It returns 0 if r's plugin has too many.
func (s *sharedQueues) register(vmID string, name []byte, r *root) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	cfg := &r.plugin.cfg
	q := s.byName[queueKey{vmID, string(name)}]
	if q == nil {
		maker := queueKey{vmID, cfg.Name}
		if s.made[maker] >= cfg.Limits.Queues {
			return 0
		}
		s.made[maker]++
		for s.lastID++; s.lastID == 0 || s.byID[s.lastID] != nil; s.lastID++ {
		}
		q = &sharedQueue{id: s.lastID, name: string(name)}
		s.byName[queueKey{vmID, q.name}] = q
		s.byID[q.id] = q
	}
	q.root, q.limits = r, &cfg.Limits
	return q.id
}

func (s *sharedQueues) resolve(vmID string, name []byte) uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.byName[queueKey{vmID, string(name)}]; q != nil {
		return q.id
	}
	return 0
}

// dequeue appends a queue's first element.
func (s *sharedQueues) dequeue(dst []byte, id uint32) ([]byte, abi.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.byID[id]
	if q == nil {
		return dst, abi.StatusNotFound
	}
	if q.len() == 0 {
		return dst, abi.StatusEmpty
	}
	element := q.elements[q.first]
	q.elements[q.first] = nil
	q.first++
	q.size -= len(element)
	if q.first == len(q.elements) {
		q.elements, q.first = q.elements[:0], 0
	} else if q.first >= 64 && q.first > len(q.elements)/2 {
		n := copy(q.elements, q.elements[q.first:])
		clear(q.elements[n:])
		q.elements, q.first = q.elements[:n], 0
	}
	return append(dst, element...), abi.StatusOK
}

// enqueue adds an element and has the queue's root told. Beyond a limit it answers the limit's name.
func (s *sharedQueues) enqueue(id uint32, value []byte) (status abi.Status, setting string, limit int, queue string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.byID[id]
	switch {
	case q == nil:
		return abi.StatusNotFound, "", 0, ""
	case q.len() >= q.limits.QueueLength:
		return abi.StatusInternalFailure, "QueueLength", q.limits.QueueLength, q.name
	case len(value) > q.limits.QueueBytes-q.size:
		return abi.StatusInternalFailure, "QueueBytes", q.limits.QueueBytes, q.name
	}
	q.elements = append(q.elements, append([]byte(nil), value...))
	q.size += len(value)
	// As many as the queue may have elements are enough for a plugin that takes one each time.
	if q.pending < q.limits.QueueLength {
		if q.pending++; q.pending == 1 {
			s.deliveries.Go(func() { s.deliver(q) })
		}
	}
	return abi.StatusOK, "", 0, ""
}

// deliver tells the queue's root of each element that was added, under the lock of its VM and so not before the callback
// that added it has returned. A root that has ended is told nothing.
func (s *sharedQueues) deliver(q *sharedQueue) {
	for {
		s.mu.Lock()
		if q.gone || q.pending == 0 {
			s.mu.Unlock()
			return
		}
		r := q.root
		s.mu.Unlock()

		r.queueReady(q.id)

		s.mu.Lock()
		if q.pending > 0 {
			q.pending--
		}
		more := q.pending > 0
		s.mu.Unlock()
		if !more {
			return
		}
	}
}

// queueReady runs the root's callback for a queue that has an element.
func (r *root) queueReady(queue uint32) {
	v := r.vm
	v.lock.Lock()
	if !r.ended && v.dead == nil {
		v.begin(r, nil)
		err := v.plugin.OnQueueReady(r.id, queue)
		v.finish("proxy_on_queue_ready", err)
	}
	v.unlock()
}

// RegisterSharedQueue implements [abi.Host]. Of several VMs that register a queue, the last is told of its elements.
func (v *vm) RegisterSharedQueue(name []byte) (uint32, abi.Status) {
	if v.root == nil || len(name) > maxName {
		return 0, abi.StatusBadArgument
	}
	id := v.group.host.queues.register(v.group.cfg.VMID, name, v.root)
	if id == 0 {
		v.exceeded("Queues", v.root.plugin.cfg.Limits.Queues)
		return 0, abi.StatusInternalFailure
	}
	return id, abi.StatusOK
}

// ResolveSharedQueue implements [abi.Host].
func (v *vm) ResolveSharedQueue(vmID, name []byte) (uint32, abi.Status) {
	id := v.group.cfg.VMID
	if len(vmID) > 0 {
		id = string(vmID)
	}
	if queue := v.group.host.queues.resolve(id, name); queue != 0 {
		return queue, abi.StatusOK
	}
	v.complain("queue", "plugin asks for a queue that nobody registered", slog.String("vm_id", id),
		slog.String("queue", logText(name)))
	return 0, abi.StatusNotFound
}

// DequeueSharedQueue implements [abi.Host].
func (v *vm) DequeueSharedQueue(dst []byte, queue uint32) ([]byte, abi.Status) {
	value, status := v.group.host.queues.dequeue(dst, queue)
	if status == abi.StatusNotFound {
		v.unknownQueue(queue)
	}
	return value, status
}

// EnqueueSharedQueue implements [abi.Host].
func (v *vm) EnqueueSharedQueue(queue uint32, value []byte) abi.Status {
	status, setting, limit, name := v.group.host.queues.enqueue(queue, value)
	if setting != "" {
		v.exceeded(setting, limit, slog.String("queue", logText([]byte(name))))
	} else if status == abi.StatusNotFound {
		v.unknownQueue(queue)
	}
	return status
}

func (v *vm) unknownQueue(queue uint32) {
	v.complain("queue id", "plugin uses a queue that nobody registered", slog.Uint64("queue", uint64(queue)))
}
