package settings

import (
	"errors"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ProviderURL is a provider's address, such as https://dinardragon.com. It is
// https; http is taken only for loopback, private addresses (RFC 1918 and
// fc00::/7) and host.docker.internal (contract, HTTP API). A path is kept and
// the provider's own paths come behind it. It has no user, query or fragment,
// and its host is ASCII, because a key must not go to a host that only looks
// right. The zero ProviderURL is no address.
type ProviderURL struct{ url url.URL }

// URL returns the address. The caller may change it.
func (p ProviderURL) URL() *url.URL { return &p.url }

// String returns the address as text.
func (p ProviderURL) String() string { return p.url.String() }

// UnmarshalText reads an address. Its errors do not quote it: it is refused,
// among other reasons, for having a password in it.
func (p *ProviderURL) UnmarshalText(text []byte) error {
	u, err := parseURL(string(text))
	if err != nil {
		return err
	}
	host := u.Hostname()
	switch {
	case u.Scheme != "https" && u.Scheme != "http" || host == "":
		return errors.New("is not an absolute https:// URL")
	case u.User != nil:
		return errors.New("has a user or password in it: keys belong into the secret")
	case !isHost(host):
		return errors.New("has a host with other characters than ASCII letters, digits, dots and hyphens")
	case !isPort(u):
		return errors.New("has a port that is not a number from 1 to 65535")
	case u.Scheme == "http" && !isLocal(host):
		return errors.New("is http, which is taken only for loopback, private addresses and host.docker.internal: use https")
	}
	if u.Path != "" {
		if err := checkPath(u.Path); err != nil {
			return err
		}
	}
	p.url = *u
	return nil
}

// Path is the absolute path of an URL, such as /api/v1/payment/recurring.
// Letters outside ASCII are taken as they are or percent-encoded, and sent
// percent-encoded as UTF-8: the provider's page spells one path with a Cyrillic
// letter, and an operator may have to follow it. The zero Path is no path.
type Path struct{ url url.URL }

// URL returns the path as an URL without scheme and host, for url.URL.JoinPath
// with EscapedPath. The caller may change it.
func (p Path) URL() *url.URL { return &p.url }

// String returns the path as it is sent: ASCII, percent-encoded.
func (p Path) String() string { return p.url.EscapedPath() }

// UnmarshalText reads a path.
func (p *Path) UnmarshalText(text []byte) error {
	if !strings.HasPrefix(string(text), "/") || strings.HasPrefix(string(text), "//") {
		return errors.New("is not an absolute path such as /api/v1/payment/recurring")
	}
	u, err := parseURL(string(text))
	if err != nil {
		return err
	}
	if err := checkPath(u.Path); err != nil {
		return err
	}
	p.url = url.URL{Path: u.Path, RawPath: u.RawPath}
	return nil
}

// parseURL parses what has neither query nor fragment, nor as much as their
// signs.
func parseURL(text string) (*url.URL, error) {
	if strings.ContainsAny(text, "?#") {
		return nil, errors.New("has a query or fragment, and may have neither")
	}
	u, err := url.Parse(text)
	if err != nil {
		// The library's text quotes what it could not parse.
		return nil, errors.New("is not a valid URL")
	}
	return u, nil
}

// checkPath takes a decoded path. What another program might read in another
// way is refused, and what a person cannot see.
func checkPath(path string) error {
	for _, segment := range strings.Split(path, "/") {
		if segment == "." || segment == ".." {
			return errors.New(`has "." or ".." in its path`)
		}
	}
	if strings.Contains(path, "//") {
		return errors.New(`has "//" in its path`)
	}
	unfit := func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsGraphic(r) || r == '\\' }
	if !utf8.ValidString(path) || strings.ContainsFunc(path, unfit) {
		return errors.New("has a blank, an invisible character or a backslash in its path")
	}
	return nil
}

func isHost(host string) bool {
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.ContainsFunc(host, func(r rune) bool {
		return r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-'
	})
}

func isPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}

func isLocal(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		addr = addr.Unmap()
		return addr.IsLoopback() || addr.IsPrivate()
	}
	return strings.EqualFold(host, "localhost") || strings.EqualFold(host, "host.docker.internal")
}
