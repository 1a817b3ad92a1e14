package signin

import (
	"net/url"
	"strings"
)

const maxReturnTo = 2048

// safeReturnTo is the package function of that name, and knows the addresses of
// our front ends on other origins besides.
func (s *SignIn) safeReturnTo(to string) (string, bool) {
	for _, origin := range s.config.AllowedOrigins {
		if path, there := strings.CutPrefix(to, origin); there {
			if path, ok := safeReturnTo(path); ok { // one origin may begin with another, up to the port
				return origin + path, true
			}
		}
	}
	return safeReturnTo(to)
}

// safeReturnTo gives the place to send a person after signing in, or false when
// s is anything but a plain path (with or without a query) on our own origin.
// Browsers repair broken URLs in surprising ways, so what would need repair is
// refused, not mended. Empty means the front page.
func safeReturnTo(s string) (string, bool) {
	if s == "" {
		return "/", true
	}
	if len(s) > maxReturnTo || s[0] != '/' || strings.HasPrefix(s, "//") || hasUnsafeByte(s) || strings.Contains(s, "#") {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "", false
	}
	// Path is decoded: "/%2f%2fevil" and "/%2e%2e//evil" show their faces here.
	// A second decoding, by whoever serves the path, must find nothing either.
	path := u.Path
	for range 3 {
		if strings.Contains(path, "//") || hasUnsafeByteDecoded(path) || hasDotSegment(path) {
			return "", false
		}
		further, err := url.PathUnescape(path)
		if err != nil || further == path {
			break
		}
		path = further
	}
	// The sign-in pages themselves are no place to arrive at.
	if path == "/auth" || strings.HasPrefix(path, "/auth/") {
		return "", false
	}
	return s, true
}

// hasUnsafeByte finds what has no place in a URL as it is sent: controls, space,
// backslash (read as a slash by browsers) and anything outside ASCII.
func hasUnsafeByte(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == '\\' || s[i] >= 0x7f {
			return true
		}
	}
	return false
}

// hasUnsafeByteDecoded is hasUnsafeByte for a decoded path, where letters of any
// language and spaces are welcome.
func hasUnsafeByteDecoded(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] == '\\' || s[i] == 0x7f {
			return true
		}
	}
	return false
}

func hasDotSegment(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return true
		}
	}
	return false
}
