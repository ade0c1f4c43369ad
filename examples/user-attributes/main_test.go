package main

import (
	"maps"
	"testing"

	"github.com/sluice-gateway/sluice/plugintest"
)

func TestAttributes(t *testing.T) {
	tests := []struct {
		name    string
		config  string
		request *plugintest.Request
		key     string
		log     map[string]any // beside plugin_saw_ms
		tags    map[string]string
	}{
		{"a user of the API", ``, plugintest.Get("/api/x").Header("X-User-Id", "12345"), "custom_log",
			map[string]any{"user_id": "12345", "request_type": "api", "from_upstream": true},
			map[string]string{"user_id": "12345", "request_type": "api", "from_upstream": "true"}},
		{"nobody", ``, plugintest.Get("/x"), "custom_log",
			map[string]any{"request_type": "page", "from_upstream": true},
			map[string]string{"request_type": "page", "from_upstream": "true"}},
		{"text that JSON escapes", ``, plugintest.Get("/x").Header("X-User-Id", `a"b\c<é`), "custom_log",
			map[string]any{"user_id": `a"b\c<é`, "request_type": "page", "from_upstream": true},
			map[string]string{"user_id": `a"b\c<é`, "request_type": "page", "from_upstream": "true"}},
		{"configured", `{"header":"x-tenant","log_key":"ai_log"}`, plugintest.Get("/x").Header("X-Tenant", "t"), "ai_log",
			map[string]any{"user_id": "t", "request_type": "page", "from_upstream": true},
			map[string]string{"user_id": "t", "request_type": "page", "from_upstream": "true"}},
	}
	plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				p := plugintest.Start(t, mode, plugintest.Config(tt.config))
				for range 2 { // the second request has none of the first one's
					got := p.Do(tt.request)
					attributes := got.UserAttributes(tt.key)
					ms, ok := attributes["plugin_saw_ms"].(float64)
					if !ok || ms < 0 {
						t.Errorf("plugin_saw_ms is %v", attributes["plugin_saw_ms"])
					}
					delete(attributes, "plugin_saw_ms")
					if !maps.Equal(attributes, tt.log) {
						t.Errorf("the log gets %v, want %v", attributes, tt.log)
					}
					if tags := got.SpanTags(); !maps.Equal(tags, tt.tags) {
						t.Errorf("the span gets %v, want %v", tags, tt.tags)
					}
				}
			})
		}
	})
}
