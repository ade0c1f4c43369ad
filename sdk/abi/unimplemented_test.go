package abi_test

import (
	"reflect"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// TestUnimplementedHost calls every method of the contract.
func TestUnimplementedHost(t *testing.T) {
	host := reflect.ValueOf(abi.UnimplementedHost{})
	contract := reflect.TypeFor[abi.Host]()
	for i := range contract.NumMethod() {
		name := contract.Method(i).Name
		method := host.MethodByName(name)
		var args []reflect.Value
		appends := false
		for j := range method.Type().NumIn() {
			arg := reflect.Zero(method.Type().In(j))
			if j == 0 && arg.Type() == reflect.TypeFor[[]byte]() && method.Type().NumOut() > 1 {
				if method.Type().Out(0) == arg.Type() {
					appends, arg = true, reflect.ValueOf([]byte("dst"))
				}
			}
			args = append(args, arg)
		}
		results := method.Call(args)
		if st := results[len(results)-1].Interface(); st != abi.StatusUnimplemented {
			t.Errorf("%s answers %v", name, st)
		}
		if appends && string(results[0].Bytes()) != "dst" {
			t.Errorf("%s changed dst to %q", name, results[0].Bytes())
		}
	}
}
