// Package settings reads a function's environment variables by type (contract,
// Settings).
//
// Declare a struct with one exported field per variable and call Load once, at
// start:
//
//	type environment struct {
//		Provider settings.ProviderURL `env:"DINARDRAGON_URL"`
//		SecretID string               `env:"DINARDRAGON_SECRET_ID"`
//		TTL      time.Duration        `env:"SECRET_TTL"`
//	}
//
// Every variable is required unless its field has an envDefault tag. A
// time.Duration has to be positive. What is missing, empty or malformed is told
// in one line that names it all, so that one look at the log mends it all.
//
// These variables hold no secrets, only the ids of secrets.
package settings

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// Load reads the settings T from the process's environment. The error is one
// line that names every faulty variable and what is wrong with it.
func Load[T any]() (T, error) {
	return LoadFrom[T](env.ToMap(os.Environ()))
}

// LoadFrom is Load from the given variables alone. T is a struct; others may be
// embedded in it.
func LoadFrom[T any](environ map[string]string) (T, error) {
	var none, loaded T
	given := make(map[string]string, len(environ))
	for name, value := range environ {
		// For the library an empty variable is a set one.
		if strings.TrimSpace(value) != "" {
			given[name] = value
		}
	}
	err := env.ParseWithOptions(&loaded, env.Options{
		Environment:     given,
		RequiredIfNoDef: true,
		FuncMap:         map[reflect.Type]env.ParserFunc{reflect.TypeFor[time.Duration](): positiveDuration},
	})
	if err == nil {
		return loaded, nil
	}
	var all env.AggregateError
	if !errors.As(err, &all) {
		return none, fmt.Errorf("settings: %w", err)
	}
	variables := variablesOf(reflect.TypeFor[T]())
	faults := make([]string, 0, len(all.Errors))
	for _, err := range all.Errors {
		var unset env.VarIsNotSetError
		var malformed env.ParseError
		switch {
		case errors.As(err, &unset):
			problem := "is not set"
			if _, there := environ[unset.Key]; there {
				problem = "is empty"
			}
			faults = append(faults, unset.Key+" "+problem)
		case errors.As(err, &malformed):
			faults = append(faults, fmt.Sprintf("%s %v", cmp.Or(variables[malformed.Name], malformed.Name), malformed.Err))
		default:
			faults = append(faults, err.Error())
		}
	}
	return none, errors.New("settings: " + strings.Join(faults, "; "))
}

// variablesOf maps the names of a struct's fields to their variables: the
// library's errors know the field alone.
func variablesOf(t reflect.Type) map[string]string {
	variables := make(map[string]string)
	for _, field := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(field.Tag.Get("env"), ","); name != "" {
			variables[field.Name] = name
		}
	}
	return variables
}

func positiveDuration(text string) (any, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return nil, fmt.Errorf("is %q, which is not a duration such as 5m or 1h30m", text)
	}
	if d <= 0 {
		return nil, fmt.Errorf("is %q, but has to be more than zero", text)
	}
	return d, nil
}
