package main

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"

	openplr "openplr"
)

func loadSchema(t *testing.T) *ast.Schema {
	t.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: openplr.Schema})
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// ours lists the schema's own types.
func ours(schema *ast.Schema) []*ast.Definition {
	var out []*ast.Definition
	for name, d := range schema.Types {
		if !d.BuiltIn && !strings.HasPrefix(name, "__") {
			out = append(out, d)
		}
	}
	return out
}

func TestSchemaConventions(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	camel, shout := regexp.MustCompile(`^[a-z][A-Za-z0-9]*$`), regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)
	undescribed := func(what, description string) {
		if len(strings.TrimSpace(description)) < 5 {
			t.Errorf("%s has no description", what)
		}
	}
	for _, d := range ours(schema) {
		undescribed(d.Name, d.Description)
		if d.Kind == ast.Scalar && d.Directives.ForName("specifiedBy") == nil {
			t.Errorf("scalar %s has no @specifiedBy", d.Name)
		}
		for _, v := range d.EnumValues {
			undescribed(d.Name+"."+v.Name, v.Description)
			if !shout.MatchString(v.Name) {
				t.Errorf("%s.%s is not in capitals", d.Name, v.Name)
			}
		}
		for _, f := range d.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			at := d.Name + "." + f.Name
			undescribed(at, f.Description)
			if !camel.MatchString(f.Name) {
				t.Errorf("%s is not in camel case", at)
			}
			if f.Type.Elem != nil && !f.Type.Elem.NonNull {
				t.Errorf("%s: items of a list must not be null", at)
			}
			for _, a := range f.Arguments {
				undescribed(at+"("+a.Name+")", a.Description)
				if a.DefaultValue != nil && !a.Type.NonNull {
					t.Errorf("%s(%s) has a default and takes null, which gqlgen turns into a nil pointer", at, a.Name)
				}
			}
			if reason := f.Directives.ForName("deprecated"); reason != nil && !regexp.MustCompile(`Removal on \d{4}-\d{2}-\d{2}`).MatchString(reason.Arguments.ForName("reason").Value.Raw) {
				t.Errorf("%s is deprecated without a date of removal", at)
			}
		}
		if strings.HasSuffix(d.Name, "Connection") {
			for _, name := range []string{"edges", "nodes", "pageInfo", "totalCount"} {
				if d.Fields.ForName(name) == nil {
					t.Errorf("%s has no %s", d.Name, name)
				}
			}
		}
		if strings.HasSuffix(d.Name, "Payload") {
			if f := d.Fields.ForName("userErrors"); f == nil || f.Type.String() != "[UserError!]!" {
				t.Errorf("%s.userErrors must be [UserError!]!", d.Name)
			}
		}
	}
	for _, f := range schema.Mutation.Fields {
		want := strings.ToUpper(f.Name[:1]) + f.Name[1:]
		if f.Type.String() != want+"Payload!" {
			t.Errorf("%s must give %sPayload!", f.Name, want)
		}
		for _, a := range f.Arguments {
			if a.Name != "input" || a.Type.String() != want+"Input!" {
				t.Errorf("%s takes %s: %s", f.Name, a.Name, a.Type)
			}
		}
	}
}

func TestSchemaHasNoUnreachableType(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	reached := map[string]bool{}
	var reach func(name string)
	reach = func(name string) {
		d := schema.Types[name]
		if d == nil || reached[name] {
			return
		}
		reached[name] = true
		for _, f := range d.Fields {
			reach(f.Type.Name())
			for _, a := range f.Arguments {
				reach(a.Type.Name())
			}
		}
		for _, p := range schema.PossibleTypes[name] {
			reach(p.Name)
		}
	}
	reach("Query")
	reach("Mutation")
	for _, d := range ours(schema) {
		if !reached[d.Name] {
			t.Errorf("nothing leads to %s", d.Name)
		}
	}
}

// A list that costs as much as one object would let a small document ask for a
// large answer.
func TestEveryListHasACost(t *testing.T) {
	t.Parallel()
	for _, d := range ours(loadSchema(t)) {
		if d.Kind != ast.Object || strings.HasSuffix(d.Name, "Connection") || strings.HasSuffix(d.Name, "Payload") {
			continue
		}
		for _, f := range d.Fields {
			if f.Type.Elem == nil || f.Arguments.ForName("first") != nil {
				continue
			}
			if _, ok := listSizes[d.Name+"."+f.Name]; !ok {
				t.Errorf("%s.%s is a list without a size in listSizes", d.Name, f.Name)
			}
		}
	}
	schema := loadSchema(t)
	names := slices.Concat(slices.Collect(maps.Keys(listSizes)), slices.Collect(maps.Keys(fieldCosts)))
	for _, name := range names {
		typeName, field, _ := strings.Cut(name, ".")
		if d := schema.Types[typeName]; d == nil || d.Fields.ForName(field) == nil {
			t.Errorf("limits.go names %s, which the schema does not have", name)
		}
	}
}

// A redeemed record must have no way back to the learner or anything of theirs.
func TestRedeemedTypesLeadNowhereElse(t *testing.T) {
	t.Parallel()
	schema := loadSchema(t)
	seen := map[string]bool{}
	var follow func(name string)
	follow = func(name string) {
		d := schema.Types[name]
		if d == nil || seen[name] {
			return
		}
		seen[name] = true
		for _, f := range d.Fields {
			if len(f.Arguments) > 0 {
				t.Errorf("%s.%s takes arguments: a redeemed record is data, not a door", name, f.Name)
			}
			follow(f.Type.Name())
		}
	}
	follow("SharedRecord")
	for _, private := range []string{"Learner", "LearningEvent", "ShareLink", "ConfiguredView", "DataChallenge", "AccessEntry", "Node", "Recipient", "DataQualityNote"} {
		if seen[private] {
			t.Errorf("SharedRecord leads to %s", private)
		}
	}
}

// The explorer's examples are the first thing a front-end developer runs.
func TestExplorerExamplesFitTheSchema(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../web/explorer/dist/examples.graphql")
	if err != nil {
		t.Fatal(err)
	}
	document, err := parser.ParseQuery(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	if len(document.Operations) < 8 {
		t.Errorf("only %d examples", len(document.Operations))
	}
	if errs := validator.ValidateWithRules(loadSchema(t), document, nil); len(errs) > 0 {
		t.Error(errs)
	}
}
