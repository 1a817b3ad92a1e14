package main

import (
	"net/http/httptest"
	"net/netip"
	"testing"
)

// Row 71: who asks is the peer, and what a trusted proxy says about it.
func TestClientAddress(t *testing.T) {
	t.Parallel()
	const proxies = "10.0.0.0/8, 192.0.2.7,2001:db8:ffff::/48"
	for name, c := range map[string]struct {
		trusted, peer string
		forwarded     []string
		want          string
	}{
		"nobody trusted":               {"", "203.0.113.5:1000", []string{"1.2.3.4"}, "203.0.113.5"},
		"untrusted peer":               {proxies, "203.0.113.5:1000", []string{"1.2.3.4"}, "203.0.113.5"},
		"untrusted peer names a proxy": {proxies, "203.0.113.5:1000", []string{"10.0.0.1"}, "203.0.113.5"},
		"proxy":                        {proxies, "10.1.2.3:1000", []string{"198.51.100.9"}, "198.51.100.9"},
		"proxy by address":             {proxies, "192.0.2.7:1000", []string{"198.51.100.9"}, "198.51.100.9"},
		"neighbour of it":              {proxies, "192.0.2.8:1000", []string{"198.51.100.9"}, "192.0.2.8"},
		"what the client wrote itself": {proxies, "10.1.2.3:1000", []string{"1.2.3.4, 198.51.100.9"}, "198.51.100.9"},
		"garbage left of the client":   {proxies, "10.1.2.3:1000", []string{"<script>, 198.51.100.9"}, "198.51.100.9"},
		"two proxies":                  {proxies, "10.1.2.3:1000", []string{"1.2.3.4, 198.51.100.9, 10.9.9.9"}, "198.51.100.9"},
		"several lines":                {proxies, "10.1.2.3:1000", []string{"1.2.3.4", "198.51.100.9", "10.9.9.9"}, "198.51.100.9"},
		"all ours":                     {proxies, "10.1.2.3:1000", []string{"10.5.5.5, 10.9.9.9"}, "10.5.5.5"},
		"none":                         {proxies, "10.1.2.3:1000", nil, "10.1.2.3"},
		"empty":                        {proxies, "10.1.2.3:1000", []string{""}, "10.1.2.3"},
		"garbage":                      {proxies, "10.1.2.3:1000", []string{"198.51.100.9, unknown"}, "10.1.2.3"},
		"garbage behind a proxy":       {proxies, "10.1.2.3:1000", []string{"' OR 1=1, 10.9.9.9"}, "10.1.2.3"},
		"with port":                    {proxies, "10.1.2.3:1000", []string{"198.51.100.9:4711"}, "198.51.100.9"},
		"IPv6":                         {proxies, "[2001:db8:ffff::1]:1000", []string{"2001:db8:1:2:3:4:5:6"}, "2001:db8:1:2:3:4:5:6"},
		"IPv6 with port":               {proxies, "[2001:db8:ffff::1]:1000", []string{"[2001:db8:1:2:3:4:5:6]:9"}, "2001:db8:1:2:3:4:5:6"},
		"mapped":                       {proxies, "[::ffff:10.1.2.3]:1000", []string{"::ffff:198.51.100.9"}, "198.51.100.9"},
		"zone":                         {proxies, "[fe80::1%eth0]:1000", []string{"1.2.3.4"}, "fe80::1"},
		"no address":                   {proxies, "@", []string{"1.2.3.4"}, "invalid IP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			trusted, err := parseTrustedProxies(c.trusted)
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.peer
			for _, line := range c.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
			for _, other := range []string{"X-Real-IP", "Forwarded", "True-Client-IP"} {
				r.Header.Set(other, "for=9.9.9.9")
			}
			if got := clientAddress(r, trusted).String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
	for _, text := range []string{"x", "10.0.0.0/33", "10.0.0.1/0", "::/0", "0.0.0.0/0", "fe80::1%eth0", "proxy.example.org"} {
		if _, err := parseTrustedProxies(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

// One line of IPv6 is one client, whichever of its addresses it uses.
func TestAddressKey(t *testing.T) {
	t.Parallel()
	key := func(s string) string { return addressKey(netip.MustParseAddr(s)) }
	if key("2001:db8:1:2::1") != key("2001:db8:1:2:ffff::9") || key("2001:db8:1:2::1") == key("2001:db8:1:3::1") {
		t.Error("IPv6 is not counted by /64")
	}
	if key("192.0.2.1") == key("192.0.2.2") {
		t.Error("IPv4 addresses count together")
	}
}

// Whatever a header says, the client is an address, and the peer's own when the
// peer is nobody we trust.
func FuzzClientAddress(f *testing.F) {
	f.Add("10.0.0.1:1", "1.2.3.4, 10.0.0.2")
	f.Add("[2001:db8::1]:1", "[::1]:9,::ffff:10.0.0.1")
	f.Add("203.0.113.1:1", ",,,")
	trusted, err := parseTrustedProxies("10.0.0.0/8")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, peer, forwarded string) {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = peer
		r.Header["X-Forwarded-For"] = []string{forwarded}
		got := clientAddress(r, trusted)
		parsed, err := netip.ParseAddrPort(peer)
		if err != nil {
			if got.IsValid() {
				t.Errorf("%q gave %s", peer, got)
			}
			return
		}
		own := plainAddress(parsed.Addr())
		if !isTrusted(own, trusted) && got != own {
			t.Errorf("%q from %q gave %s", forwarded, peer, got)
		}
		if !got.IsValid() || got.Is4In6() || got.Zone() != "" || addressKey(got) == "" {
			t.Errorf("%q from %q gave %s", forwarded, peer, got)
		}
	})
}
