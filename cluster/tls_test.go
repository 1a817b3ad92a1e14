package cluster_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"openplr/cluster/mongotest"
)

// F23. A certificate that has expired, is for another host or comes from
// nowhere: the replica refuses the store or Redis behind it, is not ready, and
// never tries without TLS. With a good one it serves.
func TestCertificates(t *testing.T) {
	t.Parallel()
	mongo, redis := mongotest.Start(t), startRedis(t, t.TempDir())
	authority := newAuthority(t)
	stranger := newAuthority(t)
	day := 24 * time.Hour
	good := authority.certificate(t, "127.0.0.1", day)
	for name, c := range map[string]struct {
		store, redis tls.Certificate
		ready        bool
	}{
		"both good":               {good, good, true},
		"store expired":           {authority.certificate(t, "127.0.0.1", -day), good, false},
		"store for another host":  {authority.certificate(t, "127.0.0.9", day), good, false},
		"store of an unknown one": {stranger.certificate(t, "127.0.0.1", day), good, false},
		"Redis expired":           {good, authority.certificate(t, "127.0.0.1", -day), false},
		"Redis for another host":  {good, authority.certificate(t, "127.0.0.9", day), false},
		"Redis of an unknown one": {good, stranger.certificate(t, "127.0.0.1", day), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, cache := newTLSFront(t, mongo.Listen(t).Addr(), c.store), newTLSFront(t, redis.addr, c.redis)
			r := newReplica(t, name, map[string]string{
				"MONGODB_URI": "mongodb://" + store.addr + "/openplr?tls=true&directConnection=true", "REDIS_URL": "rediss://" + cache.addr,
				"SSL_CERT_FILE": authority.file, "SSL_CERT_DIR": "/nonexistent", "LINK_KEYS": linkKeys, "SESSION_KEYS": sessionKeys,
			})
			inDevelopmentWithoutProvider(t, r)
			r.start()
			if c.ready {
				r.awaitReady(15 * time.Second)
				return
			}
			bad := store
			if strings.HasPrefix(name, "Redis") {
				bad = cache
			}
			eventually(t, 15*time.Second, "three attempts", func() bool {
				if got := r.probe("/readyz"); got == http.StatusOK {
					t.Fatal("ready")
				}
				return bad.refused.Load() >= 3
			})
			if n := bad.plain.Load(); n > 0 {
				t.Errorf("%d attempts without TLS", n)
			}
			if r.probe("/healthz") != http.StatusOK {
				t.Error("not alive")
			}
			if said := r.logs.String(); strings.Contains(said, "mongodb://") || strings.Contains(said, "rediss://") {
				t.Errorf("addresses in the log: %s", said)
			}
		})
	}
}

// inDevelopmentWithoutProvider names a provider that is nowhere.
func inDevelopmentWithoutProvider(t *testing.T, r *replica) {
	t.Helper()
	inProduction(t, r) // for the client key
	for name, value := range map[string]string{"ENV": "development", "PUBLIC_URL": r.url, "RATE_LIMITS": "off"} {
		r.env[name] = value
	}
}

// authority signs certificates.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "authority of the tests"}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign, NotBefore: time.Now().Add(-100 * 24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "authority.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, file}
}

// certificate is for an address and ends life from now, which may be past.
func (a *authority) certificate(t *testing.T, address string, life time.Duration) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: address}, IPAddresses: []net.IP{net.ParseIP(address)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		NotBefore: time.Now().Add(-50 * 24 * time.Hour), NotAfter: time.Now().Add(life),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tlsFront is an address that speaks TLS and leads to a server that does not.
type tlsFront struct {
	addr string
	// refused counts handshakes that the client gave up; plain those that began
	// with something else than one.
	refused, plain atomic.Int64
}

func newTLSFront(t *testing.T, target string, certificate tls.Certificate) *tlsFront {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", freePort(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	f := &tlsFront{addr: l.Addr().String()}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go f.serve(conn, target, config)
		}
	}()
	return f
}

// serve reads the first byte by itself: a TLS handshake begins with 22.
func (f *tlsFront) serve(conn net.Conn, target string, config *tls.Config) {
	defer func() { _ = conn.Close() }()
	var first [1]byte
	if _, err := io.ReadFull(conn, first[:]); err != nil {
		return
	}
	if first[0] != 22 {
		f.plain.Add(1)
		return
	}
	secure := tls.Server(&unread{conn, first[:]}, config)
	if err := secure.Handshake(); err != nil {
		f.refused.Add(1)
		return
	}
	// With TLS 1.3 the client's refusal comes after our half of the handshake.
	var hello [1]byte
	if _, err := io.ReadFull(secure, hello[:]); err != nil {
		f.refused.Add(1)
		return
	}
	server, err := net.Dial("tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if _, err := server.Write(hello[:]); err != nil {
		return
	}
	go func() { _, _ = io.Copy(server, secure); _ = server.Close() }()
	_, _ = io.Copy(secure, server)
}

// unread gives back what was read ahead.
type unread struct {
	net.Conn
	ahead []byte
}

func (u *unread) Read(p []byte) (int, error) {
	if len(u.ahead) > 0 {
		n := copy(p, u.ahead)
		u.ahead = u.ahead[n:]
		return n, nil
	}
	return u.Conn.Read(p)
}
