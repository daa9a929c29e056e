package api

import (
	"net/http"
	"strings"
)

// PathID returns the id that stands in the path under the wildcard name:
// 1 to 255 of [A-Za-z0-9-]. Any other is a [*Problem]: 404 to read, since no
// such thing can be, and 422 to write (contract, HTTP API).
func PathID(r *http.Request, name string) (string, error) {
	return pathID(r, name, 255, "A-Za-z0-9-", "-")
}

// PathSubscriptionID is [PathID] for the id of a subscription, which has at most
// 64 characters: its charges' order numbers are made of it (contract, HTTP API).
func PathSubscriptionID(r *http.Request, name string) (string, error) {
	return pathID(r, name, 64, "A-Za-z0-9-", "-")
}

// PathPayoutID is [PathID] for the payment_id of a payout, which may also hold
// an underscore and has at most 128 characters (contract, HTTP API).
func PathPayoutID(r *http.Request, name string) (string, error) {
	return pathID(r, name, 128, "A-Za-z0-9_-", "-_")
}

func pathID(r *http.Request, name string, longest int, alphabet, extra string) (string, error) {
	id := r.PathValue(name)
	foreign := func(c rune) bool {
		return (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') &&
			!strings.ContainsRune(extra, c)
	}
	if id != "" && len(id) <= longest && !strings.ContainsFunc(id, foreign) {
		return id, nil
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return "", &Problem{
			Status: http.StatusNotFound,
			Detail: "There is nothing under this " + name + ": it is too long or has characters other than " + alphabet + ".",
		}
	}
	return "", Invalid(FieldError{name, "is too long or has characters other than " + alphabet})
}
