package settings_test

import (
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"dinarfunctions/shared/settings"
)

func TestProviderURL(t *testing.T) {
	t.Parallel()
	accepted := []struct{ text, asked string }{
		{"https://dinardragon.com", "https://dinardragon.com/status"},
		{"https://dinardragon.com/", "https://dinardragon.com/status"},
		{"HTTPS://DinarDragon.com", "https://DinarDragon.com/status"},
		{"https://dinardragon.com:8443/base/v2", "https://dinardragon.com:8443/base/v2/status"},
		{"https://dinardragon.com/base/", "https://dinardragon.com/base/status"},
		{"https://xn--e1afmkfd.example", "https://xn--e1afmkfd.example/status"},
		{"https://203.0.113.7", "https://203.0.113.7/status"},
		{"http://localhost:8080", "http://localhost:8080/status"},
		{"http://127.0.0.1:8080", "http://127.0.0.1:8080/status"},
		{"http://127.9.9.9", "http://127.9.9.9/status"},
		{"http://[::1]:8080/base", "http://[::1]:8080/base/status"},
		{"http://[::ffff:127.0.0.1]", "http://[::ffff:127.0.0.1]/status"},
		{"http://10.1.2.3", "http://10.1.2.3/status"},
		{"http://172.17.0.1:9000", "http://172.17.0.1:9000/status"},
		{"http://192.168.1.1", "http://192.168.1.1/status"},
		{"http://[fd00::1]", "http://[fd00::1]/status"},
		{"http://host.docker.internal:9000", "http://host.docker.internal:9000/status"},
	}
	for _, c := range accepted {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			var p settings.ProviderURL
			require.NoError(t, p.UnmarshalText([]byte(c.text)))
			require.Equal(t, c.asked, p.URL().JoinPath("/status").String())
			p.URL().Host = "elsewhere"
			require.NotContains(t, p.String(), "elsewhere", "callers get a copy")
		})
	}

	refused := []struct{ text, says string }{
		{"", "absolute"},
		{"dinardragon.com", "absolute"},
		{"//dinardragon.com", "absolute"},
		{"https:dinardragon.com", "absolute"},
		{"https://", "absolute"},
		{"https://:443", "absolute"},
		{"ftp://dinardragon.com", "absolute"},
		{"http://dinardragon.com", "use https"},
		{"http://127.0.0.1.example.com", "use https"},
		{"http://localhost.example.com", "use https"},
		{"http://172.32.0.1", "use https"},
		{"http://11.0.0.1", "use https"},
		{"http://169.254.169.254", "use https"},
		{"http://0.0.0.0", "use https"},
		{"http://[fe80::1]", "use https"},
		{"http://[::ffff:8.8.8.8]", "use https"},
		{"http://2130706433", "use https"},
		{"http://docker.internal", "use https"},
		{"https://user@dinardragon.com", "user or password"},
		{"https://user:MARKED@dinardragon.com", "user or password"},
		{"https://@dinardragon.com", "user or password"},
		{"https://dinardragon.com?", "query or fragment"},
		{"https://dinardragon.com/?key=MARKED", "query or fragment"},
		{"https://dinardragon.com#", "query or fragment"},
		{"https://dinardragon.com:", "port"},
		{"https://dinardragon.com:0", "port"},
		{"https://dinardragon.com:65536", "port"},
		{"https://dinardragon.com:MARKED", "not a valid URL"},
		{"https://user:MARKED@dinardragon.com:x", "not a valid URL"},
		{"https://\u0441heckout.dineropay.com", "ASCII"},
		{"https://dinar dragon.com", "not a valid URL"},
		{"https://dinar_dragon.com", "ASCII"},
		{" https://dinardragon.com", "not a valid URL"},
		{"https://dinardragon.com ", "not a valid URL"},
		{"https://dinardragon.com\n", "not a valid URL"},
		{"https://dinardragon.com/a/../b", `".."`},
		{"https://dinardragon.com/a/%2e%2e/b", `".."`},
		{"https://dinardragon.com//b", `"//"`},
		{"https://dinardragon.com/a b", "blank"},
		{"https://dinardragon.com/a\\b", "backslash"},
	}
	for _, c := range refused {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			var p settings.ProviderURL
			err := p.UnmarshalText([]byte(c.text))
			require.ErrorContains(t, err, c.says)
			require.NotContains(t, err.Error(), "MARKED")
			require.Empty(t, p.String(), "nothing is kept of what was refused")
		})
	}
}

func TestPath(t *testing.T) {
	t.Parallel()
	base, err := url.Parse("https://checkout.dineropay.com/base")
	require.NoError(t, err)
	accepted := []struct{ text, sent string }{
		{"/api/v1/payment/recurring", "/api/v1/payment/recurring"},
		{"/api/v1/payment/re\u0441urring", "/api/v1/payment/re%D1%81urring"},
		{"/api/v1/payment/re%D1%81urring", "/api/v1/payment/re%D1%81urring"},
		{"/api/v1/payment/re%d1%81urring", "/api/v1/payment/re%d1%81urring"},
		{"/", "/"},
		{"/recurring/", "/recurring/"},
		{"/a%2Fb", "/a%2Fb"},
		{"/a:b", "/a:b"},
		{"/@a", "/@a"},
	}
	for _, c := range accepted {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			var p settings.Path
			require.NoError(t, p.UnmarshalText([]byte(c.text)))
			require.Equal(t, c.sent, p.String())
			require.Equal(t, "https://checkout.dineropay.com/base"+c.sent, base.JoinPath(p.URL().EscapedPath()).String())
		})
	}

	for _, text := range []string{
		"", "api/v1", "//host/api", "https://host/api", "/api?x", "/api#x", "/api/../x", "/./x", "/a//b",
		"/a b", "/a%20b", "/a\tb", "/a%0Ab", "/a%00", "/a%zz", "/a%", "/a\\b", "/\u202ea", "/a\u200bb", "/a\xff", "/a%ff", " /a",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			var p settings.Path
			require.Error(t, p.UnmarshalText([]byte(text)))
			require.Empty(t, p.String())
		})
	}
}

func FuzzProviderURL(f *testing.F) {
	for _, seed := range []string{
		"https://dinardragon.com", "http://127.0.0.1:8080/base", "http://[::1]", "https://user:p@h", "http://10.0.0.1?",
		"https://h/%2e%2e", "https://h:99999", "http://[fe80::1%25eth0]", "https://\u0441.example", "http://localhost:1", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p settings.ProviderURL
		if p.UnmarshalText([]byte(text)) != nil {
			require.Empty(t, p.String())
			return
		}
		u := p.URL()
		require.Nil(t, u.User)
		require.Empty(t, u.RawQuery+u.Fragment+u.Opaque)
		require.False(t, strings.ContainsAny(p.String(), "?#@ \n") && !strings.Contains(u.Path, "@"), p.String())
		if u.Scheme != "https" {
			require.Equal(t, "http", u.Scheme)
			if addr, err := netip.ParseAddr(u.Hostname()); err == nil {
				require.True(t, addr.Unmap().IsLoopback() || addr.Unmap().IsPrivate(), p.String())
			} else {
				require.Contains(t, []string{"localhost", "host.docker.internal"}, strings.ToLower(u.Hostname()))
			}
		}
		// What was accepted stays accepted, and stays the same.
		var again settings.ProviderURL
		require.NoError(t, again.UnmarshalText([]byte(p.String())), p.String())
		require.Equal(t, p.String(), again.String())
		require.Equal(t, u.Host, u.JoinPath("/status").Host)
	})
}

func FuzzPath(f *testing.F) {
	for _, seed := range []string{"/api/v1/payment/recurring", "/re\u0441urring", "/re%D1%81urring", "/a%2F", "//h", "/a?b", "/%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var p settings.Path
		if p.UnmarshalText([]byte(text)) != nil {
			require.Empty(t, p.String())
			return
		}
		require.NotContains(t, p.String(), "?")
		for _, r := range p.String() {
			require.True(t, r > ' ' && r < 0x7f, "%q", p.String())
		}
		var again settings.Path
		require.NoError(t, again.UnmarshalText([]byte(p.String())))
		require.Equal(t, p.String(), again.String())
	})
}
