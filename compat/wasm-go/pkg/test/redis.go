package test

import (
	"errors"
	"fmt"

	"github.com/tidwall/resp"
)

// CreateRedisResp encodes a value as a Redis reply: nil as null, an int or bool as an integer, an error as an error, a
// list as an array, anything else as a string of its text.
func CreateRedisResp(value interface{}) []byte {
	var v resp.Value
	switch value := value.(type) {
	case nil:
		v = resp.NullValue()
	case int:
		v = resp.IntegerValue(value)
	case bool:
		v = resp.IntegerValue(0)
		if value {
			v = resp.IntegerValue(1)
		}
	case error:
		v = resp.ErrorValue(value)
	case []interface{}:
		list := make([]resp.Value, len(value))
		for i, item := range value {
			list[i] = element(item)
		}
		v = resp.ArrayValue(list)
	default:
		v = resp.StringValue(fmt.Sprint(value))
	}
	b, err := v.MarshalRESP()
	if err != nil {
		panic(fmt.Sprintf("test: %v as a Redis reply: %v", value, err)) // a value of a kind that resp does not make
	}
	return b
}

// element is a value in an array: there a bool and a float are what the resp library makes of them.
func element(value interface{}) resp.Value {
	switch value := value.(type) {
	case nil:
		return resp.NullValue()
	case int:
		return resp.IntegerValue(value)
	case bool:
		return resp.BoolValue(value)
	case float64:
		return resp.FloatValue(value)
	}
	return resp.StringValue(fmt.Sprint(value))
}

// CreateRedisRespNull is the reply null.
func CreateRedisRespNull() []byte { return CreateRedisResp(nil) }

// CreateRedisRespError is an error reply.
func CreateRedisRespError(message string) []byte { return CreateRedisResp(errors.New(message)) }

// CreateRedisRespArray is an array reply.
func CreateRedisRespArray(values []interface{}) []byte { return CreateRedisResp(values) }

// CreateRedisRespString is a string reply.
func CreateRedisRespString(value string) []byte { return CreateRedisResp(value) }

// CreateRedisRespInt is an integer reply.
func CreateRedisRespInt(value int) []byte { return CreateRedisResp(value) }

// CreateRedisRespBool is the integer reply 1 or 0.
func CreateRedisRespBool(value bool) []byte { return CreateRedisResp(value) }

// CreateRedisRespFloat is a string reply.
func CreateRedisRespFloat(value float64) []byte { return CreateRedisResp(value) }
