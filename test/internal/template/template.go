// Package template reads template.yaml as far as tests need it: the functions
// with what Globals adds to them, and every property as plain values.
//
// Intrinsic functions stay what they are: !Ref X is map[string]any{"Ref": "X"},
// and any other !Name is {"Fn::Name": …}, as CloudFormation writes them in JSON.
package template

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Template is a SAM template.
type Template struct {
	Parameters map[string]Properties // by name
	Resources  map[string]Resource   // by logical id
	globals    Properties            // of functions
}

// Resource is one resource of the template.
type Resource struct {
	ID         string // the logical id
	Type       string // such as AWS::DynamoDB::Table
	Attributes Properties
	Properties Properties
}

// Function is one Lambda function, Globals included.
type Function struct {
	Resource
	Folder string // below the top of the repository, such as functions/payout-status
}

// Properties is a mapping of the template.
type Properties map[string]any

// Load reads the template in a file.
func Load(file string) (*Template, error) {
	text, err := os.ReadFile(file) //nolint:gosec // the repository's own template
	if err != nil {
		return nil, err
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	value, err := plain(&root)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	top, ok := value.(Properties)
	if !ok {
		return nil, fmt.Errorf("%s: not a mapping", file)
	}
	t := &Template{
		Parameters: make(map[string]Properties),
		Resources:  make(map[string]Resource),
		globals:    top.Map("Globals").Map("Function"),
	}
	for name := range top.Map("Parameters") {
		t.Parameters[name] = top.Map("Parameters").Map(name)
	}
	for id := range top.Map("Resources") {
		attributes := top.Map("Resources").Map(id)
		t.Resources[id] = Resource{
			ID: id, Type: attributes.Text("Type"), Attributes: attributes, Properties: attributes.Map("Properties"),
		}
	}
	if len(t.Resources) == 0 {
		return nil, fmt.Errorf("%s: no resources", file)
	}
	return t, nil
}

// Functions returns the functions, by logical id in order.
func (t *Template) Functions() []Function {
	var all []Function
	for _, r := range t.OfType("AWS::Serverless::Function") {
		r.Properties = merged(t.globals, r.Properties)
		all = append(all, Function{Resource: r, Folder: path.Clean(r.Properties.Text("CodeUri"))})
	}
	return all
}

// OfType returns the resources of a type, by logical id in order.
func (t *Template) OfType(kind string) []Resource {
	var all []Resource
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		if t.Resources[id].Type == kind {
			all = append(all, t.Resources[id])
		}
	}
	return all
}

// Environment returns a function's variables, with values as the template has
// them.
func (f Function) Environment() Properties {
	return f.Properties.Map("Environment").Map("Variables")
}

// Resolve returns a function's variables as the function sees them. A reference
// to a parameter is its default, unless refs has another value; every other
// reference has to be in refs, by logical id.
func (t *Template) Resolve(f Function, refs map[string]string) (map[string]string, error) {
	resolved := make(map[string]string)
	var faults []error
	for name, value := range f.Environment() {
		text, err := t.resolve(value, refs)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s of %s: %w", name, f.ID, err))
		}
		resolved[name] = text
	}
	return resolved, errors.Join(faults...)
}

func (t *Template) resolve(value any, refs map[string]string) (string, error) {
	mapping, ok := value.(Properties)
	if !ok {
		return fmt.Sprint(value), nil
	}
	id := mapping.Text("Ref")
	if given, ok := refs[id]; ok {
		return given, nil
	}
	if parameter, ok := t.Parameters[id]; ok {
		return fmt.Sprint(parameter["Default"]), nil
	}
	return "", fmt.Errorf("%v stands for nothing here", value)
}

// Map returns the mapping under a name, empty if there is none.
func (p Properties) Map(name string) Properties {
	mapping, _ := p[name].(Properties)
	return mapping
}

// List returns the list under a name. A single value is a list of one, as it is
// in IAM policies.
func (p Properties) List(name string) []any {
	switch value := p[name].(type) {
	case nil:
		return nil
	case []any:
		return value
	default:
		return []any{value}
	}
}

// Text returns the text under a name, empty if there is none.
func (p Properties) Text(name string) string {
	text, _ := p[name].(string)
	return text
}

// Number returns the whole number under a name, 0 if there is none.
func (p Properties) Number(name string) int {
	number, _ := p[name].(int)
	return number
}

// Refers returns the logical id that a value refers to with !Ref, !GetAtt, or a
// !Sub that begins with it, such as ${Charges.Arn}/index/look; empty if it is
// something else.
func Refers(value any) string {
	mapping, _ := value.(Properties)
	if id := mapping.Text("Ref"); id != "" {
		return id
	}
	attribute := mapping.Text("Fn::GetAtt")
	if text, ok := strings.CutPrefix(mapping.Text("Fn::Sub"), "${"); ok {
		attribute, _, _ = strings.Cut(text, "}")
	}
	id, _, _ := strings.Cut(attribute, ".")
	return id
}

// merged is what SAM makes of Globals and a function's own properties: mappings
// are merged, lists joined, and everything else is the function's.
func merged(global, own Properties) Properties {
	all := maps.Clone(global)
	if all == nil {
		all = make(Properties)
	}
	for name, value := range own {
		outer, isMap := all[name].(Properties)
		inner, alsoMap := value.(Properties)
		before, isList := all[name].([]any)
		after, alsoList := value.([]any)
		switch {
		case isMap && alsoMap:
			all[name] = merged(outer, inner)
		case isList && alsoList:
			all[name] = slices.Concat(before, after)
		default:
			all[name] = value
		}
	}
	return all
}

// plain turns YAML with CloudFormation's tags into plain values.
func plain(node *yaml.Node) (any, error) {
	var value any
	switch node.Kind {
	case yaml.DocumentNode:
		return plain(node.Content[0])
	case yaml.AliasNode:
		return plain(node.Alias)
	case yaml.MappingNode:
		mapping := make(Properties)
		for i := 0; i < len(node.Content); i += 2 {
			name := node.Content[i].Value
			if _, twice := mapping[name]; twice {
				return nil, fmt.Errorf("line %d: %s stands there twice", node.Content[i].Line, name)
			}
			inner, err := plain(node.Content[i+1])
			if err != nil {
				return nil, err
			}
			mapping[name] = inner
		}
		value = mapping
	case yaml.SequenceNode:
		list := make([]any, 0, len(node.Content))
		for _, content := range node.Content {
			inner, err := plain(content)
			if err != nil {
				return nil, err
			}
			list = append(list, inner)
		}
		value = list
	default:
		if !isIntrinsic(node) {
			if err := node.Decode(&value); err != nil {
				return nil, fmt.Errorf("line %d: %w", node.Line, err)
			}
			return value, nil
		}
		value = node.Value
	}
	if !isIntrinsic(node) {
		return value, nil
	}
	name := strings.TrimPrefix(node.Tag, "!")
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	return Properties{name: value}, nil
}

// isIntrinsic tells whether a node is tagged as one of CloudFormation's
// functions, and not with one of YAML's own types.
func isIntrinsic(node *yaml.Node) bool {
	return strings.HasPrefix(node.Tag, "!") && !strings.HasPrefix(node.Tag, "!!")
}
