package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

// FuzzRequestBody holds that what reaches the upstream is a JSON object with the addition, and that nothing else does. The
// plugin is started once in each fuzz process, natively, so that the coverage of its code guides the fuzzer.
//
//	go test -run '^$' -fuzz FuzzRequestBody ./examples/buffered-body
func FuzzRequestBody(f *testing.F) {
	p := plugintest.Start(f, plugintest.Native)
	for _, body := range []string{`{"a": 1}`, `{}`, ``, `[1]`, `{"a": `, `{"injected": {}}`, `{} {}`, "\xff"} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		got := p.For(t).Do(plugintest.Post("/").JSON(body))
		switch {
		case got.Status == http.StatusBadRequest && got.Upstream == nil:
		case got.Status == http.StatusOK && body == "" && got.Upstream.Body == "":
		case got.Status == http.StatusOK:
			var object map[string]any
			if err := json.Unmarshal([]byte(got.Upstream.Body), &object); err != nil || object["injected"] == nil {
				t.Errorf("%q reaches the upstream as %q: %v", body, got.Upstream.Body, err)
			}
		default:
			t.Errorf("%q: status %d (%s), the upstream saw %+v", body, got.Status, got.Details, got.Upstream)
		}
	})
}
