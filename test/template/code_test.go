package template_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const (
	module = "dinarfunctions"
	sdk    = "github.com/aws/aws-sdk-go-v2/service/"
)

// code is what the sources of a function say that it needs. It is read from
// every package of this module that the function is built of, tests excepted.
type code struct {
	variables map[string]bool // environment variables, from the env tags of settings
	actions   map[string]bool // IAM actions, from the requests it can make of AWS
	marks     map[string]bool // what it marks log lines with, such as alarm=unknown
}

// isMark tells whether a log line's attribute is there to be counted.
func isMark(attribute string) bool {
	return attribute == "alarm" || attribute == "count" || attribute == "metric"
}

// iamPrefix is how IAM calls the SDK's services.
func iamPrefix() map[string]string {
	return map[string]string{
		"dynamodb":       "dynamodb",
		"eventbridge":    "events",
		"secretsmanager": "secretsmanager",
		"sqs":            "sqs",
	}
}

// iamAction is what IAM calls requests that it has no action of their own name for: a
// batch needs the right to send one message, a transaction those to write its items.
func iamAction() map[string]string {
	return map[string]string{
		"sqs:SendMessageBatch":        "sqs:SendMessage",
		"dynamodb:TransactWriteItems": "dynamodb:UpdateItem",
	}
}

func readCode(t *testing.T, folder string) code {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{.ImportPath}}\t{{.Dir}}\t{{join .GoFiles \" \"}}", "./"+folder)
	list.Dir = top
	out, err := list.Output()
	require.NoError(t, err, "go list %s", folder)

	found := code{variables: make(map[string]bool), actions: make(map[string]bool), marks: make(map[string]bool)}
	for line := range strings.Lines(string(out)) {
		columns := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		require.Len(t, columns, 3, line)
		if !strings.HasPrefix(columns[0], module+"/") {
			continue
		}
		for name := range strings.FieldsSeq(columns[2]) {
			file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(columns[1], name), nil, parser.SkipObjectResolution)
			require.NoError(t, err)
			found.read(t, file)
		}
	}
	return found
}

func (c code) read(t *testing.T, file *ast.File) {
	t.Helper()
	services := make(map[string]string) // the name in this file → the SDK's
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		require.NoError(t, err)
		service, ok := strings.CutPrefix(imported, sdk)
		if !ok || strings.Contains(service, "/") {
			continue
		}
		name := path.Base(imported)
		if spec.Name != nil {
			name = spec.Name.Name
		}
		services[name] = service
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.Field:
			if node.Tag == nil {
				break
			}
			tag, err := strconv.Unquote(node.Tag.Value)
			require.NoError(t, err)
			if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("env"), ","); name != "" {
				c.variables[name] = true
			}
		case *ast.SelectorExpr:
			// Whoever makes a request of AWS names its input.
			request, isInput := strings.CutSuffix(node.Sel.Name, "Input")
			pkg, isPackage := node.X.(*ast.Ident)
			if !isInput || !isPackage || services[pkg.Name] == "" {
				break
			}
			service := services[pkg.Name]
			require.Contains(t, iamPrefix(), service, "how does IAM call it?")
			action := iamPrefix()[service] + ":" + request
			c.actions[cmp.Or(iamAction()[action], action)] = true
		case *ast.CallExpr:
			for i, argument := range node.Args {
				name := text(argument)
				if !isMark(name) || i+1 == len(node.Args) {
					continue
				}
				values := texts(file, node.Args[i+1])
				require.NotEmpty(t, values, "a log line's %s is not written out, so that no filter can be held against it", name)
				for _, value := range values {
					c.marks[name+"="+value] = true
				}
			}
		}
		return true
	})
}

// texts are the values that an expression can have: its own, or those that its file
// assigns to a variable of its name.
func texts(file *ast.File, node ast.Expr) []string {
	variable, ok := node.(*ast.Ident)
	if !ok {
		return slices.DeleteFunc([]string{text(node)}, isEmpty)
	}
	var all []string
	ast.Inspect(file, func(node ast.Node) bool {
		assignment, ok := node.(*ast.AssignStmt)
		if !ok || len(assignment.Lhs) != len(assignment.Rhs) {
			return true
		}
		for i, left := range assignment.Lhs {
			if name, ok := left.(*ast.Ident); ok && name.Name == variable.Name {
				all = append(all, text(assignment.Rhs[i]))
			}
		}
		return true
	})
	return slices.DeleteFunc(all, isEmpty)
}

func isEmpty(text string) bool { return text == "" }

// text is the value of a text literal, empty for anything else.
func text(node ast.Expr) string {
	literal, ok := node.(*ast.BasicLit)
	if !ok || literal.Kind != token.STRING {
		return ""
	}
	value, err := strconv.Unquote(literal.Value)
	if err != nil {
		return ""
	}
	return value
}
