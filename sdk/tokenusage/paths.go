package tokenusage

// Keys of user attributes, and of the stream's context where that is said.
const (
	CtxKeyInputToken         = "input_token"          // int64
	CtxKeyInputTokenDetails  = "input_token_details"  // map[string]int64
	CtxKeyOutputToken        = "output_token"         // int64
	CtxKeyOutputTokenDetails = "output_token_details" // map[string]int64
	CtxKeyTotalToken         = "total_token"          // int64
	CtxKeyModel              = "model"                // string
	CtxKeyChatId             = "chat_id"              // string
	// CtxKeyRequestModel is the key of the stream's context (SetContext) under which a plugin keeps the model that the
	// request asks for: some responses, of images for one, name none.
	CtxKeyRequestModel = "request_model"
)

// Models that are none.
const (
	ModelEmpty   = ""
	ModelUnknown = "unknown"
)

// Where responses have the chat's id, as gjson paths.
const (
	ChatIdPathOpenAIChatCompletions = "id"
	ChatIdPathOpenAIResponses       = "response.id"
	ChatIdPathGemini                = "responseId"
	ChatIdPathAnthropicMessages     = "message.id"
)

// Where responses have the model.
const (
	ModelPathOpenAIChatCompletions = "model"
	ModelPathOpenAIBatches         = "body.model"
	ModelPathOpenAIResponses       = "response.model"
	ModelPathAnthropicMessages     = "message.model"
	ModelPathGeminiGenerateContent = "modelVersion"
)

// Where responses have the tokens of the input, and what is said about them.
const (
	UsageInputTokensPathOpenAIChatCompletions          = "usage.prompt_tokens"
	UsageInputTokensPathOpenAIImages                   = "usage.input_tokens"
	UsageInputTokensPathOpenAIResponses                = "response.usage.input_tokens"
	UsageInputTokensPathGemini                         = "usageMetadata.promptTokenCount"
	UsageInputTokensPathAnthropicMessages              = "message.usage.input_tokens"
	UsageCacheCreationInputTokensPathAnthropicMessages = "usage.cache_creation_input_tokens"
	UsageCacheReadInputTokensPathAnthropicMessages     = "usage.cache_read_input_tokens"
	UsageInputTokensDetailsPathOpenAIChatCompletions   = "usage.prompt_tokens_details"
	UsageInputTokensDetailsPathOpenAIResponses         = "response.usage.input_tokens_details"
	UsageInputTokensDetailsPathDoubao                  = "usage.input_tokens_details"
	UsageInputTokensDetailsPathGemini                  = "usageMetadata.promptTokensDetails"
)

// Where responses have the tokens of the output, and what is said about them.
const (
	UsageOutputTokensPathOpenAIChatCompletions        = "usage.completion_tokens"
	UsageOutputTokensPathOpenAIImages                 = "usage.output_tokens"
	UsageOutputTokensPathOpenAIResponses              = "response.usage.output_tokens"
	UsageOutputTokensPathGemini                       = "usageMetadata.candidatesTokenCount"
	UsageOutputTokensPathAnthropicMessages            = "message.usage.output_tokens"
	UsageMetadataThoughtsTokenCountPathGemini         = "usageMetadata.thoughtsTokenCount"
	UsageMetadataCachedContentTokenCountPathGemini    = "usageMetadata.cachedContentTokenCount"
	UsageMetadataToolUsePromptTokenCountPathGemini    = "usageMetadata.toolUsePromptTokenCount"
	UsageGeneratedImagesPathDoubao                    = "usage.generated_images"
	UsageOutputTokensDetailsPathOpenAIChatCompletions = "usage.completion_tokens_details"
	UsageOutputTokensDetailsPathOpenAIResponses       = "response.usage.output_tokens_details"
	UsageOutputTokensDetailsPathDoubao                = "usage.output_tokens_details"
	UsageOutputTokensDetailsPathGemini                = "usageMetadata.candidatesTokensDetails"
)

// Where responses have the tokens of both.
const (
	UsageTotalTokensPathOpenAIChatCompletions = "usage.total_tokens"
	UsageTotalTokensPathOpenAIResponses       = "response.usage.total_tokens"
	UsageTotalTokensPathGemini                = "usageMetadata.totalTokenCount"
)

// Keys of details that are not under a path for details.
const (
	InputTokenDetailsKeyAnthropicMessagesUsageCacheCreationInputTokens = "cache_creation_input_tokens"
	InputTokenDetailsKeyAnthropicMessagesUsageCacheReadInputTokens     = "cache_read_input_tokens"
	InputTokenDetailsKeyGeminiCachedContentTokenCount                  = "cached_content_token_count"
	InputTokenDetailsKeyGeminiToolUsePromptTokenCount                  = "tool_use_prompt_token_count"
	OutputTokenDetailsKeyDoubaoGeneratedImages                         = "generated_images"
	OutputTokenDetailsKeyGeminiThoughtsTokenCount                      = "thoughts_token_count"
)
