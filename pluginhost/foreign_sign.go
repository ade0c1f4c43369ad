package pluginhost

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // the hashes that plugins may name
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-gateway/sluice/sdk/abi"
)

const (
	functionSign            = "sign"
	functionVerifySignature = "verify_signature"
)

// maxKey bounds keys, in bytes; maxRSABits their strength, since the work grows with its cube and the VM waits.
const (
	maxKey     = 16 << 10
	maxRSABits = 8192
)

// hashes are those that Envoy knows, by their names in lower case.
var hashes = map[string]crypto.Hash{
	"sha1": crypto.SHA1, "sha224": crypto.SHA224, "sha256": crypto.SHA256, "sha384": crypto.SHA384, "sha512": crypto.SHA512,
}

// signature is the argument of sign or verify_signature.
type signature struct {
	hash                 string
	der, pem, text, sign []byte
}

// key returns the key in DER: one of the two forms must be given.
func (s *signature) key() ([]byte, bool) {
	switch {
	case len(s.der) > maxKey || len(s.pem) > maxKey || (len(s.der) > 0) == (len(s.pem) > 0):
		return nil, false
	case len(s.der) > 0:
		return s.der, true
	}
	block, _ := pem.Decode(s.pem)
	if block == nil {
		return nil, false
	}
	return block.Bytes, true
}

// digest returns the text's digest.
func (s *signature) digest() (crypto.Hash, []byte, error) {
	h, ok := hashes[strings.ToLower(s.hash)]
	if !ok {
		return 0, nil, fmt.Errorf("%s is not supported.", logText([]byte(s.hash))) //nolint:revive,staticcheck // Envoy's words
	}
	w := h.New()
	w.Write(s.text)
	return h, w.Sum(nil), nil
}

var errKey = errors.New("unsupported key")

// verifySignature is Envoy's function: {1: hash, 2: DER key, 3: signature, 4: text, 5: PEM key} → {1: bool, 2: error}.
// Keys are RSA (PKCS #1 v1.5 signatures) or ECDSA.
func (v *vm) verifySignature(dst, argument []byte) ([]byte, abi.Status) {
	var s signature
	ok := protoFields(argument, func(f protoField) {
		if field := [...]*[]byte{nil, nil, &s.der, &s.sign, &s.text, &s.pem}; f.sized && f.number == 1 {
			s.hash = string(f.bytes)
		} else if f.sized && f.number < uint64(len(field)) {
			*field[f.number] = f.bytes
		}
	})
	der, given := s.key()
	if !ok || !given || !v.allow(len(argument)) {
		return dst, abi.StatusBadArgument
	}
	key, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		if key, err = x509.ParsePKCS1PublicKey(der); err != nil {
			return dst, abi.StatusBadArgument
		}
	}
	h, digest, err := s.digest()
	if err == nil {
		switch key := key.(type) {
		case *rsa.PublicKey:
			err = errKey
			if key.N.BitLen() <= maxRSABits {
				err = rsa.VerifyPKCS1v15(key, h, digest, s.sign)
			}
		case *ecdsa.PublicKey:
			if !ecdsa.VerifyASN1(key, digest, s.sign) {
				err = errors.New("verification failure")
			}
		default:
			err = errKey
		}
	}
	dst = appendProtoBool(dst, 1, err == nil)
	if err != nil {
		dst = appendProtoBytes(dst, 2, []byte(err.Error()))
	}
	return dst, abi.StatusOK
}

// sign is Envoy's function: {1: hash, 2: DER key, 3: text, 4: PEM key} → {1: bool, 2: signature, 3: error}.
func (v *vm) sign(dst, argument []byte) ([]byte, abi.Status) {
	var s signature
	ok := protoFields(argument, func(f protoField) {
		if field := [...]*[]byte{nil, nil, &s.der, &s.text, &s.pem}; f.sized && f.number == 1 {
			s.hash = string(f.bytes)
		} else if f.sized && f.number < uint64(len(field)) {
			*field[f.number] = f.bytes
		}
	})
	der, given := s.key()
	if !ok || !given || !v.allow(len(argument)) {
		return dst, abi.StatusBadArgument
	}
	key, err := parsePrivateKey(der)
	if err != nil {
		return dst, abi.StatusBadArgument
	}
	h, digest, err := s.digest()
	var out []byte
	if err == nil {
		out, err = key.Sign(rand.Reader, digest, h)
	}
	dst = appendProtoBool(dst, 1, err == nil)
	if err != nil {
		return appendProtoBytes(dst, 3, []byte(err.Error())), abi.StatusOK
	}
	return appendProtoBytes(dst, 2, out), abi.StatusOK
}

// parsePrivateKey takes PKCS #8, PKCS #1 and SEC 1.
func parsePrivateKey(der []byte) (crypto.Signer, error) {
	var key any
	var err error
	if key, err = x509.ParsePKCS8PrivateKey(der); err != nil {
		if key, err = x509.ParsePKCS1PrivateKey(der); err != nil {
			if key, err = x509.ParseECPrivateKey(der); err != nil {
				return nil, err
			}
		}
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		if key.N.BitLen() > maxRSABits {
			return nil, errKey
		}
		return key, nil
	case *ecdsa.PrivateKey:
		return key, nil
	}
	return nil, errKey
}
