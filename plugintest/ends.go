package plugintest

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"

	"github.com/sluice-gateway/sluice/gateway"
)

// ends learns of the ends of streams from the gateway's access log. A stream is known by its client's address: the kit
// opens a connection for each request.
type ends struct {
	mu   sync.Mutex
	open map[string]chan end
}

// end is what the access log says of a stream.
type end struct{ Client, Details, Flags string }

// accessLog is the log whose sink is e: the gateway's standard output.
func (e *ends) accessLog() gateway.AccessLog {
	return gateway.AccessLog{Stdout: true, JSON: []gateway.AccessLogMember{
		{Name: "Client", Format: "%DOWNSTREAM_REMOTE_ADDRESS%"},
		{Name: "Details", Format: "%RESPONSE_CODE_DETAILS%"},
		{Name: "Flags", Format: "%RESPONSE_FLAGS%"},
	}}
}

// watch is called before a request is sent from an address.
func (e *ends) watch(client string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		e.open = map[string]chan end{}
	}
	e.open[client] = make(chan end, 1)
}

// wait waits for the end of the stream from an address; ok is false if it does not come in time.
func (e *ends) wait(client string, timeout time.Duration) (got end, ok bool) {
	e.mu.Lock()
	ch := e.open[client]
	e.mu.Unlock()
	select {
	case got = <-ch:
		ok = true
	case <-time.After(timeout):
	}
	e.mu.Lock()
	delete(e.open, client)
	e.mu.Unlock()
	return got, ok
}

// Write takes whole lines of the access log.
func (e *ends) Write(lines []byte) (int, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for line := range bytes.Lines(lines) {
		var got end
		if err := json.Unmarshal(line, &got); err != nil {
			return 0, err
		}
		if ch := e.open[got.Client]; ch != nil {
			select {
			case ch <- got:
			default:
			}
		}
	}
	return len(lines), nil
}
