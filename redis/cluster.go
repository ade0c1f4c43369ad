package redis

import (
	"bytes"
	"net"
	"strconv"
	"strings"
	"sync"
)

// slotCount is the number of hash slots of a Redis cluster.
const slotCount = 16384

// redirection is what MOVED and ASK say.
type redirection struct {
	slot    int
	address string
	ask     bool
}

// parseRedirection reads a reply that sends a call to another host. from is the host that sent it: where the reply
// leaves the name out, it means the same.
func parseRedirection(reply []byte, from string) (to redirection, ok bool) {
	line, isError := bytes.CutPrefix(reply, []byte("-"))
	if !isError || len(line) > 300 {
		return to, false
	}
	words := strings.Split(strings.TrimSuffix(string(line), "\r\n"), " ")
	if len(words) != 3 || words[0] != "MOVED" && words[0] != "ASK" {
		return to, false
	}
	slot, err := strconv.Atoi(words[1])
	if err != nil || slot < 0 || slot >= slotCount {
		return to, false
	}
	i := strings.LastIndexByte(words[2], ':')
	if i < 0 {
		return to, false
	}
	host, port := strings.Trim(words[2][:i], "[]"), words[2][i+1:]
	if p, err := strconv.ParseUint(port, 10, 16); err != nil || p == 0 {
		return to, false
	}
	if host == "" || host == "?" {
		if host, _, err = net.SplitHostPort(from); err != nil {
			return to, false
		}
	}
	return redirection{slot: slot, address: net.JoinHostPort(host, port), ask: words[0] == "ASK"}, true
}

// slotTable is what redirections have taught about a cluster. It is a guess: a host that is asked in vain says where to
// go.
type slotTable struct {
	mu        sync.RWMutex
	addresses map[int]string // by slot; nil for servers that are no cluster
}

func (t *slotTable) learn(slot int, address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.addresses == nil {
		t.addresses = map[int]string{}
	}
	t.addresses[slot] = address
}

// forget drops what is known of a host: it may be gone.
func (t *slotTable) forget(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for slot, a := range t.addresses {
		if a == address {
			delete(t.addresses, slot)
		}
	}
}

// address returns the host that a command is for, if it is known.
func (t *slotTable) address(args [][]byte) (address string, ok bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if len(t.addresses) == 0 {
		return "", false
	}
	key := firstKey(args)
	if key == nil {
		return "", false
	}
	address, ok = t.addresses[slotOf(key)]
	return address, ok
}

// firstKey returns the argument that is most likely the command's first key, nil if there is none. Being wrong costs a
// redirection.
func firstKey(args [][]byte) []byte {
	i := 1
	switch lower(args[0]) {
	case "eval", "evalsha", "eval_ro", "evalsha_ro", "fcall", "fcall_ro":
		if len(args) < 4 || string(args[2]) == "0" {
			return nil
		}
		i = 3
	case "object", "xgroup", "xinfo", "memory", "bitop":
		i = 2
	case "zunion", "zinter", "zdiff", "sintercard", "zintercard", "lmpop", "zmpop":
		i = 2
	case "blmpop", "bzmpop":
		i = 3
	case "xread", "xreadgroup":
		for j, a := range args {
			if lower(a) == "streams" {
				i = j + 1
				break
			}
		}
	}
	if i >= len(args) {
		return nil
	}
	return args[i]
}

// slotOf returns a key's hash slot: CRC16 (XMODEM) of the key, or of what is in its first braces if that is not empty.
func slotOf(key []byte) int {
	if _, after, ok := bytes.Cut(key, []byte("{")); ok {
		if tag, _, ok := bytes.Cut(after, []byte("}")); ok && len(tag) > 0 {
			key = tag
		}
	}
	var crc uint16
	for _, b := range key {
		crc ^= uint16(b) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return int(crc) % slotCount
}
