package tokenusage_test

import (
	"testing"

	"github.com/higress-group/wasm-go/pkg/tokenusage"
	"github.com/higress-group/wasm-go/pkg/wrapper"
)

// mock is a context of a test's own, with the published methods only.
type mock struct {
	wrapper.HttpContext
	attributes, values map[string]any
}

func (m *mock) GetUserAttribute(key string) any           { return m.attributes[key] }
func (m *mock) SetUserAttribute(key string, value any)    { m.attributes[key] = value }
func (m *mock) GetContext(key string) any                 { return m.values[key] }
func (m *mock) SetContext(key string, value any)          { m.values[key] = value }
func (m *mock) GetBoolContext(_ string, def bool) bool    { return def }
func (m *mock) GetStringContext(key, def string) string   { return def }
func (m *mock) GetByteSliceContext(string, []byte) []byte { return nil }

// The functions take contexts that plugins' tests make themselves.
func TestMockedContext(t *testing.T) {
	ctx := &mock{attributes: map[string]any{}, values: map[string]any{}}
	u := tokenusage.GetTokenUsage(ctx, []byte(`{"id":"c","model":"m","usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`))
	if u.InputToken != 3 || u.OutputToken != 4 || u.TotalToken != 7 || u.Model != "m" {
		t.Errorf("got %+v", u)
	}
	if got := ctx.attributes[tokenusage.CtxKeyTotalToken]; got != int64(7) {
		t.Errorf("the attribute is %v", got)
	}
	tokenusage.ExtractChatId(ctx, []byte(`{"id":"c"}`))
	if got := ctx.attributes[tokenusage.CtxKeyChatId]; got != "c" {
		t.Errorf("the chat's id is %v", got)
	}
}
