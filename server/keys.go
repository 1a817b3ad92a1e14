package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"openplr/plr"
	"openplr/signin"
)

// secretKeys reads a key list from the setting, or from a file under DATA_DIR
// that is made once and readable by its owner alone.
func secretKeys(setting, dataDir, name string) (plr.LinkKeys, error) {
	if setting == "" {
		text, err := madeOnce(dataDir, name, func() ([]byte, error) {
			key := make([]byte, 32)
			_, err := rand.Read(key)
			// The id differs each time, so that a lost file is noticed as a missing
			// key and a new one is never taken for the one that was.
			return []byte("local-" + rand.Text()[:8] + ":" + base64.StdEncoding.EncodeToString(key)), err
		})
		if err != nil {
			return nil, err
		}
		setting = string(text)
	}
	keys, err := plr.ParseLinkKeys(setting)
	if err != nil {
		return nil, fmt.Errorf("key list %s cannot be read", name)
	}
	return keys, nil
}

// clientKey reads the RSA key this service proves itself to the provider with.
func clientKey(c *config) (*rsa.PrivateKey, string, error) {
	if !c.devop() {
		text, err := os.ReadFile(c.OIDC.ClientKeyFile)
		if err != nil {
			return nil, "", errors.New("OIDC_CLIENT_KEY_FILE cannot be read")
		}
		key, err := parseKey[*rsa.PrivateKey](text)
		if err != nil {
			return nil, "", errors.New("OIDC_CLIENT_KEY_FILE holds no RSA key in PEM (PKCS 8)")
		}
		return key, c.OIDC.ClientKeyID, nil
	}
	text, err := madeOnce(c.DataDir, "oidc-client-key.pem", func() ([]byte, error) {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			return nil, err
		}
		return pemKey(key)
	})
	if err != nil {
		return nil, "", err
	}
	key, err := parseKey[*rsa.PrivateKey](text)
	return key, "local-1", err
}

// otherClientKeys reads the public halves of the client keys that are published
// beside the one that signs: the next one before its turn, the last one for as
// long as providers may have it cached. Each is written id=file; a file holds a
// public key (PKIX) or a private one (PKCS 8) in PEM.
func otherClientKeys(setting string) ([]signin.ClientKey, error) {
	var out []signin.ClientKey
	for part := range strings.SplitSeq(setting, ",") {
		if part = strings.TrimSpace(part); part == "" {
			continue
		}
		id, path, ok := strings.Cut(part, "=")
		if !ok || id == "" {
			return nil, errors.New("each key is written id=file")
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("the file of key %q cannot be read", id)
		}
		key, err := publicHalf(text)
		if err != nil {
			return nil, fmt.Errorf("the file of key %q holds no RSA key in PEM", id)
		}
		out = append(out, signin.ClientKey{ID: id, Key: key})
	}
	return out, nil
}

func publicHalf(text []byte) (*rsa.PublicKey, error) {
	if private, err := parseKey[*rsa.PrivateKey](text); err == nil {
		return &private.PublicKey, nil
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, errors.New("a key of another kind")
	}
	return key, nil
}

// devopKey is one of the development provider's signing keys, kept so that
// signing out still works after a restart.
func devopKey(dataDir, name string) (*ecdsa.PrivateKey, error) {
	text, err := madeOnce(dataDir, name, func() ([]byte, error) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		return pemKey(key)
	})
	if err != nil {
		return nil, err
	}
	return parseKey[*ecdsa.PrivateKey](text)
}

func pemKey(key any) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

func parseKey[K any](text []byte) (K, error) {
	var none K
	block, _ := pem.Decode(text)
	if block == nil {
		return none, errors.New("no PEM block")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return none, errors.New("no PKCS 8 key")
	}
	key, ok := parsed.(K)
	if !ok {
		return none, errors.New("a key of another kind")
	}
	return key, nil
}

// madeOnce reads DATA_DIR/keys/name, or makes it. Two processes starting
// together agree on one file: the link to the final name fails for the second.
func madeOnce(dataDir, name string, create func() ([]byte, error)) ([]byte, error) {
	dir := filepath.Join(dataDir, "keys")
	path := filepath.Join(dir, name)
	text, err := os.ReadFile(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return text, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	made, err := create()
	if err != nil {
		return nil, err
	}
	tmp, err := os.CreateTemp(dir, name+".*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	if _, err := tmp.Write(made); err != nil {
		return nil, errors.Join(err, tmp.Close())
	}
	if err := errors.Join(tmp.Sync(), tmp.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}
