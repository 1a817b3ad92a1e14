package main

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
)

// errTrustedProxies names the setting.
var errTrustedProxies = errors.New("TRUSTED_PROXIES must be addresses or networks like 10.0.0.0/8, separated by commas")

// parseTrustedProxies reads TRUSTED_PROXIES.
func parseTrustedProxies(text string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, item := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		network, err := netip.ParsePrefix(item)
		if err != nil {
			address, err := netip.ParseAddr(item)
			if err != nil || address.Zone() != "" {
				return nil, errTrustedProxies
			}
			network = netip.PrefixFrom(address, address.BitLen())
		}
		if network.Bits() == 0 {
			return nil, errors.New("TRUSTED_PROXIES must not trust every address: anybody could then name any address as their own")
		}
		out = append(out, network.Masked())
	}
	return out, nil
}

// clientAddress gives who is asking, by network address, for rate limits only:
// it is neither logged nor stored. X-Forwarded-For is believed as far as proxies
// that we trust have written it: from the right, up to the first address that is
// none of theirs. What stands left of it is the client's own word. The result is
// the zero Addr when the peer has no address.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peerPort, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	peer := plainAddress(peerPort.Addr())
	if !isTrusted(peer, trusted) {
		return peer
	}
	client := peer
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := parseHop(hops[i])
		if !ok {
			return peer // a proxy of ours wrote no address, or there is none
		}
		client = hop
		if !isTrusted(hop, trusted) {
			break
		}
	}
	return client
}

// unnamedProxy says whether r seems to have come through a proxy that is not
// trusted: one in a network like those of proxies, that forwards for somebody.
func unnamedProxy(r *http.Request, trusted []netip.Prefix) bool {
	if len(r.Header.Values("X-Forwarded-For")) == 0 {
		return false
	}
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	address := plainAddress(peer.Addr())
	return (address.IsPrivate() || address.IsLoopback()) && !isTrusted(address, trusted)
}

// parseHop reads an address, with a port as some proxies add it.
func parseHop(text string) (netip.Addr, bool) {
	text = strings.TrimSpace(text)
	address, err := netip.ParseAddr(text)
	if err != nil {
		withPort, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		address = withPort.Addr()
	}
	return plainAddress(address), true
}

// plainAddress gives one form to an address that can be written in several.
func plainAddress(a netip.Addr) netip.Addr { return a.Unmap().WithZone("") }

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	for _, network := range trusted {
		if network.Contains(a) {
			return true
		}
	}
	return false
}

// addressKey is the part of an address that limits count by: of IPv6 the first
// 64 bits, since one line has all addresses below them.
func addressKey(a netip.Addr) string {
	if a.Is6() {
		network, err := a.Prefix(64)
		if err == nil {
			return network.String()
		}
	}
	return a.String()
}
