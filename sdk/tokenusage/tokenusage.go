// Package tokenusage reads from the responses of language models how many tokens they cost: chat completions, responses
// and images of OpenAI and what speaks like it (Doubao among them), messages of Anthropic, and Gemini, whole or as
// server-sent events.
//
// What it reads it also keeps as user attributes of the stream, under the CtxKey constants, for the access log. Numbers
// are what the upstream says, unchecked, but never negative.
package tokenusage

import (
	"bytes"

	"github.com/sluice-gateway/sluice/sdk/sse"
	"github.com/sluice-gateway/sluice/sdk/wrapper"
	"github.com/tidwall/gjson"
)

// TokenUsage is what a response cost.
type TokenUsage struct {
	InputToken         int64
	InputTokenDetails  map[string]int64
	OutputTokenDetails map[string]int64
	OutputToken        int64
	TotalToken         int64
	// Model is the model that answered, "unknown" if nobody says.
	Model string

	// What Anthropic counts beside the input: tokens written to its cache, and read from it.
	AnthropicCacheCreationInputToken int64
	AnthropicCacheReadInputToken     int64
}

// GetTokenUsage reads a response's body, or the next chunk of one that is a stream of events, in their order: call it once
// for each. Events may be cut anywhere; the beginning of one is kept in the stream's context until the rest is there, at
// most 4 MiB of it.
//
// The result has what the last event with usage says, and of the input, the output and the model what earlier ones said if
// it says nothing. Without usage in body it is zero but for its maps.
func GetTokenUsage(ctx wrapper.HttpContext, body []byte) TokenUsage {
	u := TokenUsage{InputTokenDetails: map[string]int64{}, OutputTokenDetails: map[string]int64{}}
	p, ok := ctx.GetContext(ctxKeyEvents).(*events)
	if !ok {
		if !isEvents(body) {
			extract(ctx, body, &u)
			return u
		}
		p = &events{Reader: sse.Reader{Max: maxEvent}}
		ctx.SetContext(ctxKeyEvents, p)
	}
	p.read(ctx, body, &u)
	if p.Err() != nil {
		ctx.SetContext(ctxKeyEvents, nil) // from the next event on it can be read again
	}
	return u
}

// ctxKeyEvents is where the stream's events are kept.
const ctxKeyEvents = "tokenusage.events"

const maxEvent = 4 << 20

// events is a stream that is being read.
type events struct {
	sse.Reader
	// read ahead: the event that is not complete was taken into account already.
	ahead bool
}

func (p *events) read(ctx wrapper.HttpContext, chunk []byte, u *TokenUsage) {
	// Some end no event at all: a field begins the next one then.
	if beginsField(chunk) && p.restIsJSON() {
		p.take(ctx, []byte("\n\n"), u)
	}
	p.take(ctx, chunk, u)
	// Nobody says where the stream ends, and not every server ends its last event. So what is all there is read, although
	// the empty line may come yet.
	if end := bytes.TrimRight(chunk, "\r\n "); p.ahead || p.Err() != nil || len(end) == 0 || end[len(end)-1] != '}' {
		return
	}
	last := sse.Reader{Max: maxEvent}
	for last.Feed(p.Rest(), true); last.Next(); {
		if data := last.Event().Data; hasUsage(data) && gjson.ValidBytes(data) {
			p.ahead = true
			extract(ctx, data, u)
		}
	}
}

// take reads the events that end in chunk.
func (p *events) take(ctx wrapper.HttpContext, chunk []byte, u *TokenUsage) {
	p.Feed(chunk, false)
	for p.Next() {
		if p.ahead && p.Event().Blank() {
			continue
		}
		if !p.ahead {
			extract(ctx, p.Event().Data, u)
		}
		p.ahead = false
	}
}

// restIsJSON says whether the event that has not ended is all there.
func (p *events) restIsJSON() bool {
	rest := p.Rest()
	if len(rest) == 0 || rest[len(rest)-1] != '}' {
		return false
	}
	last := sse.Reader{Max: maxEvent}
	last.Feed(rest, true)
	return last.Next() && gjson.ValidBytes(last.Event().Data)
}

func beginsField(chunk []byte) bool {
	return bytes.HasPrefix(chunk, []byte("data:")) || bytes.HasPrefix(chunk, []byte("event:")) || bytes.HasPrefix(chunk, []byte("id:"))
}

// isEvents says whether a body is a stream of events, or a piece of one.
func isEvents(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")), "\r\n \t")
	if len(body) == 0 || body[0] == '{' || body[0] == '[' {
		return false
	}
	for _, field := range [...]string{":", "data:", "event:", "id:", "retry:"} {
		if n := min(len(field), len(body)); string(body[:n]) == field[:n] {
			return true
		}
	}
	return bytes.Contains(body, []byte("\ndata:")) || bytes.Contains(body, []byte("\rdata:"))
}

func hasUsage(body []byte) bool {
	return bytes.Contains(body, []byte(`"usage"`)) || bytes.Contains(body, []byte(`"usageMetadata"`))
}

// extract reads a body, or an event's data, if it says anything of usage.
func extract(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	if !hasUsage(body) {
		return
	}
	ExtractModel(ctx, body, u)
	ExtractInputTokens(ctx, body, u)
	ExtractOutputTokens(ctx, body, u)
	ExtractInputTokenDetails(ctx, body, u)
	ExtractOutputTokenDetails(ctx, body, u)
	ExtractTotalTokens(ctx, body, u)
}

// find returns what the first path that leads somewhere leads to. What stands before the body's first object, such as
// "data: ", is passed over.
func find(body []byte, paths ...string) gjson.Result {
	if start := bytes.IndexByte(body, '{'); start >= 0 {
		for _, p := range paths {
			if v := gjson.GetBytes(body[start:], p); v.Exists() && v.Type != gjson.Null {
				return v
			}
		}
	}
	return gjson.Result{}
}

// count returns a number of tokens, within what can be added up.
func count(v gjson.Result) int64 { return min(max(v.Int(), 0), 1<<60) }

// ExtractModel reads the model. If body does not say, it is the one that an earlier event named, else the one that the
// request asked for ([CtxKeyRequestModel]), else [ModelUnknown].
func ExtractModel(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	u.Model = find(body, ModelPathOpenAIChatCompletions, ModelPathOpenAIBatches, ModelPathOpenAIResponses,
		ModelPathAnthropicMessages, ModelPathGeminiGenerateContent).String()
	if u.Model == ModelEmpty {
		if model, _ := ctx.GetUserAttribute(CtxKeyModel).(string); model != ModelUnknown {
			u.Model = model
		}
	}
	if u.Model == ModelEmpty {
		u.Model = ctx.GetStringContext(CtxKeyRequestModel, ModelEmpty)
	}
	if u.Model == ModelEmpty {
		u.Model = ModelUnknown
	}
	ctx.SetUserAttribute(CtxKeyModel, u.Model)
}

// ExtractInputTokens reads the tokens of the input. If body does not say, they are those that an earlier event said.
func ExtractInputTokens(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	v := find(body, UsageInputTokensPathOpenAIChatCompletions, UsageInputTokensPathOpenAIImages,
		UsageInputTokensPathOpenAIResponses, UsageInputTokensPathGemini, UsageInputTokensPathAnthropicMessages)
	keepTokens(ctx, CtxKeyInputToken, v, &u.InputToken)
}

// ExtractOutputTokens reads the tokens of the output. If body does not say, they are those that an earlier event said.
func ExtractOutputTokens(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	v := find(body, UsageOutputTokensPathOpenAIChatCompletions, UsageOutputTokensPathOpenAIImages,
		UsageOutputTokensPathOpenAIResponses, UsageOutputTokensPathGemini, UsageOutputTokensPathAnthropicMessages)
	keepTokens(ctx, CtxKeyOutputToken, v, &u.OutputToken)
}

func keepTokens(ctx wrapper.HttpContext, key string, v gjson.Result, tokens *int64) {
	if v.Exists() {
		*tokens = count(v)
	} else if earlier, _ := ctx.GetUserAttribute(key).(int64); earlier > 0 {
		*tokens = earlier
	}
	ctx.SetUserAttribute(key, *tokens)
}

// ExtractInputTokenDetails reads what is said about the tokens of the input, and adds it to u's.
func ExtractInputTokenDetails(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	d := details{body, &u.InputTokenDetails}
	d.object(UsageInputTokensDetailsPathOpenAIChatCompletions, UsageInputTokensDetailsPathOpenAIResponses,
		UsageInputTokensDetailsPathDoubao, UsageInputTokensDetailsPathGemini)
	d.number(UsageMetadataCachedContentTokenCountPathGemini, InputTokenDetailsKeyGeminiCachedContentTokenCount, nil)
	d.number(UsageMetadataToolUsePromptTokenCountPathGemini, InputTokenDetailsKeyGeminiToolUsePromptTokenCount, nil)
	d.number(UsageCacheCreationInputTokensPathAnthropicMessages,
		InputTokenDetailsKeyAnthropicMessagesUsageCacheCreationInputTokens, &u.AnthropicCacheCreationInputToken)
	d.number(UsageCacheReadInputTokensPathAnthropicMessages,
		InputTokenDetailsKeyAnthropicMessagesUsageCacheReadInputTokens, &u.AnthropicCacheReadInputToken)
	ctx.SetUserAttribute(CtxKeyInputTokenDetails, u.InputTokenDetails)
}

// ExtractOutputTokenDetails reads what is said about the tokens of the output, and adds it to u's.
func ExtractOutputTokenDetails(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	d := details{body, &u.OutputTokenDetails}
	d.object(UsageOutputTokensDetailsPathOpenAIChatCompletions, UsageOutputTokensDetailsPathOpenAIResponses,
		UsageOutputTokensDetailsPathDoubao, UsageOutputTokensDetailsPathGemini)
	d.number(UsageMetadataThoughtsTokenCountPathGemini, OutputTokenDetailsKeyGeminiThoughtsTokenCount, nil)
	d.number(UsageGeneratedImagesPathDoubao, OutputTokenDetailsKeyDoubaoGeneratedImages, nil)
	ctx.SetUserAttribute(CtxKeyOutputTokenDetails, u.OutputTokenDetails)
}

// details are read from a body to a map.
type details struct {
	body []byte
	to   *map[string]int64
}

func (d details) set(key string, n int64) {
	if *d.to == nil {
		*d.to = map[string]int64{}
	}
	(*d.to)[key] = n
}

// object reads all members of the object at the first path that leads somewhere. Gemini has an array there, by modality,
// which is left out.
func (d details) object(paths ...string) {
	if v := find(d.body, paths...); v.IsObject() {
		v.ForEach(func(key, value gjson.Result) bool {
			d.set(key.String(), count(value))
			return true
		})
	}
}

// number reads a number, to the map and to also.
func (d details) number(path, key string, also *int64) {
	v := find(d.body, path)
	if !v.Exists() {
		return
	}
	d.set(key, count(v))
	if also != nil {
		*also = count(v)
	}
}

// ExtractTotalTokens reads the tokens of both. If body does not say, they are the sum of what u has: input, output, and
// what Anthropic's cache took and gave. Call it after the others.
func ExtractTotalTokens(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	v := find(body, UsageTotalTokensPathOpenAIChatCompletions, UsageTotalTokensPathOpenAIResponses, UsageTotalTokensPathGemini)
	if v.Exists() {
		u.TotalToken = count(v)
	} else {
		u.TotalToken = u.InputToken + u.OutputToken + u.AnthropicCacheCreationInputToken + u.AnthropicCacheReadInputToken
	}
	ctx.SetUserAttribute(CtxKeyTotalToken, u.TotalToken)
}

// ExtractChatId keeps the chat's id as a user attribute, if body has one.
func ExtractChatId(ctx wrapper.HttpContext, body []byte) {
	v := find(body, ChatIdPathOpenAIChatCompletions, ChatIdPathOpenAIResponses, ChatIdPathGemini, ChatIdPathAnthropicMessages)
	if v.Exists() {
		ctx.SetUserAttribute(CtxKeyChatId, v.String())
	}
}
