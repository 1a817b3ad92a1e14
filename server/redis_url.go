package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
)

// redisTarget is what REDIS_URL says.
//
//	redis://[user:password@]host[:6379][/db]            one server
//	unix://[user:password@]/path/to/socket[?db=0]       one server on this machine
//	redis+sentinel://[user:password@]host[:26379],.../master[/db][?sentinel_username=...&sentinel_password=...]
//	redis+cluster://[user:password@]host[:6379],...
//
// With rediss for redis, every connection is TLS, those to sentinels too.
type redisTarget struct {
	kind               redisKind
	tls                bool
	addresses          []string // host:port; of unix the path
	username, password string
	db                 int
	// Sentinels only.
	master                             string
	sentinelUsername, sentinelPassword string
}

type redisKind string

const (
	redisSingle   redisKind = "single"
	redisUnix     redisKind = "unix"
	redisSentinel redisKind = "sentinel"
	redisCluster  redisKind = "cluster"
)

// errRedisURL never says what was wrong in words of the URL: it may hold a password.
var errRedisURL = errors.New("REDIS_URL cannot be read: write rediss://host:6379, rediss+sentinel://host:26379,host:26379/master, " +
	"rediss+cluster://host:6379,host:6379 or unix:///path/to/socket")

// parseRedisURL reads REDIS_URL. Options that are not listed above are refused:
// timeouts, retries and certificate checks are not the URL's to change.
func parseRedisURL(text string) (*redisTarget, error) {
	scheme, rest, ok := strings.Cut(text, "://")
	if !ok || strings.ContainsAny(rest, "#\\ ") {
		return nil, errRedisURL
	}
	t := &redisTarget{kind: redisSingle}
	base, kind, _ := strings.Cut(scheme, "+")
	switch base {
	case "redis", "rediss":
		t.tls = base == "rediss"
		if kind != "" {
			t.kind = redisKind(kind)
		}
	case "unix":
		t.kind = redisUnix
	default:
		return nil, errRedisURL
	}
	rest, query, _ := strings.Cut(rest, "?")
	authority, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		user, password, _ := strings.Cut(authority[:at], ":")
		var err1, err2 error
		t.username, err1 = url.PathUnescape(user)
		t.password, err2 = url.PathUnescape(password)
		if err1 != nil || err2 != nil {
			return nil, errRedisURL
		}
		authority = authority[at+1:]
	}
	options, err := url.ParseQuery(query)
	if err != nil {
		return nil, errRedisURL
	}
	option := func(name string) string {
		values := options[name]
		if len(values) != 1 {
			return "" // one that is given twice stays, and is refused below
		}
		delete(options, name)
		return values[0]
	}
	switch t.kind {
	case redisUnix:
		ok = kind == "" && authority == "" && path != "" && t.database(option("db"))
		t.addresses = []string{"/" + path}
	case redisSingle:
		ok = kind == "" && t.hosts(authority, "6379") && len(t.addresses) == 1 && t.database(path)
	case redisCluster: // has one database only
		ok = t.hosts(authority, "6379") && path == ""
	case redisSentinel:
		master, db, _ := strings.Cut(path, "/")
		t.master, t.sentinelUsername, t.sentinelPassword = master, option("sentinel_username"), option("sentinel_password")
		ok = t.hosts(authority, "26379") && master != "" && t.database(db)
	default:
		ok = false
	}
	if !ok || len(options) > 0 {
		return nil, errRedisURL
	}
	return t, nil
}

// hosts reads a list of host or host:port.
func (t *redisTarget) hosts(list, port string) bool {
	for _, item := range strings.Split(list, ",") {
		host, p, err := net.SplitHostPort(item)
		if err != nil {
			host, p = strings.Trim(item, "[]"), port
		}
		if n, err := strconv.ParseUint(p, 10, 16); err != nil || n == 0 || host == "" || (strings.Contains(host, ":") && net.ParseIP(host) == nil) {
			return false
		}
		t.addresses = append(t.addresses, net.JoinHostPort(host, p))
	}
	return true
}

func (t *redisTarget) database(text string) bool {
	if text == "" {
		return true
	}
	n, err := strconv.ParseUint(text, 10, 8)
	t.db = int(n)
	return err == nil
}

// plaintext says whether somebody on the network could read along.
func (t *redisTarget) plaintext() bool { return !t.tls && t.kind != redisUnix }

// redisTLS gives the TLS settings: certificates are always verified, by the
// authorities of caFile or else those of the system.
func redisTLS(caFile string) (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return out, nil
	}
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, errors.New("REDIS_CA_FILE cannot be read")
	}
	out.RootCAs = x509.NewCertPool()
	if !out.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New("REDIS_CA_FILE holds no certificate in PEM")
	}
	return out, nil
}
