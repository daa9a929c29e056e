package main

import (
	"errors"
	"net/netip"
	"strings"

	"dinarfunctions/shared/settings"
)

// address is where an API is. It is https; http is taken only for this machine,
// where the sandbox is. The zero address is none.
type address struct{ text string }

// parseAddress reads an address. The error continues its name, and does not quote
// it.
func parseAddress(text string) (address, error) {
	var u settings.ProviderURL
	if err := u.UnmarshalText([]byte(text)); err != nil {
		return address{}, err
	}
	if u.URL().Scheme == "http" && !isLoopback(u.URL().Hostname()) {
		return address{}, errors.New("is http, which is taken only for this machine: use https")
	}
	return address{strings.TrimSuffix(u.String(), "/")}, nil
}

func (a address) String() string { return a.text }

// charging is the address of the switch.
func (a address) charging() string { return a.text + "/charging" }

// onThisMachine tells whether it is a sandbox's.
func (a address) onThisMachine() bool { return strings.HasPrefix(a.text, "http:") }

// region is the one that is part of an address of API Gateway
// (https://{id}.execute-api.{region}.amazonaws.com), or empty.
func (a address) region() string {
	host, _, _ := strings.Cut(strings.TrimPrefix(a.text, "https://"), "/")
	labels := strings.Split(host, ".")
	if len(labels) > 4 && labels[1] == "execute-api" && labels[3] == "amazonaws" {
		return labels[2]
	}
	return ""
}

func isLoopback(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().IsLoopback()
	}
	return strings.EqualFold(host, "localhost")
}
