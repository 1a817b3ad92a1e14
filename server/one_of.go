package main

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// oneOf checks that inputs marked @oneOf have exactly one member that is not
// null. gqlparser checks literals only; through variables both or none arrive.
type oneOf struct{ schema *ast.Schema }

// ExtensionName names the extension to gqlgen.
func (oneOf) ExtensionName() string { return "one-of" }

// Validate is gqlgen's start-up hook; there is nothing to check.
func (oneOf) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext refuses an operation with such an input.
func (o oneOf) MutateOperationContext(_ context.Context, opCtx *graphql.OperationContext) *gqlerror.Error {
	seen := map[string]bool{}
	if o.selection(opCtx.Operation.SelectionSet, opCtx.Variables, seen) {
		return nil
	}
	return coded("BAD_USER_INPUT", "An input marked @oneOf needs exactly one member, and that one not null.")
}

func (o oneOf) selection(set ast.SelectionSet, variables map[string]any, seen map[string]bool) bool {
	for _, selected := range set {
		good := true
		switch s := selected.(type) {
		case *ast.Field:
			good = o.field(s, variables) && o.selection(s.SelectionSet, variables, seen)
		case *ast.InlineFragment:
			good = o.selection(s.SelectionSet, variables, seen)
		case *ast.FragmentSpread:
			if !seen[s.Name] {
				seen[s.Name] = true
				good = o.selection(s.Definition.SelectionSet, variables, seen)
			}
		}
		if !good {
			return false
		}
	}
	return true
}

func (o oneOf) field(f *ast.Field, variables map[string]any) bool {
	if f.Definition == nil {
		return true
	}
	for _, arg := range f.Arguments {
		definition := f.Definition.Arguments.ForName(arg.Name)
		value, err := arg.Value.Value(variables)
		if definition == nil || err != nil || !o.value(definition.Type, value) {
			return false
		}
	}
	return true
}

func (o oneOf) value(t *ast.Type, value any) bool {
	if value == nil {
		return true // whether null may stand here was checked before
	}
	if t.Elem != nil {
		list, ok := value.([]any)
		if !ok {
			return o.value(t.Elem, value) // one item stands for a list of one
		}
		for _, item := range list {
			if !o.value(t.Elem, item) {
				return false
			}
		}
		return true
	}
	definition := o.schema.Types[t.NamedType]
	members, ok := value.(map[string]any)
	if definition == nil || definition.Kind != ast.InputObject || !ok {
		return true
	}
	if definition.Directives.ForName("oneOf") != nil {
		given := 0
		for _, member := range members {
			if member != nil {
				given++
			}
		}
		if given != 1 || len(members) != 1 {
			return false
		}
	}
	for _, field := range definition.Fields {
		if member, given := members[field.Name]; given && !o.value(field.Type, member) {
			return false
		}
	}
	return true
}
