// Package eventschema holds outcome events against events/schemas, for every test
// that has events.
package eventschema

import (
	"bytes"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"dinarfunctions/shared/outcome"
)

// Folder is where the schemas are.
func Folder() string {
	_, here, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(here), "../../events/schemas")
}

// File is the name of a detail type's schema.
func File(detailType string) string {
	return strings.ReplaceAll(strings.ToLower(detailType), " ", "-") + ".json"
}

var compiled = sync.OnceValues(func() (map[string]*jsonschema.Schema, error) {
	all := make(map[string]*jsonschema.Schema)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	for _, detailType := range outcome.DetailTypes() {
		schema, err := compiler.Compile(filepath.Join(Folder(), File(detailType)))
		if err != nil {
			return nil, err
		}
		all[detailType] = schema
	}
	return all, nil
})

// Check tells what is wrong with an event's detail, if anything is.
func Check(detailType string, detail []byte) error {
	schemas, err := compiled()
	if err != nil {
		return err
	}
	schema, known := schemas[detailType]
	if !known {
		return fmt.Errorf("%q is no detail type", detailType)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(detail))
	if err != nil {
		return fmt.Errorf("the detail of %s is not JSON: %w", detailType, err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("%s: %w: %s", detailType, err, detail)
	}
	return nil
}
