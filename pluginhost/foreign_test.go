package pluginhost

import (
	"bytes"
	"compress/zlib"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

// foreign calls a foreign function, with something in dst already.
func foreign(t testing.TB, c abi.Host, name, argument string) (string, abi.Status) {
	t.Helper()
	got, status := c.CallForeignFunction([]byte("+"), []byte(name), []byte(argument))
	if got[0] != '+' || status != abi.StatusOK && len(got) != 1 {
		t.Errorf("%s answers %q %v", name, got, status)
	}
	return string(got[1:]), status
}

func zlibOf(t testing.TB, b []byte) string {
	t.Helper()
	var z bytes.Buffer
	w, _ := zlib.NewWriterLevel(&z, zlib.BestCompression)
	w.Write(b)
	w.Close()
	return z.String()
}

func TestCompress(t *testing.T) {
	bomb := zlibOf(t, make([]byte, maxUncompressed+1))
	largest := zlibOf(t, make([]byte, maxUncompressed))
	inHeaders(t, func(c call) {
		for _, text := range []string{"", "x", strings.Repeat("some text ", 10_000)} {
			z, status := foreign(t, c, "compress", text)
			if status != abi.StatusOK || len(z) > 1000 {
				t.Errorf("compress: %d bytes %v", len(z), status)
			}
			back, status := foreign(t, c, "uncompress", z+"left over")
			if back != text || status != abi.StatusOK {
				t.Errorf("uncompress: %d bytes %v, want %d", len(back), status, len(text))
			}
		}
		whole := zlibOf(t, []byte("some text"))
		for _, tc := range []struct {
			name, argument string
			status         abi.Status
		}{
			{"nothing", "", abi.StatusSerializationFailure},
			{"not zlib", "some text", abi.StatusSerializationFailure},
			{"cut", whole[:len(whole)-1], abi.StatusSerializationFailure},
			{"a wrong sum", whole[:len(whole)-1] + "x", abi.StatusSerializationFailure},
			{"a bomb", bomb, abi.StatusInternalFailure},
		} {
			if got, status := foreign(t, c, "uncompress", tc.argument); got != "" || status != tc.status {
				t.Errorf("%s: %d bytes %v, want %v", tc.name, len(got), status, tc.status)
			}
		}
		done := abi.StatusOK
		for n := 0; n < 10 && done == abi.StatusOK; n++ {
			_, done = foreign(t, c, "uncompress", largest)
		}
		wantEqual(t, "again and again", done, abi.StatusInternalFailure)
	})
}

func TestUnknownForeignFunctions(t *testing.T) {
	inHeaders(t, func(c call) {
		for _, name := range []string{"expr_create", "expr_evaluate", "expr_delete", "", "compress\x00", "COMPRESS"} {
			if _, status := foreign(t, c, name, "1 + 1"); status != abi.StatusNotFound {
				t.Errorf("%q: %v", name, status)
			}
		}
	})
}

func TestDeclareProperty(t *testing.T) {
	declare := func(name string, readonly bool) string {
		b := appendProtoBytes(nil, 1, []byte(name))
		b = appendProtoBool(b, 2, readonly)
		return string(appendProtoBytes(b, 4, []byte("schema")))
	}
	s := start(t, map[string]handler{
		"configure": func(c call) (uint32, error) {
			for i, want := range []abi.Status{abi.StatusOK, abi.StatusOK, abi.StatusBadArgument, abi.StatusBadArgument, abi.StatusBadArgument} {
				argument := []string{declare("free", false), declare("fixed", true), declare("fixed", false), "\x0a\xff", declare(strings.Repeat("n", maxName+1), true)}[i]
				if _, status := foreign(t, c, "declare_property", argument); status != want {
					t.Errorf("%q: %v, want %v", argument, status, want)
				}
			}
			return 1, nil
		},
		"request_headers": func(c call) (uint32, error) {
			wantEqual(t, "set", c.SetProperty(abi.Path("fixed"), []byte("1")), abi.StatusOK)
			c.Host.(*vm).stream.cb.(*stream).properties["filter_state\x00wasm.fixed"] = "1" // as the gateway would have it
			wantEqual(t, "set again", c.SetProperty(abi.Path("fixed"), []byte("2")), abi.StatusBadArgument)
			wantEqual(t, "set another", c.SetProperty(abi.Path("free"), []byte("1")), abi.StatusOK)
			wantEqual(t, "set another again", c.SetProperty(abi.Path("free"), []byte("2")), abi.StatusOK)
			return 0, nil
		},
	})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	wantEqual(t, "fixed", cb.state["wasm.fixed"], "1")
	wantEqual(t, "free", cb.state["wasm.free"], "2")
}

func TestSetNamedFilterState(t *testing.T) {
	argument := func(name, value string) string {
		return string(appendProtoBytes(appendProtoBytes(nil, 1, []byte(name)), 2, []byte(value)))
	}
	s := start(t, map[string]handler{
		"configure": func(c call) (uint32, error) {
			_, status := foreign(t, c, "set_envoy_filter_state", argument("envoy.string", "x"))
			wantEqual(t, "without a stream", status, abi.StatusNotFound)
			return 1, nil
		},
		"request_headers": func(c call) (uint32, error) {
			for _, tc := range []struct {
				argument string
				status   abi.Status
			}{
				{argument("envoy.string", "text"), abi.StatusOK},
				{argument("envoy.no.such.object", "text"), abi.StatusNotFound},
				{"", abi.StatusNotFound},
				{"\x0a", abi.StatusBadArgument},
			} {
				if _, status := foreign(t, c, "set_envoy_filter_state", tc.argument); status != tc.status {
					t.Errorf("%q: %v, want %v", tc.argument, status, tc.status)
				}
			}
			return 0, nil
		},
	})
	cb := newStream()
	f := s.filter(cb)
	f.DecodeHeaders(cb.request, true)
	f.OnDestroy()
	wantEqual(t, "states", len(cb.state), 1)
	wantEqual(t, "state", cb.state["envoy.string"], "text")
}

// must returns what a function of package x509 answers.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestSignatures(t *testing.T) {
	rsaKey, ecKey := must(rsa.GenerateKey(rand.Reader, 2048)), must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, edKey, _ := ed25519.GenerateKey(rand.Reader)
	signArg := func(hash string, der []byte, pemText string) string {
		b := appendProtoBytes(nil, 1, []byte(hash))
		b = appendProtoBytes(b, 2, der)
		b = appendProtoBytes(b, 3, []byte("text"))
		return string(appendProtoBytes(b, 4, []byte(pemText)))
	}
	verifyArg := func(hash string, der []byte, pemText, signature, text string) string {
		b := appendProtoBytes(nil, 1, []byte(hash))
		b = appendProtoBytes(b, 2, der)
		b = appendProtoBytes(b, 3, []byte(signature))
		b = appendProtoBytes(b, 4, []byte(text))
		return string(appendProtoBytes(b, 5, []byte(pemText)))
	}
	inPEM := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	public := func(k crypto.Signer) []byte { return must(x509.MarshalPKIXPublicKey(k.Public())) }
	inHeaders(t, func(c call) {
		for _, key := range []struct {
			name    string
			private []byte
			signer  crypto.Signer
		}{
			{"RSA, PKCS 8", must(x509.MarshalPKCS8PrivateKey(rsaKey)), rsaKey},
			{"RSA, PKCS 1", x509.MarshalPKCS1PrivateKey(rsaKey), rsaKey},
			{"EC, SEC 1", must(x509.MarshalECPrivateKey(ecKey)), ecKey},
		} {
			for _, hash := range []string{"sha1", "SHA224", "sha256", "sha384", "sha512"} {
				for _, asPEM := range []bool{false, true} {
					private, public, privatePEM, publicPEM := key.private, public(key.signer), "", ""
					if asPEM {
						privatePEM, publicPEM = inPEM("PRIVATE KEY", private), inPEM("PUBLIC KEY", public)
						private, public = nil, nil
					}
					result, status := foreign(t, c, "sign", signArg(hash, private, privatePEM))
					var signature []byte
					protoFields([]byte(result), func(f protoField) {
						if f.number == 2 {
							signature = f.bytes
						}
					})
					if status != abi.StatusOK || !strings.HasPrefix(result, "\x08\x01\x12") {
						t.Fatalf("%s %s: %q %v", key.name, hash, result, status)
					}
					result, status = foreign(t, c, "verify_signature", verifyArg(hash, public, publicPEM, string(signature), "text"))
					if result != "\x08\x01" || status != abi.StatusOK {
						t.Errorf("%s %s: %q %v", key.name, hash, result, status)
					}
					result, status = foreign(t, c, "verify_signature", verifyArg(hash, public, publicPEM, string(signature), "Text"))
					if !strings.HasPrefix(result, "\x12") || status != abi.StatusOK {
						t.Errorf("%s %s, another text: %q %v", key.name, hash, result, status)
					}
				}
			}
		}
		result, status := foreign(t, c, "sign", signArg("md5", x509.MarshalPKCS1PrivateKey(rsaKey), ""))
		if result != "\x1a\x15md5 is not supported." || status != abi.StatusOK {
			t.Errorf("%q %v", result, status)
		}
		der := must(x509.MarshalECPrivateKey(ecKey))
		for _, bad := range []string{"", "\x0a", signArg("sha256", nil, ""), signArg("sha256", der, inPEM("K", der)), signArg("sha256", []byte("x"), ""),
			signArg("sha256", nil, "not PEM"), signArg("sha256", must(x509.MarshalPKCS8PrivateKey(edKey)), ""), signArg("sha256", make([]byte, maxKey+1), "")} {
			if _, status := foreign(t, c, "sign", bad); status != abi.StatusBadArgument {
				t.Errorf("sign %q: %v", bad, status)
			}
			if _, status := foreign(t, c, "verify_signature", bad); status != abi.StatusBadArgument {
				t.Errorf("verify %q: %v", bad, status)
			}
		}
		result, _ = foreign(t, c, "verify_signature", verifyArg("sha256", public(edKey), "", "s", "t"))
		wantEqual(t, "Ed25519", result, "\x12\x0funsupported key")
	})
}

// FuzzForeign gives every foreign function any argument.
func FuzzForeign(f *testing.F) {
	names := []string{"compress", "uncompress", "declare_property", "set_envoy_filter_state", "sign", "verify_signature",
		"inject_encoded_data_to_filter_chain", "inject_encoded_data_to_filter_chain_on_header", "set_global_max_requests_per_io_cycle"}
	f.Add(byte(1), []byte(zlibOf(f, []byte("text"))))
	f.Add(byte(2), []byte("\x0a\x01n\x10\x01"))
	f.Add(byte(4), appendProtoBytes(appendProtoBytes(nil, 1, []byte("sha256")), 4, []byte("-----BEGIN K-----\n-----END K-----\n")))
	s := start(f, map[string]handler{})
	v := s.plugin.roots[0].Load().vm
	f.Fuzz(func(t *testing.T, n byte, argument []byte) {
		cb := newStream()
		fl := s.filter(cb)
		s.fake.on["request_headers"] = func(c call) (uint32, error) {
			foreign(t, c, names[int(n)%len(names)], string(argument))
			return 0, nil
		}
		fl.DecodeHeaders(cb.request, true)
		fl.OnDestroy()
		if v.isDead() {
			t.Fatal("the VM died")
		}
	})
}
