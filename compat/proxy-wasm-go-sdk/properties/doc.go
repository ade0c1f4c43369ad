// Package properties has a function with the published name for each property that a gateway knows, with its value
// decoded.
//
// A property without a value is types.ErrorStatusNotFound. A value that is not what the property should be is an error
// that says so; the published functions read past its end. What a gateway that is not part of an Istio mesh does not
// know, most of node.metadata, has no value.
package properties
