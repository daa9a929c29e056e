package dineropay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json"

	"dinarfunctions/shared/hidden"
)

// Credentials are the merchant's key and password. The key is sent, the password
// only signs.
type Credentials struct {
	MerchantKey hidden.Text
	Password    hidden.Text
}

// Keys supplies the merchant's credentials: the cached ones, and freshly read
// ones after the provider refused those. *secrets.Secret[Credentials] is one.
type Keys interface {
	Get(ctx context.Context) (Credentials, error)
	Refresh(ctx context.Context) (Credentials, error)
}

// ParseCredentials reads the secret's value, {"merchant_key": "…",
// "merchant_password": "…"} (contract, "Settings"). Its errors name the field
// and never hold any of the value.
func ParseCredentials(value []byte) (Credentials, error) {
	var wire struct {
		Key      string `json:"merchant_key"`
		Password string `json:"merchant_password"`
	}
	if err := json.Unmarshal(value, &wire); err != nil {
		// The decoder's own text may quote the value.
		return Credentials{}, errors.New(`the value is not the JSON object {"merchant_key": "…", "merchant_password": "…"}`)
	}
	for _, f := range []struct{ name, value string }{
		{"merchant_key", wire.Key}, {"merchant_password", wire.Password},
	} {
		if err := checkCredential(f.value); err != nil {
			return Credentials{}, fmt.Errorf("%s %w", f.name, err)
		}
	}
	return Credentials{MerchantKey: hidden.New(wire.Key), Password: hidden.New(wire.Password)}, nil
}

func checkCredential(text string) error {
	if text == "" {
		return errors.New("is missing or empty")
	}
	if text != strings.TrimSpace(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return errors.New("begins or ends with a blank or holds a control character; was it pasted with a line break?")
	}
	if checkUpperCase(text) != nil {
		return errors.New("holds a character whose upper case is ambiguous, so that it cannot sign reliably")
	}
	return nil
}
