// Package proxywasm has the published import path and signatures of the gateway as a plugin sees it. Every function is
// the one of the same name in github.com/sluice-gateway/sluice/sdk/proxywasm, whose documentation holds here too; what is
// different is said.
//
// Where the published functions panic on what a plugin hands them (an empty Redis query or queue element, a property
// that is no map), these return types.ErrorStatusBadArgument or say what is wrong.
package proxywasm
