package main

import (
	"net/url"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/connstring"

	"openplr/plr"
)

// validateStores checks where things are kept and with which keys. In
// production nothing travels unencrypted, and replicas share what they must.
func (c *config) validateStores(fault func(string, ...any)) {
	if c.RedisURL != "" {
		if target, err := parseRedisURL(c.RedisURL); err != nil {
			fault("%w", err)
		} else if c.production() && target.plaintext() {
			fault("REDIS_URL must begin with rediss (rediss://, rediss+sentinel://, rediss+cluster://) in production, so that sessions cannot be read on the way; a unix socket is also accepted")
		}
	}
	if c.RedisTimeout < 10*time.Millisecond || c.RedisTimeout > 2*time.Second {
		fault("REDIS_TIMEOUT must be a time from 10ms to 2s")
	}
	c.validateMongoDB(fault)
	for name, setting := range map[string]string{"LINK_KEYS": c.LinkKeys, "SESSION_KEYS": c.SessionKeys} {
		if setting == "" {
			if c.production() && c.MongoDBURI != "" {
				fault("%s must be set in production with MONGODB_URI: keys that each machine made for itself would differ between replicas", name)
			}
			continue
		}
		keys, err := plr.ParseLinkKeys(setting)
		if err != nil {
			fault("%s cannot be read: each key is written id:base64, with at least 32 bytes", name)
			continue
		}
		for _, key := range keys {
			if c.production() && isPattern(key.Key) {
				fault("%s has a key that is a pattern and not random bytes: make one with openssl rand -base64 32", name)
				break
			}
		}
	}
}

func (c *config) validateMongoDB(fault func(string, ...any)) {
	if c.MongoDBURI == "" {
		return
	}
	scheme, rest, _ := strings.Cut(c.MongoDBURI, "://")
	if scheme != "mongodb" && scheme != "mongodb+srv" {
		fault("MONGODB_URI must begin with mongodb:// or mongodb+srv://")
		return
	}
	if !c.production() {
		return
	}
	if c.RedisURL == "" {
		fault("REDIS_URL must be set in production with MONGODB_URI: replicas cannot share the Redis inside one of them")
	}
	_, query, _ := strings.Cut(rest, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		fault("MONGODB_URI has options that cannot be read")
		return
	}
	encrypted := scheme == "mongodb+srv"
	for name, values := range options { // names are written in any case
		for _, value := range values {
			switch strings.ToLower(name) {
			case "tls", "ssl":
				if value != "true" {
					fault("MONGODB_URI must not switch TLS off in production")
				}
				encrypted = true
			case "tlsinsecure", "tlsallowinvalidcertificates", "tlsallowinvalidhostnames", "sslinsecure":
				if value != "false" {
					fault("MONGODB_URI must not switch the check of certificates off in production")
				}
			}
		}
	}
	if encrypted && scheme == "mongodb" {
		// The driver has the last word: what looks like an option may be part of a
		// password. A mongodb+srv address could not be read without DNS.
		read, err := connstring.Parse(c.MongoDBURI)
		if err != nil {
			fault("MONGODB_URI cannot be read")
			return
		}
		encrypted = read.SSL
	}
	if !encrypted {
		fault("MONGODB_URI must be mongodb+srv:// or have tls=true in production, so that records cannot be read on the way")
	}
}

// isPattern says whether a key is one that somebody wrote instead of making it:
// one byte or one short piece again and again, or bytes counted up or down.
func isPattern(key []byte) bool {
	counted := true
	for i := 2; i < len(key); i++ {
		counted = counted && key[i]-key[i-1] == key[1]-key[0]
	}
	for length := 1; length <= len(key)/2; length++ {
		repeats := true
		for i := length; i < len(key) && repeats; i++ {
			repeats = key[i] == key[i-length]
		}
		if repeats {
			return true
		}
	}
	return counted
}
