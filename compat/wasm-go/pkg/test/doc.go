// Package test has the published way to write a plugin's tests: a test's function is run twice, with the plugin as it is
// compiled into the test binary and with the plugin's module, against the emulator of package proxytest.
//
//	func TestBlocked(t *testing.T) {
//		test.RunTest(t, func(t *testing.T) {
//			host, status := test.NewTestHost(json.RawMessage(`{"block": ["/admin"]}`))
//			defer host.Reset()
//			require.Equal(t, types.OnPluginStartStatusOK, status)
//			host.CallOnHttpRequestHeaders([][2]string{{":authority", "a.test"}, {":path", "/admin"}})
//			require.EqualValues(t, 403, host.GetLocalResponse().StatusCode)
//		})
//	}
//
// The module is the file that the environment variable WASM_FILE_PATH names, or else is built of the main package in the
// test's folder, once in a test binary. A module that cannot be built or read fails the wasm subtest with what the
// compiler says. That is a difference: the published package skips the subtest, and a plugin that is never tested as a
// module passes.
//
// Importing the package sets the environment variable WASM_DISABLE_PANIC_RECOVERY, with which package wrapper does not
// recover a plugin's panics: natively they end the test. A module does not have that variable, and answers a panic as it
// does in production.
package test
