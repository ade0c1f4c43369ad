package conformance

import (
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/pluginbuild"
)

var (
	verbose = flag.Bool("seen", false, "print what was seen of each case on Envoy")
	only    = flag.String("case", "", "play only the cases whose names match this regular expression")
)

// TestConformance plays every case on both gateways. It wants a real Envoy.
func TestConformance(t *testing.T) {
	binary, err := FindEnvoy()
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("SLUICE_REQUIRE"), ","), "envoy") {
			t.Fatal(err)
		}
		t.Skipf("%v (SLUICE_REQUIRE=envoy makes this a failure)", err)
	}
	cases, err := ReadCases("testdata")
	if err != nil {
		t.Fatal(err)
	}
	pattern, err := regexp.Compile(*only)
	if err != nil {
		t.Fatal(err)
	}
	cases = slices.DeleteFunc(cases, func(c *Case) bool { return !pattern.MatchString(c.Name) })
	var said strings.Builder
	module, err := pluginbuild.Module("script", &said)
	if err != nil {
		t.Fatalf("%v\n%s", err, said.String())
	}
	results, err := Run(t.Context(), binary, module, t.TempDir(), cases)
	if err != nil {
		t.Fatal(err)
	}
	agreed, byChoice := 0, 0
	for _, r := range results {
		t.Run(r.Case.Name, func(t *testing.T) {
			if *verbose {
				t.Logf("%s\n%s", r.Case.Title, r.Envoy)
			}
			switch err := r.Err(); {
			case err != nil:
				t.Errorf("%v\nEnvoy saw:\n%s", err, r.Envoy)
			case r.Case.Differs != "":
				byChoice++
			default:
				agreed++
			}
		})
	}
	t.Logf("%d cases: %d agree, %d differ by choice", len(results), agreed, byChoice)
	if byChoice > 10 {
		t.Errorf("%d cases differ by choice; ten at most", byChoice)
	}
}
