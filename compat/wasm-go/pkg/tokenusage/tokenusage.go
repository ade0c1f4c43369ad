// Package tokenusage reads from the responses of language models how many tokens they cost, with package tokenusage of
// the Sluice SDK.
package tokenusage

import (
	"github.com/sluice-gateway/sluice/sdk/tokenusage"
	sdk "github.com/sluice-gateway/sluice/sdk/wrapper"

	"github.com/higress-group/wasm-go/pkg/wrapper"
)

// The keys of user attributes, and the places of what is read.
const (
	CtxKeyInputToken                                                   = tokenusage.CtxKeyInputToken
	CtxKeyInputTokenDetails                                            = tokenusage.CtxKeyInputTokenDetails
	CtxKeyOutputToken                                                  = tokenusage.CtxKeyOutputToken
	CtxKeyOutputTokenDetails                                           = tokenusage.CtxKeyOutputTokenDetails
	CtxKeyTotalToken                                                   = tokenusage.CtxKeyTotalToken
	CtxKeyModel                                                        = tokenusage.CtxKeyModel
	CtxKeyRequestModel                                                 = tokenusage.CtxKeyRequestModel
	CtxKeyChatId                                                       = tokenusage.CtxKeyChatId
	ModelEmpty                                                         = tokenusage.ModelEmpty
	ModelUnknown                                                       = tokenusage.ModelUnknown
	ChatIdPathOpenAIChatCompletions                                    = tokenusage.ChatIdPathOpenAIChatCompletions
	ChatIdPathOpenAIResponses                                          = tokenusage.ChatIdPathOpenAIResponses
	ChatIdPathGemini                                                   = tokenusage.ChatIdPathGemini
	ChatIdPathAnthropicMessages                                        = tokenusage.ChatIdPathAnthropicMessages
	ModelPathOpenAIChatCompletions                                     = tokenusage.ModelPathOpenAIChatCompletions
	ModelPathOpenAIBatches                                             = tokenusage.ModelPathOpenAIBatches
	ModelPathOpenAIResponses                                           = tokenusage.ModelPathOpenAIResponses
	ModelPathAnthropicMessages                                         = tokenusage.ModelPathAnthropicMessages
	ModelPathGeminiGenerateContent                                     = tokenusage.ModelPathGeminiGenerateContent
	UsageInputTokensPathOpenAIChatCompletions                          = tokenusage.UsageInputTokensPathOpenAIChatCompletions
	UsageInputTokensPathOpenAIImages                                   = tokenusage.UsageInputTokensPathOpenAIImages
	UsageInputTokensPathOpenAIResponses                                = tokenusage.UsageInputTokensPathOpenAIResponses
	UsageInputTokensPathGemini                                         = tokenusage.UsageInputTokensPathGemini
	UsageInputTokensPathAnthropicMessages                              = tokenusage.UsageInputTokensPathAnthropicMessages
	UsageCacheCreationInputTokensPathAnthropicMessages                 = tokenusage.UsageCacheCreationInputTokensPathAnthropicMessages
	UsageCacheReadInputTokensPathAnthropicMessages                     = tokenusage.UsageCacheReadInputTokensPathAnthropicMessages
	UsageInputTokensDetailsPathOpenAIChatCompletions                   = tokenusage.UsageInputTokensDetailsPathOpenAIChatCompletions
	UsageInputTokensDetailsPathOpenAIResponses                         = tokenusage.UsageInputTokensDetailsPathOpenAIResponses
	UsageInputTokensDetailsPathDoubao                                  = tokenusage.UsageInputTokensDetailsPathDoubao
	UsageInputTokensDetailsPathGemini                                  = tokenusage.UsageInputTokensDetailsPathGemini
	UsageOutputTokensPathOpenAIChatCompletions                         = tokenusage.UsageOutputTokensPathOpenAIChatCompletions
	UsageOutputTokensPathOpenAIImages                                  = tokenusage.UsageOutputTokensPathOpenAIImages
	UsageOutputTokensPathOpenAIResponses                               = tokenusage.UsageOutputTokensPathOpenAIResponses
	UsageOutputTokensPathGemini                                        = tokenusage.UsageOutputTokensPathGemini
	UsageOutputTokensPathAnthropicMessages                             = tokenusage.UsageOutputTokensPathAnthropicMessages
	UsageMetadataThoughtsTokenCountPathGemini                          = tokenusage.UsageMetadataThoughtsTokenCountPathGemini
	UsageMetadataCachedContentTokenCountPathGemini                     = tokenusage.UsageMetadataCachedContentTokenCountPathGemini
	UsageMetadataToolUsePromptTokenCountPathGemini                     = tokenusage.UsageMetadataToolUsePromptTokenCountPathGemini
	UsageGeneratedImagesPathDoubao                                     = tokenusage.UsageGeneratedImagesPathDoubao
	UsageOutputTokensDetailsPathOpenAIChatCompletions                  = tokenusage.UsageOutputTokensDetailsPathOpenAIChatCompletions
	UsageOutputTokensDetailsPathOpenAIResponses                        = tokenusage.UsageOutputTokensDetailsPathOpenAIResponses
	UsageOutputTokensDetailsPathDoubao                                 = tokenusage.UsageOutputTokensDetailsPathDoubao
	UsageOutputTokensDetailsPathGemini                                 = tokenusage.UsageOutputTokensDetailsPathGemini
	UsageTotalTokensPathOpenAIChatCompletions                          = tokenusage.UsageTotalTokensPathOpenAIChatCompletions
	UsageTotalTokensPathOpenAIResponses                                = tokenusage.UsageTotalTokensPathOpenAIResponses
	UsageTotalTokensPathGemini                                         = tokenusage.UsageTotalTokensPathGemini
	InputTokenDetailsKeyAnthropicMessagesUsageCacheCreationInputTokens = tokenusage.InputTokenDetailsKeyAnthropicMessagesUsageCacheCreationInputTokens
	InputTokenDetailsKeyAnthropicMessagesUsageCacheReadInputTokens     = tokenusage.InputTokenDetailsKeyAnthropicMessagesUsageCacheReadInputTokens
	InputTokenDetailsKeyGeminiCachedContentTokenCount                  = tokenusage.InputTokenDetailsKeyGeminiCachedContentTokenCount
	InputTokenDetailsKeyGeminiToolUsePromptTokenCount                  = tokenusage.InputTokenDetailsKeyGeminiToolUsePromptTokenCount
	OutputTokenDetailsKeyDoubaoGeneratedImages                         = tokenusage.OutputTokenDetailsKeyDoubaoGeneratedImages
	OutputTokenDetailsKeyGeminiThoughtsTokenCount                      = tokenusage.OutputTokenDetailsKeyGeminiThoughtsTokenCount
)

// TokenUsage is what a response cost.
type TokenUsage = tokenusage.TokenUsage

// GetTokenUsage reads a response's body, or the next chunk of one that is a stream of events.
func GetTokenUsage(ctx wrapper.HttpContext, body []byte) TokenUsage {
	return tokenusage.GetTokenUsage(context(ctx), body)
}

// ExtractModel reads the model of one event.
func ExtractModel(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	tokenusage.ExtractModel(context(ctx), body, u)
}

// ExtractInputTokens reads the input tokens of one event.
func ExtractInputTokens(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	tokenusage.ExtractInputTokens(context(ctx), body, u)
}

// ExtractOutputTokens reads the output tokens of one event.
func ExtractOutputTokens(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	tokenusage.ExtractOutputTokens(context(ctx), body, u)
}

// ExtractInputTokenDetails reads the details of the input tokens of one event.
func ExtractInputTokenDetails(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	tokenusage.ExtractInputTokenDetails(context(ctx), body, u)
}

// ExtractOutputTokenDetails reads the details of the output tokens of one event.
func ExtractOutputTokenDetails(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	tokenusage.ExtractOutputTokenDetails(context(ctx), body, u)
}

// ExtractTotalTokens reads the total of one event.
func ExtractTotalTokens(ctx wrapper.HttpContext, body []byte, u *TokenUsage) {
	tokenusage.ExtractTotalTokens(context(ctx), body, u)
}

// ExtractChatId reads the id of one event, into the user attribute.
func ExtractChatId(ctx wrapper.HttpContext, body []byte) {
	tokenusage.ExtractChatId(context(ctx), body)
}

// context returns ctx for the SDK, whose interface has a method more. ctx may be of a test's own.
func context(ctx wrapper.HttpContext) sdk.HttpContext {
	if handle, ok := ctx.(*sdk.StreamHandle); ok {
		return handle
	}
	return foreign{ctx}
}

type foreign struct{ wrapper.HttpContext }

// GetIntContext implements the SDK's HttpContext.
func (f foreign) GetIntContext(key string, defaultValue int) int {
	if v, ok := f.GetContext(key).(int); ok {
		return v
	}
	return defaultValue
}
