// Package plugintest tests gateway plugins with go test, on the real host.
//
// [Start] puts the plugin under test into a gateway on a loopback port, with a client before it and an upstream behind it
// that are both in the test's hands. What a test asserts is what a client and an upstream would see:
//
//	func TestGreets(t *testing.T) {
//		plugintest.EachMode(t, func(t *testing.T, mode plugintest.Mode) {
//			p := plugintest.Start(t, mode, plugintest.Config(`{"greeting": "hi"}`))
//			got := p.Do(plugintest.Get("/path").Header("x-who", "me"))
//			if got.Status != 200 || got.Upstream.Header.Get("x-hello") != "hi" {
//				t.Errorf("status %d, the upstream saw %v", got.Status, got.Upstream.Header)
//			}
//		})
//	}
//
// The test stands in the plugin's own package (package main, beside the init function that calls wrapper.SetCtx), and
// needs nothing but go test.
//
// # Modes
//
// [Native] runs the plugin as compiled into the test: breakpoints, coverage, -race and fuzzing work on it. [Wasm] builds
// the package under test as a module, as `sluice run` does, and runs that. The build and its translation to machine
// code are cached between runs. A plugin that does not build fails the test.
//
// A plugin's package variables exist once in a process, so natively one plugin runs at a time: a [Start] in another test
// waits for the first to end, a second one in the same test fails it. Several VMs and deadlines are there
// in [Wasm] only: natively, [Start] fails where a test asks for them. A panic natively is recovered by the SDK, and a
// callback that never returns cannot be interrupted: [Plugin.Close] gives it up and fails the test.
//
// # Whole requests, and step by step
//
// [Plugin.Do] sends a request and returns when its answer is there, whole, and the gateway has let go of it. The upstream
// is the handler given by [Upstream], an echo by default.
//
// [Plugin.Stream] begins a request and leaves every further step on either side to the test: send a chunk, see it arrive
// at the upstream, answer with headers only, and so on. Each step that waits does so for at most [Timeout], and fails the
// test then, saying what it waited for.
//
//	s := p.Stream(plugintest.Post("/upload"))
//	s.Send("some ")
//	up := s.Upstream()
//	up.Expect("some ")
//	s.Send("more")
//	s.CloseSend()
//	up.Expect("more")
//	up.ExpectEnd()
//	up.Respond(201, nil)
//	up.Close()
//	got := s.Response()
//
// # What the plugin does beside
//
// [Response] has what it did with the request: [Response.Callbacks] and their answers, its [LocalReply], properties,
// [Response.UserAttributes] and [Response.SpanTags]. Of [Plugin] are [Plugin.Metric], [Plugin.SharedData], [Plugin.Queue].
// Clusters that it calls are added by [Backend], [BackendAt], [Redis] and [RedisScript]; where these are given no function,
// the test answers by hand: [Plugin.Callout], [Plugin.RedisCall]. [FakeClock] and [Plugin.Advance] make time pass,
// [Workers], [Plugin.UseWorker] and [Plugin.Trap] are for several VMs.
//
// # Calls at the wrong moment
//
// A resume that nobody waits for, a second local reply, a resume of a request that was answered and a reply after the
// stream's end fail the test, with what Envoy does about them: hosts let them pass in silence. [AllowMisuse] turns that off.
//
// # Fuzzing and subtests
//
// A plugin that is started once may serve many tests: [Plugin.For] has failures reported to the one it is given. In a fuzz
// target it is needed, because the [testing.F] that started the plugin must not be used there.
//
// # What the plugin logs
//
// [Plugin.Logs] has what the plugin logged, at every level. When a test fails, all of it is printed, with what the host
// has to say about the plugin: a panic comes with its stack.
//
// # Requests and their upstream twins
//
// A client's request and what the upstream gets of it are brought together by the header x-request-id. The kit sets one
// where the test does not. A plugin may remove it, as long as one request at a time is under way.
package plugintest
